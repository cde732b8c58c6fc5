// Made by protoc-gen-b2 from b2/test/v1/kinds.proto: change that, not this.
import * as b2 from '../../../../b2/proto';
import { LimitsCodec, type Health, type Limits } from '../../../b2/v1/hello';

/** Without its prefix, two of its names are the same. */
export enum Clash {
  CLASH_NONE = 0,
  NONE = 0,
}

export enum Alias {
  none = 0,
  old = 1,
  other = 1,
  default_ = 2,
  _3d = 3,
}

export enum Kinds_Inner {
  none = 0,
  one = 1,
  below = -1,
}

export interface Kinds_Part {
  text: string;
  inner: Kinds_Inner;
}
export const Kinds_PartCodec: b2.Codec<Kinds_Part> = b2.codec('b2.test.v1.Kinds.Part', [
  b2.plain(1, 'text', 'string'),
  b2.plain(2, 'inner', 'enum'),
]);
export const encodeKinds_Part = (message: b2.Init<Kinds_Part>): Uint8Array => Kinds_PartCodec.encode(message);
export const decodeKinds_Part = (bytes: Uint8Array): Kinds_Part => Kinds_PartCodec.decode(bytes);

/** Contains itself in every way there is. */
export interface Tree {
  name: string;
  left?: Tree | undefined;
  more: Tree[];
  named: Map<string, Tree>;
  leaf?: Leaf | undefined;
}
export const TreeCodec: b2.Codec<Tree> = b2.codec('b2.test.v1.Tree', [
  b2.plain(1, 'name', 'string'),
  b2.optional(2, 'left', () => TreeCodec),
  b2.list(3, 'more', () => TreeCodec),
  b2.map(4, 'named', 'string', () => TreeCodec),
  b2.optional(5, 'leaf', () => LeafCodec),
]);
export const encodeTree = (message: b2.Init<Tree>): Uint8Array => TreeCodec.encode(message);
export const decodeTree = (bytes: Uint8Array): Tree => TreeCodec.decode(bytes);

/** Contains what contains it. */
export interface Leaf {
  tree?: Tree | undefined;
  weight: number;
}
export const LeafCodec: b2.Codec<Leaf> = b2.codec('b2.test.v1.Leaf', [
  b2.optional(1, 'tree', () => TreeCodec),
  b2.plain(2, 'weight', 'int32'),
]);
export const encodeLeaf = (message: b2.Init<Leaf>): Uint8Array => LeafCodec.encode(message);
export const decodeLeaf = (bytes: Uint8Array): Leaf => LeafCodec.decode(bytes);

