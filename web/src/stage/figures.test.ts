import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StageReceiverState, StageStateCodec, StepState, type StageField, type StagePort, type StageReceiver, type StageTrack, type StageTransfer, type Step } from '../gen/ghostlight/v1/stage';
import {
  barHeights, barsPath, bitRate, canResume, cellAfter, countReceivers, groupPorts, jobName, leastSure, repairShare, sortPorts, standing, stepShare,
  trackLength, wirePerByte,
} from './figures';
import { bandLook, receiverLook, stepLook, verdictLook } from './looks';

const blank = StageStateCodec.decode(new Uint8Array(0));
const step = (name: string, state: StepState, done = 0n, total = 0n): Step => ({ name, state, done, total, seconds: 0, detail: '' });
const port = (port: number, verdict: string, ours = false, protocol = 'tcp') => ({ port, verdict, ours, protocol, netns: '', address: '' }) as StagePort;
const transfer = (of: Partial<StageTransfer>) => ({ bytes: 0n, share: 0, wireBytes: 0n, repairSymbols: 0n, sentPackets: 0n, ...of }) as StageTransfer;

test("a step's share is unknown while its size is, and never more than all", () => {
  assert.equal(stepShare(step('grab', StepState.running, 5n, 0n)), undefined);
  assert.equal(stepShare(step('grab', StepState.running, 1n, 4n)), 0.25);
  assert.equal(stepShare(step('grab', StepState.running, 9n, 4n)), 1);
});

test('where the job stands names the steps that have begun', () => {
  const steps = [step('grab', StepState.done), step('describe', StepState.running), step('distribute', StepState.waiting)];
  assert.equal(standing({ ...blank, steps }), 'grab done, describe running');
  assert.equal(standing(blank), '');
});

test('a job can be resumed when it failed, or was cancelled between two steps', () => {
  const failed = { ...blank, job: 3n, state: StepState.failed };
  assert.equal(canResume(failed), true);
  for (const state of [StepState.running, StepState.done]) assert.equal(canResume({ ...failed, state }), false);
  assert.equal(canResume(blank), false);
});

test('a job without a title is called after its source', () => {
  const name = (title: string, source: string) => jobName({ ...blank, title, source });
  assert.deepEqual([name('Recital', '/a/b.cue'), name('', '/music/Goldberg/'), name('', '')], ['Recital', 'Goldberg', 'A disc without a title']);
});

test('lengths of tracks are in minutes, of long ones in hours', () => {
  assert.deepEqual([0, 59.6, 247, 3731].map(trackLength), ['0:00', '1:00', '4:07', '1:02:11']);
});

test('rates are in thousands of bits', () => {
  assert.deepEqual([0, 999, 9_400, 412_300_000, 25_000_000_000].map(bitRate), ['0 bit/s', '999 bit/s', '9.4 kbit/s', '412 Mbit/s', '25 Gbit/s']);
});

test('a track is as sure as its least sure field', () => {
  const fields = [{ confidence: 0.9 }, { confidence: 0.6 }] as StageField[];
  assert.equal(leastSure({ fields } as StageTrack), 0.6);
  assert.equal(leastSure({ fields: [] as StageField[] } as StageTrack), undefined);
});

test('a bar is as high as the loudest peak it stands for, and silence where none is known', () => {
  assert.deepEqual(barHeights(Uint8Array.of(0, 255, 51, 0), 2), [1, 0.2]);
  assert.deepEqual(barHeights(Uint8Array.of(255), 3), [1, 1, 1]); // fewer peaks than bars
  assert.deepEqual(barHeights(new Uint8Array(0), 3), [0, 0, 0]);
  assert.equal(barsPath([1, 0], 0, 2, 3, 12), 'M1.5 1.0v10.0M4.5 5.5v1.0');
  assert.equal(barsPath([1, 0], 1, 1, 3, 12), '');
});

test('bytes on the wire are told for those of the files sent so far', () => {
  assert.equal(wirePerByte(transfer({ bytes: 1000n, share: 0.5, wireBytes: 520n })), 1.04);
  assert.equal(wirePerByte(transfer({ bytes: 1000n })), undefined);
  assert.equal(repairShare(transfer({ sentPackets: 50n, repairSymbols: 2n })), 0.04);
  assert.equal(repairShare(transfer({})), 0);
});

test('receivers are counted by state, also by one that this page does not know', () => {
  const of = (state: number) => ({ state }) as StageReceiver;
  const counts = countReceivers([of(2), of(2), of(3), of(99)]);
  assert.deepEqual([counts.get(StageReceiverState.verified), counts.get(StageReceiverState.missing), counts.get(StageReceiverState.waiting), counts.get(99 as StageReceiverState)], [2, 1, undefined, 1]);
});

test('ports of ours come first by number, then the others, the worst first', () => {
  const sorted = sortPorts([port(22, 'ok'), port(99, 'odd'), port(80, 'alert'), port(2203, 'ok', true, 'udp'), port(2203, 'ok', true), port(1117, 'warn', true), port(53, 'unknown')]);
  assert.deepEqual(sorted.map(({ port, protocol }) => `${port}/${protocol}`), ['1117/tcp', '2203/tcp', '2203/udp', '80/tcp', '53/tcp', '22/tcp', '99/tcp']);
});

test('listeners that differ in place and owner only are one group', () => {
  const there = { ...port(1117, 'ok', true), netns: 'stage-1', owner: 'ardus, pid 2' };
  const groups = groupPorts([port(1117, 'ok', true), there, port(1117, 'ok', true, 'udp'), port(1117, 'warn', true)]);
  assert.deepEqual(groups.map((group) => group.length), [2, 1, 1]);
  assert.equal(groups[0]![1], there);
});

test('arrow keys move by one cell or one row, and not out of the cells', () => {
  assert.deepEqual(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'a'].map((key) => cellAfter(key, 4, 9, 3)), [3, 5, 1, 7, 0, 8, undefined]);
  assert.deepEqual([cellAfter('ArrowLeft', 0, 9, 3), cellAfter('ArrowDown', 7, 9, 3)], [undefined, undefined]);
});

test('a state that the page does not know is shown as unknown, never as good', () => {
  for (const look of [stepLook(77 as StepState), receiverLook(77 as StageReceiverState), verdictLook('constructor'), verdictLook('')]) assert.equal(look.tone, 'none');
  assert.equal(verdictLook('odd').text, 'odd');
  assert.equal(bandLook('constructor'), undefined);
});
