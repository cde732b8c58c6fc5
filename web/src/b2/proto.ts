/**
 * Protobuf (proto3) for the generated files in src/gen: what C++ does in src/b2/proto_codec.h, driven by tables.
 *
 * Types: 64-bit integers are bigint, always; other numbers are number; bytes are Uint8Array; enums are open, an unlisted number
 * stays a number; a message, an `optional` field or a member of a oneof is undefined while absent; maps are Map.
 */
import type { AnyCodec, Field, Kind, Scalar } from './proto_field';
import { Reader } from './proto_reader';
import { Writer } from './proto_writer';

export { ProtoError, type AnyCodec, type Field, type Kind, type Scalar } from './proto_field';

/** What a message may be made from: fields left out have their default, in messages within too. */
export type Init<T> = T extends Uint8Array | string | number | bigint | boolean | undefined ? T
  : T extends readonly (infer E)[] ? readonly Init<E>[]
  : T extends Map<infer K, infer V> ? ReadonlyMap<K, Init<V>>
  : { readonly [F in keyof T]?: Init<T[F]> | undefined };

/** How a message is written and read. */
export interface Codec<T> extends AnyCodec {
  /** @throws ProtoError when a number is out of its field's range */
  encode(message: Init<T>): Uint8Array;
  /** @throws ProtoError naming the message, the field and what is wrong */
  decode(bytes: Uint8Array): T;
}

export interface Method<Q, R> {
  readonly service: string;
  readonly name: string;
  readonly kind: 'unary' | 'server_stream' | 'client_stream' | 'bidirectional';
  readonly request: Codec<Q>;
  readonly response: Codec<R>;
  /** May be sent again when the connection broke. */
  readonly idempotent: boolean;
  /** "public", "" (a member), or a role. */
  readonly needs: string;
}

export function codec<T>(name: string, fields: readonly Field[]): Codec<T> {
  const self: Codec<T> = {
    name,
    fields,
    encode(message) {
      const writer = new Writer();
      writer.message(self, message as Record<string, unknown>);
      return writer.bytes();
    },
    decode: (bytes) => new Reader(bytes).message(self) as T,
  };
  return self;
}

export const plain = (number: number, name: string, kind: Kind): Field => ({ number, name, kind, shape: 'plain' });
export const optional = (number: number, name: string, kind: Kind): Field => ({ number, name, kind, shape: 'optional' });
export const choice = (oneof: string, number: number, name: string, kind: Kind): Field => ({ number, name, kind, shape: 'optional', oneof });
export const packed = (number: number, name: string, kind: Kind): Field => ({ number, name, kind, shape: 'packed' });
export const list = (number: number, name: string, kind: Kind): Field => ({ number, name, kind, shape: 'list' });
export const map = (number: number, name: string, key: Scalar, kind: Kind): Field => ({ number, name, kind, shape: 'map', key });
