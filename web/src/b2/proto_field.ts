/** What the tables of generated files are made of (proto.ts), and what their entries mean on the wire. */

/** What a stranger sent, or the program wants to send, is not what the schema says: "b2.v1.Limits: field 3: ends in the middle". */
export class ProtoError extends Error {
  override name = 'ProtoError';
}

export type Scalar =
  | 'int32' | 'uint32' | 'sint32' | 'fixed32' | 'sfixed32' | 'enum' | 'bool' | 'float' | 'double'
  | 'int64' | 'uint64' | 'sint64' | 'fixed64' | 'sfixed64' | 'string' | 'bytes';
/** A message's codec is named by a function, since messages may contain each other. */
export type Kind = Scalar | (() => AnyCodec);

export interface Field {
  readonly number: number;
  readonly name: string;
  readonly kind: Kind;
  /** plain: always there; optional: perhaps undefined; packed and list: arrays; map: a Map. */
  readonly shape: 'plain' | 'optional' | 'packed' | 'list' | 'map';
  /** Of a map's keys. */
  readonly key?: Scalar;
  /** Members of the same oneof have the same name here; the last one sent is kept. */
  readonly oneof?: string;
}

/** A codec of whatever message. */
export interface AnyCodec {
  readonly name: string;
  /** In the order of their numbers. */
  readonly fields: readonly Field[];
}

/** Wire types (https://protobuf.dev/programming-guides/encoding). */
export const kVarint = 0, kFixed64 = 1, kBytes = 2, kGroup = 3, kGroupEnd = 4, kFixed32 = 5;

export function wireOf(kind: Kind): number {
  switch (kind) {
    case 'double': case 'fixed64': case 'sfixed64': return kFixed64;
    case 'float': case 'fixed32': case 'sfixed32': return kFixed32;
    case 'string': case 'bytes': return kBytes;
    default: return typeof kind === 'function' ? kBytes : kVarint;
  }
}

export function defaultOf(kind: Kind): unknown {
  switch (kind) {
    case 'string': return '';
    case 'bytes': return new Uint8Array();
    case 'bool': return false;
    case 'int64': case 'uint64': case 'sint64': case 'fixed64': case 'sfixed64': return 0n;
    default: return typeof kind === 'function' ? blank(kind()) : 0;
  }
}

/** A message whose fields all have their defaults. */
export function blank({ fields }: AnyCodec): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  for (const field of fields) {
    if (field.shape === 'plain') message[field.name] = defaultOf(field.kind);
    else if (field.shape === 'map') message[field.name] = new Map();
    else if (field.shape !== 'optional') message[field.name] = [];
    else message[field.name] = undefined;
  }
  return message;
}