/** Every kind of field there is, for the tests of codecs and generators. */
export interface Kinds {
  aInt32: number;
  aInt64: bigint;
  aUint32: number;
  aUint64: bigint;
  aSint32: number;
  aSint64: bigint;
  aFixed32: number;
  aFixed64: bigint;
  aSfixed32: number;
  aSfixed64: bigint;
  aFloat: number;
  aDouble: number;
  aBool: boolean;
  aString: string;
  aBytes: Uint8Array;
  anEnum: Kinds_Inner;
  aMessage?: Kinds_Part | undefined;
  maybeInt32?: number | undefined;
  maybeString?: string | undefined;
  maybeBool?: boolean | undefined;
  maybeEnum?: Kinds_Inner | undefined;
  maybeBytes?: Uint8Array | undefined;
  /** At most one of the members of `choice` is there. */
  choiceNumber?: number | undefined;
  /** At most one of the members of `choice` is there. */
  choiceText?: string | undefined;
  /**
   * a message among them
   * At most one of the members of `choice` is there.
   */
  choicePart?: Kinds_Part | undefined;
  /** At most one of the members of `choice` is there. */
  choiceTree?: Tree | undefined;
  /** At most one of the members of `other_choice` is there. */
  yes?: boolean | undefined;
  /** At most one of the members of `other_choice` is there. */
  no?: number | undefined;
  manyInt32: number[];
  manyInt64: bigint[];
  manyUint32: number[];
  manyUint64: bigint[];
  manySint32: number[];
  manySint64: bigint[];
  manyFixed32: number[];
  manyFixed64: bigint[];
  manySfixed32: number[];
  manySfixed64: bigint[];
  manyFloat: number[];
  manyDouble: number[];
  manyBool: boolean[];
  manyString: string[];
  manyBytes: Uint8Array[];
  manyEnum: Kinds_Inner[];
  manyMessage: Kinds_Part[];
  oneByOne: number[];
  byName: Map<string, number>;
  byNumber: Map<number, Kinds_Part>;
  byBool: Map<boolean, Uint8Array>;
  bySigned: Map<bigint, Health>;
  byFixed: Map<number, number>;
  imported?: Limits | undefined;
  farAway: number;
}
export const KindsCodec: b2.Codec<Kinds> = b2.codec('b2.test.v1.Kinds', [
  b2.plain(1, 'aInt32', 'int32'),
  b2.plain(2, 'aInt64', 'int64'),
  b2.plain(3, 'aUint32', 'uint32'),
  b2.plain(4, 'aUint64', 'uint64'),
  b2.plain(5, 'aSint32', 'sint32'),
  b2.plain(6, 'aSint64', 'sint64'),
  b2.plain(7, 'aFixed32', 'fixed32'),
  b2.plain(8, 'aFixed64', 'fixed64'),
  b2.plain(9, 'aSfixed32', 'sfixed32'),
  b2.plain(10, 'aSfixed64', 'sfixed64'),
  b2.plain(11, 'aFloat', 'float'),
  b2.plain(12, 'aDouble', 'double'),
  b2.plain(13, 'aBool', 'bool'),
  b2.plain(14, 'aString', 'string'),
  b2.plain(15, 'aBytes', 'bytes'),
  b2.plain(16, 'anEnum', 'enum'),
  b2.optional(17, 'aMessage', () => Kinds_PartCodec),
  b2.optional(18, 'maybeInt32', 'int32'),
  b2.optional(19, 'maybeString', 'string'),
  b2.optional(20, 'maybeBool', 'bool'),
  b2.optional(21, 'maybeEnum', 'enum'),
  b2.optional(22, 'maybeBytes', 'bytes'),
  b2.choice('choice', 23, 'choiceNumber', 'uint32'),
  b2.choice('choice', 24, 'choiceText', 'string'),
  b2.choice('choice', 25, 'choicePart', () => Kinds_PartCodec),
  b2.choice('choice', 26, 'choiceTree', () => TreeCodec),
  b2.choice('other_choice', 27, 'yes', 'bool'),
  b2.choice('other_choice', 28, 'no', 'double'),
  b2.packed(30, 'manyInt32', 'int32'),
  b2.packed(31, 'manyInt64', 'int64'),
  b2.packed(32, 'manyUint32', 'uint32'),
  b2.packed(33, 'manyUint64', 'uint64'),
  b2.packed(34, 'manySint32', 'sint32'),
  b2.packed(35, 'manySint64', 'sint64'),
  b2.packed(36, 'manyFixed32', 'fixed32'),
  b2.packed(37, 'manyFixed64', 'fixed64'),
  b2.packed(38, 'manySfixed32', 'sfixed32'),
  b2.packed(39, 'manySfixed64', 'sfixed64'),
  b2.packed(40, 'manyFloat', 'float'),
  b2.packed(41, 'manyDouble', 'double'),
  b2.packed(42, 'manyBool', 'bool'),
  b2.list(43, 'manyString', 'string'),
  b2.list(44, 'manyBytes', 'bytes'),
  b2.packed(45, 'manyEnum', 'enum'),
  b2.list(46, 'manyMessage', () => Kinds_PartCodec),
  b2.list(47, 'oneByOne', 'uint32'),
  b2.map(50, 'byName', 'string', 'int32'),
  b2.map(51, 'byNumber', 'int32', () => Kinds_PartCodec),
  b2.map(52, 'byBool', 'bool', 'bytes'),
  b2.map(53, 'bySigned', 'sint64', 'enum'),
  b2.map(54, 'byFixed', 'fixed32', 'double'),
  b2.optional(55, 'imported', () => LimitsCodec),
  b2.plain(536870911, 'farAway', 'int32'),
]);
export const encodeKinds = (message: b2.Init<Kinds>): Uint8Array => KindsCodec.encode(message);
export const decodeKinds = (bytes: Uint8Array): Kinds => KindsCodec.decode(bytes);

