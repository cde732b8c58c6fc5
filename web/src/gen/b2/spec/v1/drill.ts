// Made by protoc-gen-b2 from b2/spec/v1/drill.proto: change that, not this.
import * as b2 from '../../../../b2/proto';

export enum TaskKind {
  /** all was tried: end */
  done = 0,
  /** call Echo with `size` bytes of payload */
  echo = 1,
  /** call Count with `count` and `size`, take what comes */
  count = 2,
  /** call Hold */
  hold = 3,
  /** call Hold, cancel it at once */
  cancel = 4,
  /** call Sum with `count` messages of `size` bytes */
  sum = 5,
  /** call Count, use nothing of what comes until the call or the connection ends */
  unread = 6,
  /** as ECHO, with a request longer than the window of a stream */
  echo_long = 7,
}

export interface Piece {
  payload: Uint8Array;
  inside?: Piece | undefined;
}
export const PieceCodec: b2.Codec<Piece> = b2.codec('b2.spec.v1.Piece', [
  b2.plain(1, 'payload', 'bytes'),
  b2.optional(2, 'inside', () => PieceCodec),
]);
export const encodePiece = (message: b2.Init<Piece>): Uint8Array => PieceCodec.encode(message);
export const decodePiece = (bytes: Uint8Array): Piece => PieceCodec.decode(bytes);

export interface CountRequest {
  count: number;
  size: number;
}
export const CountRequestCodec: b2.Codec<CountRequest> = b2.codec('b2.spec.v1.CountRequest', [
  b2.plain(1, 'count', 'uint32'),
  b2.plain(2, 'size', 'uint32'),
]);
export const encodeCountRequest = (message: b2.Init<CountRequest>): Uint8Array => CountRequestCodec.encode(message);
export const decodeCountRequest = (bytes: Uint8Array): CountRequest => CountRequestCodec.decode(bytes);

export interface FailRequest {
  /** 1 to 16 */
  status: number;
}
export const FailRequestCodec: b2.Codec<FailRequest> = b2.codec('b2.spec.v1.FailRequest', [
  b2.plain(1, 'status', 'uint32'),
]);
export const encodeFailRequest = (message: b2.Init<FailRequest>): Uint8Array => FailRequestCodec.encode(message);
export const decodeFailRequest = (bytes: Uint8Array): FailRequest => FailRequestCodec.decode(bytes);

export interface Total {
  messages: number;
  bytes: bigint;
}
export const TotalCodec: b2.Codec<Total> = b2.codec('b2.spec.v1.Total', [
  b2.plain(1, 'messages', 'uint32'),
  b2.plain(2, 'bytes', 'uint64'),
]);
export const encodeTotal = (message: b2.Init<Total>): Uint8Array => TotalCodec.encode(message);
export const decodeTotal = (bytes: Uint8Array): Total => TotalCodec.decode(bytes);

export interface Outcome {
  /** of the last task's call */
  status: number;
  /** that came */
  messages: number;
  /** of payload in them */
  bytes: bigint;
  /** there was no task yet */
  none: boolean;
  /** the tasks this client knows, by number: "1 2 3" */
  can: string;
}
export const OutcomeCodec: b2.Codec<Outcome> = b2.codec('b2.spec.v1.Outcome', [
  b2.plain(1, 'status', 'uint32'),
  b2.plain(2, 'messages', 'uint32'),
  b2.plain(3, 'bytes', 'uint64'),
  b2.plain(4, 'none', 'bool'),
  b2.plain(5, 'can', 'string'),
]);
export const encodeOutcome = (message: b2.Init<Outcome>): Uint8Array => OutcomeCodec.encode(message);
export const decodeOutcome = (bytes: Uint8Array): Outcome => OutcomeCodec.decode(bytes);

