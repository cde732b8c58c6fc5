import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokenIn } from './token';

test('a token is found in a link, in a fragment, and alone', () => {
  for (const text of ['http://127.0.0.1:2203/#t=aB3_-x', '#t=aB3_-x', '  aB3_-x\n', 'http://127.0.0.1:2203/#/nodes&t=aB3_-x']) assert.equal(tokenIn(text), 'aB3_-x', text);
});

test('what holds no token is nothing', () => {
  for (const text of ['', '#t=', 'http://127.0.0.1:2203/', 'two words', '#t=a%20b', 'x'.repeat(513)]) assert.equal(tokenIn(text), undefined, text);
});
