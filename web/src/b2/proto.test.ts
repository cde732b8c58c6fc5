import assert from 'node:assert/strict';
import { test } from 'node:test';
import vectors from '../../../docs/spec/vectors/codec.json';
import { codecs, decodeKinds, encodeKinds, encodeTree, KindsCodec, Work, type Tree } from '../gen/b2/test/v1/kinds';
import { fromHex, toHex } from './bytes';
import { ProtoError, type Codec } from './proto';

function codecOf(name: string): Codec<unknown> {
  const codec = codecs[name];
  assert.ok(codec, name);
  return codec;
}

/** A message as the vectors' JSON has it: 64 bits as text, bytes as base64, maps as objects, nothing where nothing is. */
function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, v]) => [String(key), toJson(v)]));
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined).map(([key, v]) => [key, toJson(v)]));
}

test('the vectors are read and written as they say', () => {
  for (const { message, what, json, hex } of vectors.messages) {
    const codec = codecOf(message);
    const read = codec.decode(fromHex(hex));
    assert.deepEqual(toJson(read), json, what);
    assert.equal(toHex(codec.encode(read as object)), hex, what);
  }
});

test('what need not be canonical is read all the same', () => {
  for (const { message, what, hex, canonical } of vectors.tolerated) {
    const codec = codecOf(message);
    assert.equal(toHex(codec.encode(codec.decode(fromHex(hex)) as object)), canonical, what);
  }
});

test('what is malformed is refused in the same words as in C++', () => {
  for (const { message, hex, error } of vectors.refused) {
    assert.throws(() => codecOf(message).decode(fromHex(hex)), (thrown) => thrown instanceof ProtoError && thrown.message === error, `${hex}: ${error}`);
  }
});

test('every beginning of a message is read or refused', () => {
  for (const { message, hex } of vectors.messages) {
    const bytes = fromHex(hex);
    for (let n = 0; n < bytes.length; ++n) {
      try {
        codecOf(message).decode(bytes.subarray(0, n));
      } catch (error) {
        assert.ok(error instanceof ProtoError, String(error));
      }
    }
  }
});

test('a number out of its range is not written', () => {
  const wrong = [{ aInt32: 2 ** 31 }, { aUint32: -1 }, { aUint32: 1.5 }, { aInt64: 2n ** 63n }, { aUint64: -1n }, { aFixed64: 2n ** 64n }, { manyInt32: [NaN] }];
  for (const message of wrong) assert.throws(() => encodeKinds(message), /^ProtoError: b2\.test\.v1\.Kinds: field \d+: \w+ .* is no /);
});

test('what is left out has its default, in messages within too', () => {
  const read = decodeKinds(encodeKinds({ aMessage: { text: 'part' }, byNumber: new Map([[1, {}]]) }));
  assert.deepEqual(read.aMessage, { text: 'part', inner: 0 });
  assert.deepEqual(read.byNumber, new Map([[1, { text: '', inner: 0 }]]));
  assert.equal(read.aUint64, 0n);
  assert.equal(read.maybeInt32, undefined);
});

test('long messages grow the buffer they are written to', () => {
  const text = 'ü'.repeat(100_000);
  assert.equal(decodeKinds(encodeKinds({ aString: text, manyString: [text, 'x'] })).manyString[0], text);
});

test('a view into a larger buffer is read by itself', () => {
  const whole = fromHex('ffff' + '0805' + 'ffff');
  assert.equal(KindsCodec.decode(whole.subarray(2, 4)).aInt32, 5);
});

test('messages are written thirty-two levels deep and deeper, and read thirty-two', () => {
  let tree: Partial<Tree> = {};
  for (let i = 0; i < 32; ++i) tree = { left: tree as Tree };
  assert.ok(codecOf('b2.test.v1.Tree').decode(encodeTree(tree)));
  assert.throws(() => codecOf('b2.test.v1.Tree').decode(encodeTree({ left: tree as Tree })), /nested more than 32 deep/);
});

test('methods know their codecs, kinds and rights', () => {
  assert.equal(Work.watch.kind, 'server_stream');
  assert.equal(Work.handle.idempotent, true);
  assert.equal(Work.delete.needs, 'grab');
  assert.equal(Work.grind.request.name, 'b2.test.v1.Tree');
});
