// Made by protoc-gen-b2 from b2/v1/host.proto: change that, not this.
import * as b2 from '../../../b2/proto';
import { StatsResponseCodec, type StatsResponse } from '../../b2/v1/core';
import { ServiceEntryCodec, type ServiceEntry } from '../../b2/v1/hello';

export enum ChildState {
  unknown = 0,
  /** forked, no HELLO yet */
  starting = 1,
  ready = 2,
  /** ended; starts again at next_start_ms */
  backing_off = 3,
  /** ended too often; waits for Restart */
  failed = 4,
  stopped = 5,
  /** told to end, or lost; its process is still there */
  ending = 6,
}

export interface Child {
  /** "ariascribe" */
  name: string;
  state: ChildState;
  /** 0 while none runs */
  pid: number;
  uptimeMs: bigint;
  /** since the host started */
  restarts: number;
  /** "killed by signal 11 (SIGSEGV)", "" if it never ended */
  lastExit: string;
  /** from now, while backing off */
  nextStartMs: number;
  services: ServiceEntry[];
  /** as last asked */
  stats?: StatsResponse | undefined;
  /** where it listens on its own */
  addresses: string[];
  /** of one core, since the last look */
  cpuPercent: number;
  residentBytes: bigint;
  /** its last lines on stderr */
  logTail: string;
  /** it was ended for want of calls: STOPPED, until the next */
  startsOnCall: boolean;
}
export const ChildCodec: b2.Codec<Child> = b2.codec('b2.v1.Child', [
  b2.plain(1, 'name', 'string'),
  b2.plain(2, 'state', 'enum'),
  b2.plain(3, 'pid', 'int32'),
  b2.plain(4, 'uptimeMs', 'uint64'),
  b2.plain(5, 'restarts', 'uint32'),
  b2.plain(6, 'lastExit', 'string'),
  b2.plain(7, 'nextStartMs', 'uint32'),
  b2.list(8, 'services', () => ServiceEntryCodec),
  b2.optional(9, 'stats', () => StatsResponseCodec),
  b2.list(10, 'addresses', 'string'),
  b2.plain(11, 'cpuPercent', 'double'),
  b2.plain(12, 'residentBytes', 'uint64'),
  b2.plain(13, 'logTail', 'string'),
  b2.plain(14, 'startsOnCall', 'bool'),
]);
export const encodeChild = (message: b2.Init<Child>): Uint8Array => ChildCodec.encode(message);
export const decodeChild = (bytes: Uint8Array): Child => ChildCodec.decode(bytes);

export interface HostState {
  nodeName: string;
  nodeId: Uint8Array;
  /** the id as people read it */
  nodeWords: string;
  house: string;
  uptimeMs: bigint;
  children: Child[];
  /** of the host itself */
  stats?: StatsResponse | undefined;
  /** of the host itself */
  services: ServiceEntry[];
  addresses: string[];
  version: string;
}
export const HostStateCodec: b2.Codec<HostState> = b2.codec('b2.v1.HostState', [
  b2.plain(1, 'nodeName', 'string'),
  b2.plain(2, 'nodeId', 'bytes'),
  b2.plain(3, 'nodeWords', 'string'),
  b2.plain(4, 'house', 'string'),
  b2.plain(5, 'uptimeMs', 'uint64'),
  b2.list(6, 'children', () => ChildCodec),
  b2.optional(7, 'stats', () => StatsResponseCodec),
  b2.list(8, 'services', () => ServiceEntryCodec),
  b2.list(9, 'addresses', 'string'),
  b2.plain(10, 'version', 'string'),
]);
export const encodeHostState = (message: b2.Init<HostState>): Uint8Array => HostStateCodec.encode(message);
export const decodeHostState = (bytes: Uint8Array): HostState => HostStateCodec.decode(bytes);

export interface ListRequest {
}
export const ListRequestCodec: b2.Codec<ListRequest> = b2.codec('b2.v1.ListRequest', [
]);
export const encodeListRequest = (message: b2.Init<ListRequest>): Uint8Array => ListRequestCodec.encode(message);
export const decodeListRequest = (bytes: Uint8Array): ListRequest => ListRequestCodec.decode(bytes);

export interface ListResponse {
  state?: HostState | undefined;
}
export const ListResponseCodec: b2.Codec<ListResponse> = b2.codec('b2.v1.ListResponse', [
  b2.optional(1, 'state', () => HostStateCodec),
]);
export const encodeListResponse = (message: b2.Init<ListResponse>): Uint8Array => ListResponseCodec.encode(message);
export const decodeListResponse = (bytes: Uint8Array): ListResponse => ListResponseCodec.decode(bytes);

export interface WatchRequest {
  intervalMs: number;
}
export const WatchRequestCodec: b2.Codec<WatchRequest> = b2.codec('b2.v1.WatchRequest', [
  b2.plain(1, 'intervalMs', 'uint32'),
]);
export const encodeWatchRequest = (message: b2.Init<WatchRequest>): Uint8Array => WatchRequestCodec.encode(message);
export const decodeWatchRequest = (bytes: Uint8Array): WatchRequest => WatchRequestCodec.decode(bytes);

export interface RestartRequest {
  name: string;
}
export const RestartRequestCodec: b2.Codec<RestartRequest> = b2.codec('b2.v1.RestartRequest', [
  b2.plain(1, 'name', 'string'),
]);
export const encodeRestartRequest = (message: b2.Init<RestartRequest>): Uint8Array => RestartRequestCodec.encode(message);
export const decodeRestartRequest = (bytes: Uint8Array): RestartRequest => RestartRequestCodec.decode(bytes);

