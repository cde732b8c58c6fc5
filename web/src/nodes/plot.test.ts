import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linePath, timeTicks, valueTicks, type Frame } from './plot';

const frame: Frame = { left: 40, top: 10, width: 100, height: 50, start: 100, end: 200, most: 10 };

test('values are marked at round steps from zero', () => {
  assert.deepEqual(valueTicks(10, 5), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(valueTicks(1, 4), [0, 0.5, 1]);
  assert.deepEqual(valueTicks(137, 4), [0, 50, 100]);
  assert.equal(valueTicks(3e9, 4).at(-1), 3e9);
});

test('times are marked at whole steps, no more than asked for', () => {
  assert.deepEqual(timeTicks(101, 161, 4), [105, 120, 135, 150]);
  assert.deepEqual(timeTicks(0, 300, 5), [0, 60, 120, 180, 240, 300]);
});

test('a line is drawn from left to right, larger values higher', () => {
  assert.equal(linePath(frame, [100, 150, 200], [0, 10, 5]), 'M40.0 60.0L90.0 10.0L140.0 35.0');
});

test('a line has a gap where nothing is known, and begins within the frame', () => {
  assert.equal(linePath(frame, [50, 100, 150, 200], [1, 0, null, 0]), 'M40.0 60.0M140.0 60.0');
  assert.equal(linePath(frame, [], []), '');
});
