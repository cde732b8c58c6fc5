import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashOf, routeOf } from './route';

test('what an address says comes out of it as it went in', () => {
  const query = { q: 'op. 27 & "Dvořák" 100% t=x #?', work: 'beethoven/op-27-2' };
  const hash = hashOf('#/catalogue', query);
  assert.doesNotMatch(hash, /[ "]|t=x/);
  const route = routeOf(hash);
  assert.equal(route.path, '#/catalogue');
  assert.deepEqual(Object.fromEntries(route.query), query);
});

test('a page without more is its path alone', () => {
  assert.equal(hashOf('#/catalogue', { q: '', work: '' }), '#/catalogue');
  assert.equal(routeOf('#/nodes').path, '#/nodes');
  assert.equal(routeOf('').path, '');
  assert.equal(routeOf('#/catalogue').query.get('q'), null);
});