export interface Names {
  name: string;
}
export const NamesCodec: b2.Codec<Names> = b2.codec('b2.test.v1.Names', [
  b2.plain(1, 'name', 'string'),
]);
export const encodeNames = (message: b2.Init<Names>): Uint8Array => NamesCodec.encode(message);
export const decodeNames = (bytes: Uint8Array): Names => NamesCodec.decode(bytes);

/** Words that mean something in C++ and TypeScript, and names that are used twice. */
export interface Words {
  class: number;
  Words: number;
  default: string;
  Names?: Names | undefined;
  constructor: boolean;
}
export const WordsCodec: b2.Codec<Words> = b2.codec('b2.test.v1.Words', [
  b2.plain(1, 'class', 'int32'),
  b2.plain(2, 'Words', 'int32'),
  b2.plain(3, 'default', 'string'),
  b2.optional(4, 'Names', () => NamesCodec),
  b2.plain(5, 'constructor', 'bool'),
]);
export const encodeWords = (message: b2.Init<Words>): Uint8Array => WordsCodec.encode(message);
export const decodeWords = (bytes: Uint8Array): Words => WordsCodec.decode(bytes);

export const Work = {
  /** Runs on a worker. */
  grind: {
    service: 'b2.test.v1.Work', name: 'Grind', kind: 'unary', idempotent: false, needs: '',
    request: TreeCodec, response: LeafCodec,
  } satisfies b2.Method<Tree, Leaf>,
  handle: {
    service: 'b2.test.v1.Work', name: 'Handle', kind: 'unary', idempotent: true, needs: '',
    request: NamesCodec, response: NamesCodec,
  } satisfies b2.Method<Names, Names>,
  delete: {
    service: 'b2.test.v1.Work', name: 'Delete', kind: 'unary', idempotent: false, needs: 'grab',
    request: Kinds_PartCodec, response: LimitsCodec,
  } satisfies b2.Method<Kinds_Part, Limits>,
  watch: {
    service: 'b2.test.v1.Work', name: 'Watch', kind: 'server_stream', idempotent: false, needs: '',
    request: NamesCodec, response: NamesCodec,
  } satisfies b2.Method<Names, Names>,
} as const;

/** Streams of either side and of both. */
export const Flow = {
  /** Many names in, one tree out. */
  gather: {
    service: 'b2.test.v1.Flow', name: 'Gather', kind: 'client_stream', idempotent: false, needs: 'public',
    request: NamesCodec, response: TreeCodec,
  } satisfies b2.Method<Names, Tree>,
  chat: {
    service: 'b2.test.v1.Flow', name: 'Chat', kind: 'bidirectional', idempotent: false, needs: 'public',
    request: NamesCodec, response: TreeCodec,
  } satisfies b2.Method<Names, Tree>,
} as const;

export const Idle = {
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'b2.test.v1.Kinds.Part': Kinds_PartCodec,
  'b2.test.v1.Tree': TreeCodec,
  'b2.test.v1.Leaf': LeafCodec,
  'b2.test.v1.Kinds': KindsCodec,
  'b2.test.v1.Names': NamesCodec,
  'b2.test.v1.Words': WordsCodec,
};