export interface RestartResponse {
  child?: Child | undefined;
}
export const RestartResponseCodec: b2.Codec<RestartResponse> = b2.codec('b2.v1.RestartResponse', [
  b2.optional(1, 'child', () => ChildCodec),
]);
export const encodeRestartResponse = (message: b2.Init<RestartResponse>): Uint8Array => RestartResponseCodec.encode(message);
export const decodeRestartResponse = (bytes: Uint8Array): RestartResponse => RestartResponseCodec.decode(bytes);

export interface UpgradeRequest {
  name: string;
}
export const UpgradeRequestCodec: b2.Codec<UpgradeRequest> = b2.codec('b2.v1.UpgradeRequest', [
  b2.plain(1, 'name', 'string'),
]);
export const encodeUpgradeRequest = (message: b2.Init<UpgradeRequest>): Uint8Array => UpgradeRequestCodec.encode(message);
export const decodeUpgradeRequest = (bytes: Uint8Array): UpgradeRequest => UpgradeRequestCodec.decode(bytes);

export interface UpgradeResponse {
  /** none for the host itself */
  child?: Child | undefined;
  /** of the process that serves from here on */
  pid: number;
}
export const UpgradeResponseCodec: b2.Codec<UpgradeResponse> = b2.codec('b2.v1.UpgradeResponse', [
  b2.optional(1, 'child', () => ChildCodec),
  b2.plain(2, 'pid', 'int32'),
]);
export const encodeUpgradeResponse = (message: b2.Init<UpgradeResponse>): Uint8Array => UpgradeResponseCodec.encode(message);
export const decodeUpgradeResponse = (bytes: Uint8Array): UpgradeResponse => UpgradeResponseCodec.decode(bytes);

export interface LogsRequest {
  /** of a child; "" for all */
  name: string;
  /** go on with each line as it comes */
  follow: boolean;
}
export const LogsRequestCodec: b2.Codec<LogsRequest> = b2.codec('b2.v1.LogsRequest', [
  b2.plain(1, 'name', 'string'),
  b2.plain(2, 'follow', 'bool'),
]);
export const encodeLogsRequest = (message: b2.Init<LogsRequest>): Uint8Array => LogsRequestCodec.encode(message);
export const decodeLogsRequest = (bytes: Uint8Array): LogsRequest => LogsRequestCodec.decode(bytes);

export interface LogLine {
  child: string;
  line: string;
  /** lines before this one that came faster than they were read */
  dropped: bigint;
}
export const LogLineCodec: b2.Codec<LogLine> = b2.codec('b2.v1.LogLine', [
  b2.plain(1, 'child', 'string'),
  b2.plain(2, 'line', 'string'),
  b2.plain(3, 'dropped', 'uint64'),
]);
export const encodeLogLine = (message: b2.Init<LogLine>): Uint8Array => LogLineCodec.encode(message);
export const decodeLogLine = (bytes: Uint8Array): LogLine => LogLineCodec.decode(bytes);

/** The supervisor of child processes. */
export const Host = {
  list: {
    service: 'b2.v1.Host', name: 'List', kind: 'unary', idempotent: true, needs: '',
    request: ListRequestCodec, response: ListResponseCodec,
  } satisfies b2.Method<ListRequest, ListResponse>,
  /** The whole state at once, then again whenever it changes and at least every interval. */
  watch: {
    service: 'b2.v1.Host', name: 'Watch', kind: 'server_stream', idempotent: false, needs: '',
    request: WatchRequestCodec, response: HostStateCodec,
  } satisfies b2.Method<WatchRequest, HostState>,
  /**
   * Starts a second process of a child, or of the host itself, beside the first, has it take over once it is ready, and ends the first
   * when its calls have.
   */
  upgrade: {
    service: 'b2.v1.Host', name: 'Upgrade', kind: 'unary', idempotent: false, needs: 'admin',
    request: UpgradeRequestCodec, response: UpgradeResponseCodec,
  } satisfies b2.Method<UpgradeRequest, UpgradeResponse>,
  /** What a child writes to its output: the lines that are kept, then, where asked for, each as it comes. */
  logs: {
    service: 'b2.v1.Host', name: 'Logs', kind: 'server_stream', idempotent: false, needs: 'admin',
    request: LogsRequestCodec, response: LogLineCodec,
  } satisfies b2.Method<LogsRequest, LogLine>,
  /** Ends a child and starts it again. */
  restart: {
    service: 'b2.v1.Host', name: 'Restart', kind: 'unary', idempotent: false, needs: 'admin',
    request: RestartRequestCodec, response: RestartResponseCodec,
  } satisfies b2.Method<RestartRequest, RestartResponse>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'b2.v1.Child': ChildCodec,
  'b2.v1.HostState': HostStateCodec,
  'b2.v1.ListRequest': ListRequestCodec,
  'b2.v1.ListResponse': ListResponseCodec,
  'b2.v1.WatchRequest': WatchRequestCodec,
  'b2.v1.RestartRequest': RestartRequestCodec,
  'b2.v1.RestartResponse': RestartResponseCodec,
  'b2.v1.UpgradeRequest': UpgradeRequestCodec,
  'b2.v1.UpgradeResponse': UpgradeResponseCodec,
  'b2.v1.LogsRequest': LogsRequestCodec,
  'b2.v1.LogLine': LogLineCodec,
};
