// Made by protoc-gen-b2 from b2/v1/core.proto: change that, not this.
import * as b2 from '../../../b2/proto';
import { LimitsCodec, ServiceEntryCodec, type Health, type Limits, type ServiceEntry } from '../../b2/v1/hello';

export interface DescribeRequest {
  /** one service; "" for all */
  service: string;
  /** include the FileDescriptorSet */
  descriptors: boolean;
}
export const DescribeRequestCodec: b2.Codec<DescribeRequest> = b2.codec('b2.v1.DescribeRequest', [
  b2.plain(1, 'service', 'string'),
  b2.plain(2, 'descriptors', 'bool'),
]);
export const encodeDescribeRequest = (message: b2.Init<DescribeRequest>): Uint8Array => DescribeRequestCodec.encode(message);
export const decodeDescribeRequest = (bytes: Uint8Array): DescribeRequest => DescribeRequestCodec.decode(bytes);

export interface DescribeResponse {
  nodeName: string;
  nodeId: Uint8Array;
  /** "ariascribe 0.1.0" */
  program: string;
  services: ServiceEntry[];
  /** google.protobuf.FileDescriptorSet */
  fileDescriptorSet: Uint8Array;
  house: string;
  /** where it listens */
  addresses: string[];
}
export const DescribeResponseCodec: b2.Codec<DescribeResponse> = b2.codec('b2.v1.DescribeResponse', [
  b2.plain(1, 'nodeName', 'string'),
  b2.plain(2, 'nodeId', 'bytes'),
  b2.plain(3, 'program', 'string'),
  b2.list(4, 'services', () => ServiceEntryCodec),
  b2.plain(5, 'fileDescriptorSet', 'bytes'),
  b2.plain(6, 'house', 'string'),
  b2.list(7, 'addresses', 'string'),
]);
export const encodeDescribeResponse = (message: b2.Init<DescribeResponse>): Uint8Array => DescribeResponseCodec.encode(message);
export const decodeDescribeResponse = (bytes: Uint8Array): DescribeResponse => DescribeResponseCodec.decode(bytes);

export interface HealthRequest {
  service: string;
}
export const HealthRequestCodec: b2.Codec<HealthRequest> = b2.codec('b2.v1.HealthRequest', [
  b2.plain(1, 'service', 'string'),
]);
export const encodeHealthRequest = (message: b2.Init<HealthRequest>): Uint8Array => HealthRequestCodec.encode(message);
export const decodeHealthRequest = (bytes: Uint8Array): HealthRequest => HealthRequestCodec.decode(bytes);

export interface HealthResponse {
  health: Health;
  /** for a person, "" when all is well */
  detail: string;
}
export const HealthResponseCodec: b2.Codec<HealthResponse> = b2.codec('b2.v1.HealthResponse', [
  b2.plain(1, 'health', 'enum'),
  b2.plain(2, 'detail', 'string'),
]);
export const encodeHealthResponse = (message: b2.Init<HealthResponse>): Uint8Array => HealthResponseCodec.encode(message);
export const decodeHealthResponse = (bytes: Uint8Array): HealthResponse => HealthResponseCodec.decode(bytes);

export interface StatsRequest {
}
export const StatsRequestCodec: b2.Codec<StatsRequest> = b2.codec('b2.v1.StatsRequest', [
]);
export const encodeStatsRequest = (message: b2.Init<StatsRequest>): Uint8Array => StatsRequestCodec.encode(message);
export const decodeStatsRequest = (bytes: Uint8Array): StatsRequest => StatsRequestCodec.decode(bytes);

export interface MethodStats {
  service: string;
  method: string;
  calls: bigint;
  failed: bigint;
  open: number;
  meanUs: number;
  /** of the calls that were timed; the upper bound of a bucket */
  p99Us: number;
  p50Us: number;
}
export const MethodStatsCodec: b2.Codec<MethodStats> = b2.codec('b2.v1.MethodStats', [
  b2.plain(1, 'service', 'string'),
  b2.plain(2, 'method', 'string'),
  b2.plain(3, 'calls', 'uint64'),
  b2.plain(4, 'failed', 'uint64'),
  b2.plain(5, 'open', 'uint32'),
  b2.plain(6, 'meanUs', 'double'),
  b2.plain(7, 'p99Us', 'double'),
  b2.plain(8, 'p50Us', 'double'),
]);
export const encodeMethodStats = (message: b2.Init<MethodStats>): Uint8Array => MethodStatsCodec.encode(message);
export const decodeMethodStats = (bytes: Uint8Array): MethodStats => MethodStatsCodec.decode(bytes);

export interface RefusedFor {
  /** "call_right": docs/spec/b2.md §10 */
  reason: string;
  count: bigint;
}
export const RefusedForCodec: b2.Codec<RefusedFor> = b2.codec('b2.v1.RefusedFor', [
  b2.plain(1, 'reason', 'string'),
  b2.plain(2, 'count', 'uint64'),
]);
export const encodeRefusedFor = (message: b2.Init<RefusedFor>): Uint8Array => RefusedForCodec.encode(message);
export const decodeRefusedFor = (bytes: Uint8Array): RefusedFor => RefusedForCodec.decode(bytes);

