import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogueName, keyName, movementName, roman } from './music';

const movement = (movement: string, movementNo: number) => movementName({ movement, movementNo });

test('catalogue numbers, keys and movements are written as musicians do', () => {
  assert.deepEqual(['op:27/2', 'k:467', 'bwv:846', 'bwv-anh:114', 'woo:59', 'hob:xvi:50', 'Op. 3'].map(catalogueName), ['Op. 27/2', 'K. 467', 'BWV 846', 'BWV Anh. 114', 'WoO 59', 'Hob. XVI:50', 'Op. 3']);
  assert.deepEqual(['C# minor', 'Eb major', 'B minor', 'Bb'].map(keyName), ['C♯ minor', 'E♭ major', 'B minor', 'B♭']);
  assert.deepEqual([1, 4, 9, 14, 48].map(roman), ['I', 'IV', 'IX', 'XIV', 'XLVIII']);
  assert.ok(roman(4_000_000_000).length <= 12);
  assert.deepEqual([movement('Allegro', 2), movement('II. Allegro', 2), movement('', 3), movement('Aria', 0)], ['II. Allegro', 'II. Allegro', 'Movement III', 'Aria']);
});
