/** Frames: a header of 16 bytes, extensions, payload (docs/spec/b2.md §2). */
import { concat, kNoBytes, view, type Bytes } from './bytes';
import { B2Error, Status } from './status';

export const kPreface: Bytes = new Uint8Array([0x62, 0x32, 0x0d, 0x0a]);
export const kHeaderBytes = 16;
export const kMaxExtUnits = 16; // of 4 bytes
export const kMaxFrameBytes = 1 << 20; // no endpoint may announce more

export const FrameType = {
  hello: 0x01,
  helloUpdate: 0x02,
  call: 0x03,
  data: 0x04,
  resp: 0x05,
  credit: 0x06,
  cancel: 0x07,
  ping: 0x08,
  pong: 0x09,
  goaway: 0x0a,
  upgrade: 0x0b,
} as const;

export const Flag = { end: 0x01, more: 0x02, compressed: 0x04, meta: 0x08 } as const;

export interface Frame {
  readonly type: number;
  readonly stream: number;
  readonly flags: number;
  readonly code: number;
  readonly credit: number; // payload bytes the receiver of the frame may send in addition on the connection
  readonly extensions: Bytes; // a multiple of 4 bytes, at most 64
  readonly payload: Bytes;
}

/** What a frame has besides its type; all of it is 0 or empty when absent. */
export type FrameParts = Partial<Omit<Frame, 'type'>>;

export function writeFrame(type: number, parts: FrameParts = {}): Bytes {
  const extensions = parts.extensions ?? kNoBytes;
  const payload = parts.payload ?? kNoBytes;
  const bytes = new Uint8Array(kHeaderBytes + extensions.length + payload.length);
  const header = view(bytes);
  header.setUint32(0, payload.length | (type << 24), true);
  header.setUint32(4, parts.stream ?? 0, true);
  header.setUint8(8, parts.flags ?? 0);
  header.setUint8(9, extensions.length / 4);
  header.setUint16(10, parts.code ?? 0, true);
  header.setUint32(12, parts.credit ?? 0, true);
  bytes.set(extensions, kHeaderBytes);
  bytes.set(payload, kHeaderBytes + extensions.length);
  return bytes;
}

/** Whether the payload has a length its type can have; true for types whose payload is free. */
function lengthFits(type: number, stream: number, length: number): boolean {
  switch (type) {
    case FrameType.credit:
      return length === (stream === 0 ? 0 : 4);
    case FrameType.cancel:
      return length === 0;
    case FrameType.ping:
    case FrameType.pong:
      return length === 8;
    case FrameType.goaway:
      return length >= 4;
    default:
      return true;
  }
}

/**
 * Cuts a byte stream into frames. Takes pieces of any size; holds at most one incomplete frame, whose length it has checked
 * against the limit before it keeps a byte of its payload.
 */
export class FrameReader {
  private parts: Bytes[] = [];
  private held = 0;
  private needed = kHeaderBytes; // bytes until there is something to do

  /** @param frameBytes  longest payload this side announced */
  constructor(private readonly frameBytes: number) {}

  push(bytes: Bytes): void {
    if (bytes.length === 0) return;
    this.parts.push(bytes);
    this.held += bytes.length;
  }

  /** The next frame, or nothing until more bytes come. Throws B2Error when the connection cannot go on. */
  next(): Frame | undefined {
    if (this.held < this.needed) return undefined;
    const bytes = concat(this.parts);
    this.parts = [bytes];
    const header = view(bytes);
    const first = header.getUint32(0, true);
    const type = first >>> 24;
    const length = first & 0xffffff;
    const stream = header.getUint32(4, true);
    const extUnits = header.getUint8(9);
    this.check(type, stream, length, extUnits);
    const end = kHeaderBytes + 4 * extUnits + length;
    if (bytes.length < end) {
      this.needed = end;
      return undefined;
    }
    this.needed = kHeaderBytes;
    this.held -= end;
    this.parts = this.held > 0 ? [bytes.subarray(end)] : [];
    return {
      type,
      stream,
      flags: header.getUint8(8),
      code: header.getUint16(10, true),
      credit: header.getUint32(12, true),
      extensions: bytes.slice(kHeaderBytes, kHeaderBytes + 4 * extUnits),
      payload: bytes.slice(kHeaderBytes + 4 * extUnits, end),
    };
  }

  private check(type: number, stream: number, length: number, extUnits: number): void {
    if (length > this.frameBytes)
      throw new B2Error(Status.exhausted, `a frame of ${length} bytes is longer than the ${this.frameBytes} announced`);
    if (extUnits > kMaxExtUnits)
      throw new B2Error(Status.exhausted, `a frame has ${4 * extUnits} bytes of extensions; ${4 * kMaxExtUnits} are the most`);
    if (!lengthFits(type, stream, length))
      throw new B2Error(Status.malformed, `a frame of type ${type} cannot have a payload of ${length} bytes`);
  }
}
