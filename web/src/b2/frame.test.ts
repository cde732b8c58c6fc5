import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from './bytes';
import { readExtensions, writeExtensions } from './extensions';
import { Flag, FrameReader, FrameType, writeFrame } from './frame';
import { readMetadata, writeMetadata } from './metadata';
import { B2Error, Status } from './status';

const kPing = '08 00 00 08 00 00 00 00 00 00 00 00 2a 00 00 00 0102030405060708';

test('a frame is written as the table of the spec lays it out', () => {
  const bytes = writeFrame(FrameType.call, { stream: 3, flags: Flag.end, code: 0x0102, credit: 0x01020304, extensions: fromHex('01 04 e8030000 0000'), payload: fromHex('aabbcc') });
  assert.equal(toHex(bytes), '03000003' + '03000000' + '01' + '02' + '0201' + '04030201' + '0104e80300000000' + 'aabbcc');
});

test('frames are read from pieces of any size', () => {
  const bytes = fromHex(kPing + kPing);
  for (let piece = 1; piece <= bytes.length; ++piece) {
    const reader = new FrameReader(4096);
    let frames = 0;
    for (let at = 0; at < bytes.length; at += piece) {
      reader.push(bytes.subarray(at, at + piece));
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        assert.equal(frame.type, FrameType.ping);
        assert.equal(frame.credit, 42);
        assert.equal(toHex(frame.payload), '0102030405060708');
        ++frames;
      }
    }
    assert.equal(frames, 2, `in pieces of ${piece}`);
  }
});

for (const [what, hex] of [
  ['longer than announced', '01 10 00 04 01 00 00 00 00 00 00 00 00 00 00 00'],
  ['more extensions than there can be', '00 00 00 03 01 00 00 00 00 11 00 00 00 00 00 00'],
  ['a PING of 7 bytes', '07 00 00 08 00 00 00 00 00 00 00 00 00 00 00 00'],
  ['a CANCEL with a payload', '01 00 00 07 01 00 00 00 00 00 00 00 00 00 00 00'],
  ['a CREDIT of 3 bytes', '03 00 00 06 01 00 00 00 00 00 00 00 00 00 00 00'],
  ['a CREDIT on 0 with a payload', '04 00 00 06 00 00 00 00 00 00 00 00 00 00 00 00'],
  ['a GOAWAY without a last stream', '03 00 00 0a 00 00 00 00 00 00 00 00 00 00 00 00'],
] as const)
  test(`a frame is refused by its header alone: ${what}`, () => {
    const reader = new FrameReader(4096);
    reader.push(fromHex(hex));
    assert.throws(() => reader.next(), B2Error);
  });

test('extensions come back as they were written', () => {
  const all = { timeoutMs: 1500, traceparent: new Uint8Array(25).fill(7), priority: 200, encoding: 1, epoch: 2n ** 63n + 1n };
  const bytes = writeExtensions(all);
  assert.equal(bytes.length % 4, 0);
  assert.deepEqual(readExtensions(bytes), { known: all });
  assert.equal(writeExtensions({}).length, 0);
});

test('an unknown extension is skipped, unless its bit 7 is set', () => {
  assert.deepEqual(readExtensions(fromHex('21 02 ffff 04 01 09 00')).known, { priority: 9 });
  assert.equal(readExtensions(fromHex('a1 02 ffff')).critical, 0xa1);
});

for (const [what, hex] of [['past the end', '01 04 e803'], ['without a length', '00 00 00 01'], ['of another length', '01 02 e803']] as const)
  test(`an extension is malformed: ${what}`, () => assert.throws(() => readExtensions(fromHex(hex)), B2Error));

test('metadata comes back as it was written, with the message behind it', () => {
  const bytes = writeMetadata([['user-agent', fromHex('01ff')], ['empty', fromHex('')]]);
  const { metadata, message } = readMetadata(Uint8Array.from([...bytes, 9]));
  assert.deepEqual(metadata.map(([key, value]) => [key, toHex(value)]), [['user-agent', '01ff'], ['empty', '']]);
  assert.equal(toHex(message), '09');
});

for (const [what, hex, status] of [
  ['no length', '05', Status.malformed],
  ['past the frame', '0500 0161', Status.malformed],
  ['a key past the end', '0200 0561', Status.malformed],
  ['a value past the end', '0500 01 61 0300 00', Status.malformed],
  ['an upper-case key', '0400 01 41 0000', Status.malformed],
  ['longer than 8,192', '0120', Status.exhausted],
] as const)
  test(`metadata is refused: ${what}`, () => assert.throws(() => readMetadata(fromHex(hex)), (error) => error instanceof B2Error && error.status === status));

test('metadata that could not be read is not written', () => {
  assert.throws(() => writeMetadata([['Upper', fromHex('')]]), B2Error);
  assert.throws(() => writeMetadata([['a', new Uint8Array(8190)]]), B2Error);
});
