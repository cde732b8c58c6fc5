import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatsResponse } from '../gen/b2/v1/core';
import { ChildState, decodeHostState, encodeHostState, type HostState } from '../gen/b2/v1/host';
import { columnsOf, linesOf } from './lines';
import { methodRows, programsOf, totalsOf } from './programs';
import { kHistoryMs, Rates } from './rates';

const stats = (uptimeMs: number, calls: number) => ({ uptimeMs: BigInt(uptimeMs), methods: [{ service: 's.v1.S', method: 'Do', calls: BigInt(calls), failed: 1n, open: 2, meanUs: 5, p99Us: 9 }] });

interface Told {
  host?: ReturnType<typeof stats>;
  child?: ReturnType<typeof stats>;
  childState?: ChildState;
}

function state({ host, child, childState = ChildState.ready }: Told): HostState {
  const children = [{ name: 'ardus', state: childState, pid: 7, ...(child === undefined ? {} : { stats: child as unknown as StatsResponse }) }];
  return decodeHostState(encodeHostState({ nodeName: 'n', children, ...(host === undefined ? {} : { stats: host as unknown as StatsResponse }) }));
}

test('a rate is what the counter grew by in the program\'s own time', () => {
  const rates = new Rates();
  rates.update(state({ host: stats(10_000, 100), child: stats(5000, 7) }), 1);
  assert.deepEqual(rates.history(), [], 'one reading makes no rate');
  rates.update(state({ host: stats(11_000, 150), child: stats(7000, 17) }), 90_000);
  assert.equal(rates.history()[0]?.total, 55);
  assert.equal(rates.of('', 's.v1.S', 'Do'), 50);
  assert.equal(rates.of('ardus', 's.v1.S', 'Do'), 5);
  assert.deepEqual(rates.series().map(({ program, service }) => `${program} ${service}`), ['n s.v1.S', 'ardus s.v1.S']);
});

test('a state told at once, because something changed, makes no spike', () => {
  const rates = new Rates();
  for (const [at, calls] of [[1000, 0], [2000, 2], [2100, 3], [3000, 4]] as const) rates.update(state({ host: stats(at, calls) }), at);
  assert.deepEqual(rates.history().map(({ total }) => total), [2, 2]);
});

test('counters that were not read again keep their rate', () => {
  let arrived = 0;
  const rates = new Rates();
  for (const [at, calls] of [[1000, 0], [2000, 30], [2000, 30]] as const) rates.update(state({ host: stats(at, calls) }), (arrived += 1000));
  assert.deepEqual(rates.history().map(({ total }) => total), [30, 30]);
});

test('a program started again counts from nothing', () => {
  let arrived = 0;
  const rates = new Rates();
  for (const [at, calls] of [[60_000, 900], [61_000, 910], [2000, 8]] as const) rates.update(state({ host: stats(at, calls) }), (arrived += 1000));
  assert.deepEqual(rates.history().map(({ total }) => total), [10, 4]);
});

test('a program that does not run makes no calls', () => {
  const rates = new Rates();
  rates.update(state({ child: stats(1000, 0) }), 1000);
  rates.update(state({ child: stats(2000, 10) }), 2000);
  rates.update(state({ child: stats(2000, 10), childState: ChildState.backing_off }), 3000);
  assert.equal(rates.history().at(-1)?.total, 0);
  assert.equal(methodRows(programsOf(state({ child: stats(2000, 10), childState: ChildState.failed })), rates)[0]?.perSecond, 0);
});

test('the table\'s figure is the mean of five seconds', () => {
  const rates = new Rates();
  for (let s = 0; s <= 20; ++s) rates.update(state({ host: stats(1000 * s, s % 2 === 0 ? 10 * s : 10 * s + 5) }), 1000 * s);
  const shown = rates.of('', 's.v1.S', 'Do');
  assert.ok(Math.abs(shown - 10) <= 1, String(shown));
  assert.ok(rates.history().some(({ total }) => total === 5) && rates.history().some(({ total }) => total === 15));
});

test('a lost connection is a gap in the line, once', () => {
  const rates = new Rates();
  rates.gap(1);
  rates.update(state({ host: stats(1000, 0) }), 1000);
  rates.update(state({ host: stats(2000, 1) }), 2000);
  rates.gap(2500);
  rates.gap(2600);
  rates.update(state({ host: stats(4000, 5) }), 4000);
  assert.deepEqual(rates.history().map(({ total }) => total), [1, null, 2]);
  const columns = columnsOf(linesOf(rates.series()), rates.history());
  assert.deepEqual(columns, [[2, 2.5, 4], [1, null, 2], [1, null, 2]]);
});

test('the history holds five minutes', () => {
  const rates = new Rates();
  for (let s = 0; s < 1000; ++s) rates.update(state({ host: stats(1000 * s, s) }), 1000 * s);
  const history = rates.history();
  assert.equal(history.at(-1)!.at - history[0]!.at, kHistoryMs);
});

test('beyond seven services the last line is the sum of the others', () => {
  const series = Array.from({ length: 11 }, (_, i) => ({ key: `k${i}`, program: 'p', service: `s${i}` }));
  assert.equal(linesOf(series.slice(0, 8)).length, 8);
  const lines = linesOf(series);
  assert.deepEqual([lines.length, lines.at(-1)?.series.length], [8, 4]);
  const columns = columnsOf(lines, [{ at: 1000, total: 11, of: new Map(series.map(({ key }) => [key, 1])) }]);
  assert.deepEqual(columns.at(-1), [4]);
});

test('totals are of the host and its children together', () => {
  const programs = programsOf(state({ host: stats(1000, 3), child: stats(1000, 4) }));
  assert.deepEqual(programs.map(({ name, isHost }) => [name, isHost]), [['n', true], ['ardus', false]]);
  const { calls, failed, open } = totalsOf(programs);
  assert.deepEqual([calls, failed, open], [7, 2, 4]);
});
