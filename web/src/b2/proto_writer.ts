import { kBytes, ProtoError, wireOf, type AnyCodec, type Field, type Kind } from './proto_field';

const utf8 = new TextEncoder();

function isDefault(value: unknown): boolean {
  // Minus zero is not the default: it has a sign to tell.
  return Object.is(value, 0) || value === 0n || value === '' || value === false || (value instanceof Uint8Array && value.length === 0);
}

function mismatch(kind: Kind, value: unknown): ProtoError {
  return new ProtoError(`${typeof value} ${String(value)} is no ${String(kind)}`);
}

function integer(kind: Kind, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) throw mismatch(kind, value);
  return value;
}
const signed32 = (kind: Kind, value: unknown): number => integer(kind, value, -0x80000000, 0x7fffffff);
const unsigned32 = (kind: Kind, value: unknown): number => integer(kind, value, 0, 0xffffffff);
function signed64(kind: Kind, value: unknown): bigint {
  if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) throw mismatch(kind, value);
  return value;
}
function unsigned64(kind: Kind, value: unknown): bigint {
  if (typeof value !== 'bigint' || BigInt.asUintN(64, value) !== value) throw mismatch(kind, value);
  return value;
}
function float(kind: Kind, value: unknown): number {
  if (typeof value !== 'number') throw mismatch(kind, value);
  return value;
}

/** Writes from the end to the front: the length of a message within is known once it is written. */
export class Writer {
  private buffer = new Uint8Array(256);
  private view = new DataView(this.buffer.buffer);
  private at = this.buffer.length;

  bytes(): Uint8Array {
    return this.buffer.slice(this.at);
  }

  /** Fields come out in the order of their numbers, as codecs list them. */
  message(codec: AnyCodec, message: Record<string, unknown>): void {
    for (let i = codec.fields.length; i-- > 0;) {
      const field = codec.fields[i];
      const value = field === undefined ? undefined : message[field.name];
      if (field === undefined || value === undefined) continue;
      try {
        this.field(field, value);
      } catch (error) {
        if (!(error instanceof ProtoError) || error.message.includes(': field ')) throw error;
        throw new ProtoError(`${codec.name}: field ${field.number}: ${error.message}`);
      }
    }
  }

  private field(field: Field, value: unknown): void {
    const { number, kind, shape } = field;
    if (shape === 'map') return this.map(field, value as ReadonlyMap<unknown, unknown>);
    if (shape === 'plain' && isDefault(value)) return;
    if (shape === 'plain' || shape === 'optional') return this.tagged(number, kind, value);
    const values = value as readonly unknown[];
    if (values.length === 0) return;
    const end = this.left();
    for (let i = values.length; i-- > 0;) {
      if (shape === 'packed') this.value(kind, values[i]);
      else this.tagged(number, kind, values[i]);
    }
    if (shape === 'packed') this.frame(number, end);
  }

  private map(field: Field, entries: ReadonlyMap<unknown, unknown>): void {
    for (const [key, value] of [...entries].reverse()) {
      const end = this.left();
      this.tagged(2, field.kind, value);
      this.tagged(1, field.key ?? 'string', key);
      this.frame(field.number, end);
    }
  }

  private tagged(number: number, kind: Kind, value: unknown): void {
    this.value(kind, value);
    this.varint(((number << 3) | wireOf(kind)) >>> 0, 0);
  }

  private value(kind: Kind, value: unknown): void {
    if (typeof kind === 'function') {
      const end = this.left();
      this.message(kind(), value as Record<string, unknown>);
      return this.varint(this.left() - end, 0);
    }
    switch (kind) {
      case 'int32': case 'enum': {
        const n = signed32(kind, value);
        return this.varint(n >>> 0, n < 0 ? 0xffffffff : 0);
      }
      case 'uint32': return this.varint(unsigned32(kind, value), 0);
      case 'sint32': {
        const n = signed32(kind, value);
        return this.varint(((n << 1) ^ (n >> 31)) >>> 0, 0);
      }
      case 'bool': return this.varint(value === true ? 1 : 0, 0);
      case 'int64': return this.wide(BigInt.asUintN(64, signed64(kind, value)));
      case 'uint64': return this.wide(unsigned64(kind, value));
      case 'sint64': {
        const n = signed64(kind, value);
        return this.wide(BigInt.asUintN(64, (n << 1n) ^ (n >> 63n)));
      }
      case 'fixed32':
        this.room(4);
        return this.view.setUint32(this.at, unsigned32(kind, value), true);
      case 'sfixed32':
        this.room(4);
        return this.view.setInt32(this.at, signed32(kind, value), true);
      case 'float':
        this.room(4);
        return this.view.setFloat32(this.at, float(kind, value), true);
      case 'fixed64':
        this.room(8);
        return this.view.setBigUint64(this.at, unsigned64(kind, value), true);
      case 'sfixed64':
        this.room(8);
        return this.view.setBigInt64(this.at, signed64(kind, value), true);
      case 'double':
        this.room(8);
        return this.view.setFloat64(this.at, float(kind, value), true);
      case 'string':
        if (typeof value !== 'string') throw mismatch(kind, value);
        return this.run(utf8.encode(value));
      case 'bytes':
        if (!(value instanceof Uint8Array)) throw mismatch(kind, value);
        return this.run(value);
    }
  }

  private run(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.buffer.set(bytes, this.at);
    this.varint(bytes.length, 0);
  }

  /** The tag and length of what was written since left() was `end`. */
  private frame(number: number, end: number): void {
    this.varint(this.left() - end, 0);
    this.varint(((number << 3) | kBytes) >>> 0, 0);
  }

  private wide(value: bigint): void {
    this.varint(Number(value & 0xffffffffn), Number(value >> 32n));
  }

  private varint(low: number, high: number): void {
    const seven: number[] = [];
    while (high !== 0 || low > 127) {
      seven.push((low & 127) | 128);
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    seven.push(low);
    this.room(seven.length);
    this.buffer.set(seven, this.at);
  }

  /** Bytes written so far. */
  private left(): number {
    return this.buffer.length - this.at;
  }

  /** Moves `at` back by `size` bytes, to be filled. The buffer and its view may be others afterwards. */
  private room(size: number): void {
    if (size > this.at) {
      const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.left() + size));
      grown.set(this.buffer.subarray(this.at), grown.length - this.left());
      this.at += grown.length - this.buffer.length;
      this.buffer = grown;
      this.view = new DataView(grown.buffer);
    }
    this.at -= size;
  }
}
