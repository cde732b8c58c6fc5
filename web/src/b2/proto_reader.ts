import { blank, defaultOf, kBytes, kFixed32, kFixed64, kGroup, kGroupEnd, kVarint, ProtoError, wireOf, type AnyCodec, type Field, type Kind } from './proto_field';

/** Messages within messages, map entries and unknown groups included. */
const kMaxNesting = 32;
/** Messages in all: an empty one is two bytes on the wire and a whole object here. */
const kMaxMessages = 1_000_000;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class Trouble extends Error {}

/** Clears the other members of the oneof that `field` is in. */
function keepOnly(codec: AnyCodec, field: Field, into: Record<string, unknown>): void {
  for (const other of codec.fields) if (other !== field && other.oneof === field.oneof) into[other.name] = undefined;
}

/** Reads one message from a stranger's bytes; every length is checked against those at hand. */
export class Reader {
  private readonly view: DataView;
  private at = 0;
  private end: number;
  private depth = 0;
  private messages = 0;
  /** The last varint, as two unsigned halves. */
  private low = 0;
  private high = 0;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.byteLength;
  }

  /** Adds what is left to `into`. */
  message(codec: AnyCodec, into = blank(codec)): Record<string, unknown> {
    let number = 0;
    try {
      while (this.at < this.end) {
        number = 0;
        const tag = this.tag();
        number = tag >>> 3;
        const field = codec.fields.find((f) => f.number === number);
        if (field?.oneof) keepOnly(codec, field, into);
        if (field) this.field(field, tag & 7, into);
        else this.skip(tag);
      }
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      throw new ProtoError(`${codec.name}: ${number === 0 ? '' : `field ${number}: `}${error.message}`);
    }
    return into;
  }

  private field(field: Field, wire: number, into: Record<string, unknown>): void {
    const { name, kind, shape } = field;
    if (shape === 'map') return this.entry(field, wire, into[name] as Map<unknown, unknown>);
    const numeric = wireOf(kind) !== kBytes;
    if (wire === kBytes && numeric && (shape === 'packed' || shape === 'list')) {
      return this.within(() => {
        while (this.at < this.end) (into[name] as unknown[]).push(this.value(kind, undefined));
      }, 0);
    }
    if (wire !== wireOf(kind)) throw new Trouble('has a wire type it should not have');
    if (shape === 'packed' || shape === 'list') (into[name] as unknown[]).push(this.value(kind, undefined));
    else into[name] = this.value(kind, into[name]);
  }

  private entry(field: Field, wire: number, into: Map<unknown, unknown>): void {
    if (wire !== kBytes) throw new Trouble('has a wire type it should not have');
    const keyKind = field.key ?? 'string';
    let key = defaultOf(keyKind);
    let value: unknown;
    this.within(() => {
      while (this.at < this.end) {
        const tag = this.tag();
        if (tag === (8 | wireOf(keyKind))) key = this.value(keyKind, undefined);
        else if (tag === (16 | wireOf(field.kind))) value = this.value(field.kind, value);
        else if (tag >>> 3 === 1 || tag >>> 3 === 2) throw new Trouble('has a wire type it should not have');
        else this.skip(tag);
      }
    }, 1);
    this.count();
    into.set(key, value ?? defaultOf(field.kind));
  }

  private value(kind: Kind, before: unknown): unknown {
    if (typeof kind === 'function') {
      const codec = kind();
      let result: unknown;
      this.count();
      this.within(() => {
        result = this.message(codec, before === undefined ? blank(codec) : (before as Record<string, unknown>));
      }, 1);
      return result;
    }
    switch (kind) {
      case 'string': return this.text();
      case 'bytes': return this.run().slice();
      case 'float': return this.view.getFloat32(this.take(4), true);
      case 'double': return this.view.getFloat64(this.take(8), true);
      case 'fixed32': return this.view.getUint32(this.take(4), true);
      case 'sfixed32': return this.view.getInt32(this.take(4), true);
      case 'fixed64': return this.view.getBigUint64(this.take(8), true);
      case 'sfixed64': return this.view.getBigInt64(this.take(8), true);
    }
    this.varint();
    switch (kind) {
      case 'bool': return this.low !== 0 || this.high !== 0;
      case 'int32': case 'enum': return this.low | 0;
      case 'uint32': return this.low;
      case 'sint32': return (this.low >>> 1) ^ -(this.low & 1);
      case 'uint64': return this.wide();
      case 'int64': return BigInt.asIntN(64, this.wide());
      case 'sint64': {
        const folded = this.wide();
        return (folded >> 1n) ^ -(folded & 1n);
      }
    }
  }

  private text(): string {
    try {
      return utf8.decode(this.run());
    } catch (error) {
      if (error instanceof Trouble) throw error;
      throw new Trouble('text that is not UTF-8');
    }
  }

  private tag(): number {
    this.varint(5);
    if (this.high !== 0 || this.low < 8) throw new Trouble('a field without a valid number');
    return this.low;
  }

  /** Tags and lengths have at most five bytes. */
  private varint(most: 5 | 10 = 10): void {
    let low = 0, high = 0;
    for (let i = 0; i < most; ++i) {
      if (this.at >= this.end) throw new Trouble('ends in the middle');
      const byte = this.view.getUint8(this.at++), bits = byte & 127;
      if (i < 5) low |= bits << (7 * i);
      if (i === 4) high = bits >> 4;
      if (i > 4) high |= bits << (7 * i - 32);
      if (byte < 128) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    throw new Trouble('a number that is too long');
  }

  private wide(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  /** Where `size` bytes begin that are there. */
  private take(size: number): number {
    if (size > this.end - this.at) throw new Trouble('ends in the middle');
    this.at += size;
    return this.at - size;
  }

  private length(): number {
    this.varint(5);
    if (this.high !== 0) throw new Trouble('ends in the middle');
    return this.low;
  }

  private run(): Uint8Array {
    const size = this.length(), begin = this.take(size);
    return this.bytes.subarray(begin, begin + size);
  }

  /** Reads the length-delimited bytes that follow as their own extent. */
  private within(read: () => void, levels: 0 | 1): void {
    const size = this.length(), begin = this.take(size), outer = this.end;
    if (this.depth + levels > kMaxNesting) throw new Trouble('messages nested more than 32 deep');
    this.depth += levels;
    this.at = begin;
    this.end = begin + size;
    read();
    this.end = outer;
    this.depth -= levels;
  }

  private skip(tag: number): void {
    switch (tag & 7) {
      case kVarint: this.varint(); return;
      case kFixed64: this.take(8); return;
      case kBytes: this.run(); return;
      case kFixed32: this.take(4); return;
      case kGroup: this.skipGroup(tag >>> 3); return;
      case kGroupEnd: throw new Trouble('a group that does not begin or end');
    }
    throw new Trouble('has a wire type it should not have');
  }

  private skipGroup(number: number): void {
    if (this.depth === kMaxNesting) throw new Trouble('messages nested more than 32 deep');
    ++this.depth;
    while (this.at < this.end) {
      const tag = this.tag();
      if (tag >>> 3 === number && (tag & 7) === kGroupEnd) {
        --this.depth;
        return;
      }
      this.skip(tag);
    }
    throw new Trouble('a group that does not begin or end');
  }

  private count(): void {
    if (++this.messages > kMaxMessages) throw new Trouble('more than a million messages');
  }
}