export interface StatsResponse {
  uptimeMs: bigint;
  /** open */
  connections: bigint;
  connectionsTotal: bigint;
  /** connections and calls turned away */
  refusedTotal: bigint;
  bytesIn: bigint;
  bytesOut: bigint;
  /** of the receive budget, bytes */
  budgetUsed: bigint;
  budget: bigint;
  residentBytes: bigint;
  methods: MethodStats[];
  /** refused_total by reason, those that came up */
  refusedFor: RefusedFor[];
}
export const StatsResponseCodec: b2.Codec<StatsResponse> = b2.codec('b2.v1.StatsResponse', [
  b2.plain(1, 'uptimeMs', 'uint64'),
  b2.plain(2, 'connections', 'uint64'),
  b2.plain(3, 'connectionsTotal', 'uint64'),
  b2.plain(4, 'refusedTotal', 'uint64'),
  b2.plain(5, 'bytesIn', 'uint64'),
  b2.plain(6, 'bytesOut', 'uint64'),
  b2.plain(7, 'budgetUsed', 'uint64'),
  b2.plain(8, 'budget', 'uint64'),
  b2.plain(9, 'residentBytes', 'uint64'),
  b2.list(10, 'methods', () => MethodStatsCodec),
  b2.list(11, 'refusedFor', () => RefusedForCodec),
]);
export const encodeStatsResponse = (message: b2.Init<StatsResponse>): Uint8Array => StatsResponseCodec.encode(message);
export const decodeStatsResponse = (bytes: Uint8Array): StatsResponse => StatsResponseCodec.decode(bytes);

export interface LimitsRequest {
}
export const LimitsRequestCodec: b2.Codec<LimitsRequest> = b2.codec('b2.v1.LimitsRequest', [
]);
export const encodeLimitsRequest = (message: b2.Init<LimitsRequest>): Uint8Array => LimitsRequestCodec.encode(message);
export const decodeLimitsRequest = (bytes: Uint8Array): LimitsRequest => LimitsRequestCodec.decode(bytes);

export interface LimitsResponse {
  limits?: Limits | undefined;
  receiveBudget: bigint;
  connections: number;
  unidentifiedConnections: number;
  unidentifiedPerAddress: number;
  firstBytesMs: number;
  helloMs: number;
  maxConnectionWindow: number;
  maxStreamWindow: number;
}
export const LimitsResponseCodec: b2.Codec<LimitsResponse> = b2.codec('b2.v1.LimitsResponse', [
  b2.optional(1, 'limits', () => LimitsCodec),
  b2.plain(2, 'receiveBudget', 'uint64'),
  b2.plain(3, 'connections', 'uint32'),
  b2.plain(4, 'unidentifiedConnections', 'uint32'),
  b2.plain(5, 'unidentifiedPerAddress', 'uint32'),
  b2.plain(6, 'firstBytesMs', 'uint32'),
  b2.plain(7, 'helloMs', 'uint32'),
  b2.plain(8, 'maxConnectionWindow', 'uint32'),
  b2.plain(9, 'maxStreamWindow', 'uint32'),
]);
export const encodeLimitsResponse = (message: b2.Init<LimitsResponse>): Uint8Array => LimitsResponseCodec.encode(message);
export const decodeLimitsResponse = (bytes: Uint8Array): LimitsResponse => LimitsResponseCodec.decode(bytes);

/** What every b2 endpoint answers. */
export const Core = {
  /** The services the caller may use here and, where asked for, their protobuf descriptors: enough to call them from a shell. */
  describe: {
    service: 'b2.v1.Core', name: 'Describe', kind: 'unary', idempotent: true, needs: 'public',
    request: DescribeRequestCodec, response: DescribeResponseCodec,
  } satisfies b2.Method<DescribeRequest, DescribeResponse>,
  /** Whether the endpoint, or one of its services, is fit to be called. */
  health: {
    service: 'b2.v1.Core', name: 'Health', kind: 'unary', idempotent: true, needs: 'public',
    request: HealthRequestCodec, response: HealthResponseCodec,
  } satisfies b2.Method<HealthRequest, HealthResponse>,
  /** What was counted since start. */
  stats: {
    service: 'b2.v1.Core', name: 'Stats', kind: 'unary', idempotent: true, needs: '',
    request: StatsRequestCodec, response: StatsResponseCodec,
  } satisfies b2.Method<StatsRequest, StatsResponse>,
  /** The limits this endpoint holds its peers to. */
  limits: {
    service: 'b2.v1.Core', name: 'Limits', kind: 'unary', idempotent: true, needs: 'public',
    request: LimitsRequestCodec, response: LimitsResponseCodec,
  } satisfies b2.Method<LimitsRequest, LimitsResponse>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'b2.v1.DescribeRequest': DescribeRequestCodec,
  'b2.v1.DescribeResponse': DescribeResponseCodec,
  'b2.v1.HealthRequest': HealthRequestCodec,
  'b2.v1.HealthResponse': HealthResponseCodec,
  'b2.v1.StatsRequest': StatsRequestCodec,
  'b2.v1.MethodStats': MethodStatsCodec,
  'b2.v1.RefusedFor': RefusedForCodec,
  'b2.v1.StatsResponse': StatsResponseCodec,
  'b2.v1.LimitsRequest': LimitsRequestCodec,
  'b2.v1.LimitsResponse': LimitsResponseCodec,
};
