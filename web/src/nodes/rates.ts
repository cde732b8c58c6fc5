/** Calls a second, from the counters that every HostState carries. Pure: the time of arrival comes in with the state. */
import type { StatsResponse } from '../gen/b2/v1/core';
import { ChildState, type HostState } from '../gen/b2/v1/host';

export const kHistoryMs = 5 * 60 * 1000;
export const kLeastMs = 500; // a state told sooner, because something changed, makes no rate: one call would look like many
export const kMeanMs = 5000; // a table's figure is a mean: one that jumps every second cannot be read
export const kHostProgram = ''; // the key of the host itself: no child has an empty name

/** A service of one program: the unit of which the chart draws a line. */
export interface Series {
  readonly key: string;
  readonly program: string; // for people: the host goes by the node's name
  readonly service: string;
}

export interface Sample {
  readonly at: number; // Date.now() of its arrival
  readonly total: number | null; // null where the connection was lost: the line has a gap
  readonly of: ReadonlyMap<string, number>; // by Series.key
}

interface Reading {
  readonly calls: number;
  readonly uptimeMs: number;
}

/** One method's last readings, the oldest first, never empty. */
interface Counter {
  readings: Reading[];
  perSecond: number; // over the last interval
}

export const serviceKey = (program: string, service: string): string => `${program}/${service}`;
export const methodKey = (program: string, service: string, method: string): string => `${program}/${service}/${method}`;

export class Rates {
  private readonly counters = new Map<string, Counter>();
  private readonly known = new Map<string, Series>();
  private readonly samples: Sample[] = [];
  private updatedAt = -Infinity;

  /** Takes the next state. */
  update(state: HostState, at: number): void {
    if (at - this.updatedAt < kLeastMs) return;
    this.updatedAt = at;
    const first = this.counters.size === 0; // counters alone; a rate takes two
    const of = new Map<string, number>();
    this.count(kHostProgram, state.nodeName || 'host', state.stats, of);
    for (const child of state.children) this.count(child.name, child.name, child.state === ChildState.ready ? child.stats : undefined, of);
    let total = 0;
    for (const perSecond of of.values()) total += perSecond;
    if (!first) this.keep({ at, total, of });
  }

  /** The connection was lost: nothing is known until the next state. */
  gap(at: number): void {
    const last = this.samples.at(-1);
    if (last !== undefined && last.total !== null) this.keep({ at, total: null, of: new Map() });
  }

  /** Calls a second of one method, mean over the last kMeanMs. */
  of(program: string, service: string, method: string): number {
    const readings = this.counters.get(methodKey(program, service, method))?.readings;
    const first = readings?.[0];
    const last = readings?.at(-1);
    if (first === undefined || last === undefined || last.uptimeMs <= first.uptimeMs) return 0;
    return ((last.calls - first.calls) * 1000) / (last.uptimeMs - first.uptimeMs);
  }

  history(): readonly Sample[] {
    return this.samples;
  }

  /** Every series ever seen, in the order in which they came. */
  series(): Series[] {
    return [...this.known.values()];
  }

  private count(program: string, name: string, stats: StatsResponse | undefined, of: Map<string, number>): void {
    for (const method of stats?.methods ?? []) {
      const key = serviceKey(program, method.service);
      if (!this.known.has(key)) this.known.set(key, { key, program: name, service: method.service });
      const perSecond = this.advance(methodKey(program, method.service, method.method), Number(method.calls), Number(stats!.uptimeMs));
      of.set(key, (of.get(key) ?? 0) + perSecond);
    }
    if (stats === undefined) this.forget(program);
  }

  /** Time is the program's own uptime, so a state that arrives late, or twice, bends nothing. */
  private advance(key: string, calls: number, uptimeMs: number): number {
    const counter = this.counters.get(key);
    if (counter === undefined) {
      this.counters.set(key, { readings: [{ calls, uptimeMs }], perSecond: 0 });
      return 0;
    }
    let before = counter.readings.at(-1)!;
    if (uptimeMs < before.uptimeMs || calls < before.calls) {
      before = { calls: 0, uptimeMs: 0 }; // the program has been started again
      counter.readings = [before];
    }
    if (uptimeMs <= before.uptimeMs) return counter.perSecond;
    counter.perSecond = ((calls - before.calls) * 1000) / (uptimeMs - before.uptimeMs);
    counter.readings.push({ calls, uptimeMs });
    while (counter.readings.length > 2 && counter.readings[1]!.uptimeMs <= uptimeMs - kMeanMs) counter.readings.shift();
    return counter.perSecond;
  }

  /** A program that does not run makes no calls; its counters start again with it. */
  private forget(program: string): void {
    for (const key of this.counters.keys()) if (key.startsWith(`${program}/`)) this.counters.delete(key);
  }

  private keep(sample: Sample): void {
    this.samples.push(sample);
    while (this.samples.length > 0 && this.samples[0]!.at < sample.at - kHistoryMs) this.samples.shift();
  }
}