export interface Task {
  kind: TaskKind;
  count: number;
  size: number;
  /** the call's; 0 for none */
  timeoutMs: number;
}
export const TaskCodec: b2.Codec<Task> = b2.codec('b2.spec.v1.Task', [
  b2.plain(1, 'kind', 'enum'),
  b2.plain(2, 'count', 'uint32'),
  b2.plain(3, 'size', 'uint32'),
  b2.plain(4, 'timeoutMs', 'uint32'),
]);
export const encodeTask = (message: b2.Init<Task>): Uint8Array => TaskCodec.encode(message);
export const decodeTask = (bytes: Uint8Array): Task => TaskCodec.decode(bytes);

/**
 * What `b2spec` asks of an implementation (docs/spec/conformance/README.md). A server under test serves it beside b2.v1.Core; to a
 * client under test b2spec serves it, and tells by Next what to do.
 */
export const Drill = {
  /** The request comes back. */
  echo: {
    service: 'b2.spec.v1.Drill', name: 'Echo', kind: 'unary', idempotent: true, needs: 'public',
    request: PieceCodec, response: PieceCodec,
  } satisfies b2.Method<Piece, Piece>,
  /** As many messages, of as many bytes of payload each. */
  count: {
    service: 'b2.spec.v1.Drill', name: 'Count', kind: 'server_stream', idempotent: false, needs: 'public',
    request: CountRequestCodec, response: PieceCodec,
  } satisfies b2.Method<CountRequest, Piece>,
  /** How many messages the caller's stream had, and how many bytes of payload. */
  sum: {
    service: 'b2.spec.v1.Drill', name: 'Sum', kind: 'client_stream', idempotent: false, needs: 'public',
    request: PieceCodec, response: TotalCodec,
  } satisfies b2.Method<Piece, Total>,
  /** Each message comes back. */
  chat: {
    service: 'b2.spec.v1.Drill', name: 'Chat', kind: 'bidirectional', idempotent: false, needs: 'public',
    request: PieceCodec, response: PieceCodec,
  } satisfies b2.Method<Piece, Piece>,
  /** Never answers; ends when it is cancelled. */
  hold: {
    service: 'b2.spec.v1.Drill', name: 'Hold', kind: 'unary', idempotent: false, needs: 'public',
    request: PieceCodec, response: PieceCodec,
  } satisfies b2.Method<Piece, Piece>,
  /** As Hold, of a stream none of whose messages is used. */
  holdStream: {
    service: 'b2.spec.v1.Drill', name: 'HoldStream', kind: 'client_stream', idempotent: false, needs: 'public',
    request: PieceCodec, response: PieceCodec,
  } satisfies b2.Method<Piece, Piece>,
  /** Fails with the status asked for. */
  fail: {
    service: 'b2.spec.v1.Drill', name: 'Fail', kind: 'unary', idempotent: false, needs: 'public',
    request: FailRequestCodec, response: PieceCodec,
  } satisfies b2.Method<FailRequest, Piece>,
  /** How often it was called, over all connections, this call included. Not idempotent. */
  tally: {
    service: 'b2.spec.v1.Drill', name: 'Tally', kind: 'unary', idempotent: false, needs: 'public',
    request: PieceCodec, response: TotalCodec,
  } satisfies b2.Method<Piece, Total>,
  /** As Echo, for administrators. */
  guarded: {
    service: 'b2.spec.v1.Drill', name: 'Guarded', kind: 'unary', idempotent: false, needs: 'admin',
    request: PieceCodec, response: PieceCodec,
  } satisfies b2.Method<Piece, Piece>,
  /** Served by b2spec alone: tells what came of the last task, is told the next. */
  next: {
    service: 'b2.spec.v1.Drill', name: 'Next', kind: 'unary', idempotent: false, needs: 'public',
    request: OutcomeCodec, response: TaskCodec,
  } satisfies b2.Method<Outcome, Task>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'b2.spec.v1.Piece': PieceCodec,
  'b2.spec.v1.CountRequest': CountRequestCodec,
  'b2.spec.v1.FailRequest': FailRequestCodec,
  'b2.spec.v1.Total': TotalCodec,
  'b2.spec.v1.Outcome': OutcomeCodec,
  'b2.spec.v1.Task': TaskCodec,
};
