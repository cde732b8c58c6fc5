/** The metadata at the start of a CALL's or RESP's payload when its flag META is set (docs/spec/b2.md §2). */
import { fromUtf8, toUtf8, view, type Bytes } from './bytes';
import { B2Error, Status } from './status';

export const kMaxMetadataBytes = 8192;

export type Metadata = readonly (readonly [key: string, value: Bytes])[];

const kKey = /^[a-z0-9_.-]+$/;

/** `metadata` and its length, to stand before the message. Throws B2Error: malformed for a key, exhausted for the length. */
export function writeMetadata(metadata: Metadata): Bytes {
  const bytes: number[] = [0, 0];
  for (const [key, value] of metadata) {
    const name = toUtf8(key);
    if (!kKey.test(key) || name.length > 255) throw new B2Error(Status.malformed, `"${key}" is no name of metadata`);
    if (value.length > 0xffff) throw new B2Error(Status.exhausted, `the metadata "${key}" is longer than 65,535 bytes`);
    bytes.push(name.length, ...name, value.length & 0xff, value.length >> 8, ...value);
  }
  const length = bytes.length - 2;
  if (length > kMaxMetadataBytes) throw new B2Error(Status.exhausted, `${length} bytes of metadata; ${kMaxMetadataBytes} are the most`);
  bytes[0] = length & 0xff;
  bytes[1] = length >> 8;
  return Uint8Array.from(bytes);
}

/** Splits a payload into metadata and the message behind it. Throws B2Error; the call is then refused. */
export function readMetadata(payload: Bytes): { metadata: Metadata; message: Bytes } {
  const bad = (what: string) => new B2Error(Status.malformed, `malformed metadata: ${what}`);
  if (payload.length < 2) throw bad('no length');
  const data = view(payload);
  const length = data.getUint16(0, true);
  if (length > kMaxMetadataBytes) throw new B2Error(Status.exhausted, `${length} bytes of metadata; ${kMaxMetadataBytes} are the most`);
  const end = 2 + length;
  if (end > payload.length) throw bad('it reaches past the first frame');
  const metadata: [string, Bytes][] = [];
  let at = 2;
  while (at < end) {
    const valueAt = at + 1 + payload[at]! + 2;
    if (valueAt > end) throw bad('a key reaches past the end');
    const key = fromUtf8(payload.subarray(at + 1, valueAt - 2));
    if (!kKey.test(key)) throw bad('a key has a character it cannot have');
    const valueEnd = valueAt + data.getUint16(valueAt - 2, true);
    if (valueEnd > end) throw bad(`the value of "${key}" reaches past the end`);
    metadata.push([key, payload.slice(valueAt, valueEnd)]);
    at = valueEnd;
  }
  return { metadata, message: payload.subarray(end) };
}
