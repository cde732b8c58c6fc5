/** The extensions of CALL: type, length, value, padded to units of 4 bytes (docs/spec/b2.md §2). */
import { kNoBytes, view, type Bytes } from './bytes';
import { B2Error, Status } from './status';

export interface Extensions {
  readonly timeoutMs?: number; // from receipt until the deadline
  readonly traceparent?: Bytes; // W3C trace id (16), parent id (8), flags (1)
  readonly idempotencyKey?: Bytes; // 16 bytes
  readonly priority?: number; // 0 lowest … 255
  readonly encoding?: number;
  readonly epoch?: bigint; // boot epoch of the callee the call is meant for
}

const Kind = { padding: 0, timeout: 1, traceparent: 2, idempotency: 3, priority: 4, encoding: 5, epoch: 6 } as const;
const kLength: Record<number, number> = { 1: 4, 2: 25, 3: 16, 4: 1, 5: 1, 6: 8 };

export function writeExtensions(of: Extensions): Bytes {
  const bytes: number[] = [];
  const put = (kind: number, value: ArrayLike<number>) => bytes.push(kind, value.length, ...Array.from(value));
  if (of.timeoutMs !== undefined) {
    const value = new Uint8Array(4);
    view(value).setUint32(0, of.timeoutMs, true);
    put(Kind.timeout, value);
  }
  if (of.traceparent !== undefined) put(Kind.traceparent, of.traceparent);
  if (of.idempotencyKey !== undefined) put(Kind.idempotency, of.idempotencyKey);
  if (of.priority !== undefined) put(Kind.priority, [of.priority]);
  if (of.encoding !== undefined) put(Kind.encoding, [of.encoding]);
  if (of.epoch !== undefined) {
    const value = new Uint8Array(8);
    view(value).setBigUint64(0, of.epoch, true);
    put(Kind.epoch, value);
  }
  if (bytes.length === 0) return kNoBytes;
  while (bytes.length % 4 !== 0) bytes.push(Kind.padding);
  return Uint8Array.from(bytes);
}

/** What the extensions say, or `critical`: an unknown one that the callee must understand, so the call is to be refused. */
export type ReadExtensions = { readonly known: Extensions; readonly critical?: number };

/** Throws B2Error malformed when an extension reaches past the end or a known one has another length: the connection ends. */
export function readExtensions(bytes: Bytes): ReadExtensions {
  const known: { -readonly [K in keyof Extensions]: Extensions[K] } = {};
  let critical: number | undefined;
  let at = 0;
  while (at < bytes.length) {
    const kind = bytes[at]!;
    if (kind === Kind.padding) {
      ++at;
      continue;
    }
    const length = bytes[at + 1];
    if (length === undefined || at + 2 + length > bytes.length)
      throw new B2Error(Status.malformed, `extension ${kind} reaches past the end of the extensions`);
    if (kLength[kind] !== undefined && kLength[kind] !== length)
      throw new B2Error(Status.malformed, `extension ${kind} has ${length} bytes instead of ${kLength[kind]}`);
    const value = bytes.subarray(at + 2, at + 2 + length);
    if (kind === Kind.timeout) known.timeoutMs = view(value).getUint32(0, true);
    else if (kind === Kind.traceparent) known.traceparent = value;
    else if (kind === Kind.idempotency) known.idempotencyKey = value;
    else if (kind === Kind.priority) known.priority = value[0]!;
    else if (kind === Kind.encoding) known.encoding = value[0]!;
    else if (kind === Kind.epoch) known.epoch = view(value).getBigUint64(0, true);
    else if (kind >= 0x80) critical ??= kind;
    at += 2 + length;
  }
  return critical === undefined ? { known } : { known, critical };
}
