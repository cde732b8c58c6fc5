/** The host and its children as one list: what the page shows of each is the same. */
import type { StatsResponse } from '../gen/b2/v1/core';
import { ChildState, type HostState } from '../gen/b2/v1/host';
import type { ServiceEntry } from '../gen/b2/v1/hello';
import { kHostProgram, type Rates } from './rates';

export interface Program {
  readonly key: string; // kHostProgram for the host
  readonly name: string;
  readonly isHost: boolean;
  readonly state: ChildState;
  readonly pid: number;
  readonly uptimeMs: number;
  readonly restarts: number;
  readonly lastExit: string;
  readonly nextStartMs: number;
  readonly cpuPercent: number | undefined; // the host does not measure itself
  readonly residentBytes: number;
  readonly addresses: readonly string[];
  readonly services: readonly ServiceEntry[];
  readonly stats: StatsResponse | undefined;
  readonly logTail: string;
}

export interface MethodRow {
  readonly key: string;
  readonly program: string;
  readonly service: string;
  readonly method: string;
  readonly calls: number;
  readonly perSecond: number;
  readonly failed: number;
  readonly open: number;
  readonly meanUs: number;
  readonly p99Us: number;
}

export function programsOf(state: HostState): Program[] {
  const host: Program = {
    key: kHostProgram,
    name: state.nodeName || 'host',
    isHost: true,
    state: ChildState.ready,
    pid: 0,
    uptimeMs: Number(state.uptimeMs),
    restarts: 0,
    lastExit: '',
    nextStartMs: 0,
    cpuPercent: undefined,
    residentBytes: Number(state.stats?.residentBytes ?? 0),
    addresses: state.addresses,
    services: state.services,
    stats: state.stats,
    logTail: '',
  };
  const children = state.children.map((child): Program => ({
    ...child,
    key: child.name,
    isHost: false,
    uptimeMs: Number(child.uptimeMs),
    residentBytes: Number(child.residentBytes),
    stats: child.stats,
  }));
  return [host, ...children];
}

export function methodRows(programs: readonly Program[], rates: Rates): MethodRow[] {
  return programs.flatMap((program) =>
    (program.stats?.methods ?? []).map((m) => ({
      key: `${program.key}/${m.service}/${m.method}`,
      program: program.name,
      service: m.service,
      method: m.method,
      calls: Number(m.calls),
      perSecond: program.state === ChildState.ready ? rates.of(program.key, m.service, m.method) : 0,
      failed: Number(m.failed),
      open: m.open,
      meanUs: m.meanUs,
      p99Us: m.p99Us,
    })),
  );
}

/** What all programs of the node make together. */
export interface Totals {
  readonly calls: number;
  readonly failed: number;
  readonly open: number;
  readonly connections: number;
  readonly residentBytes: number;
}

export function totalsOf(programs: readonly Program[]): Totals {
  const sum = (of: (program: Program) => number) => programs.reduce((total, program) => total + of(program), 0);
  const methods = (of: 'calls' | 'failed' | 'open') => sum(({ stats }) => (stats?.methods ?? []).reduce((total, m) => total + Number(m[of]), 0));
  return {
    calls: methods('calls'),
    failed: methods('failed'),
    open: methods('open'),
    connections: sum(({ stats }) => Number(stats?.connections ?? 0)),
    residentBytes: sum((program) => program.residentBytes),
  };
}
