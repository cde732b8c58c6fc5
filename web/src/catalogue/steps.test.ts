import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stepFrom } from './steps';

test('arrows go round, pages stop at the ends, and no key leads into an empty list', () => {
  assert.deepEqual([stepFrom('ArrowDown', -1, 3), stepFrom('ArrowDown', 1, 3), stepFrom('ArrowDown', 2, 3)], [0, 2, 0]);
  assert.deepEqual([stepFrom('ArrowUp', -1, 3), stepFrom('ArrowUp', 2, 3), stepFrom('ArrowUp', 0, 3)], [2, 1, 2]);
  assert.deepEqual([stepFrom('PageDown', -1, 30), stepFrom('PageDown', 25, 30), stepFrom('PageUp', 25, 30), stepFrom('PageUp', 3, 30)], [10, 29, 15, 0]);
  for (const key of ['ArrowDown', 'ArrowUp', 'PageDown', 'PageUp']) assert.equal(stepFrom(key, -1, 0), undefined);
  for (const key of ['a', 'Enter', 'ArrowLeft', 'Home']) assert.equal(stepFrom(key, 1, 3), undefined);
});
