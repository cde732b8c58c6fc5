/** A node that seems to work: counters that grow, children that come and go. The same steps from the same seed. */
import { ChildState, type Child, type HostState } from '../../src/gen/b2/v1/host';
import { Health, MethodKind, type ServiceEntry } from '../../src/gen/b2/v1/hello';
import type { StatsResponse } from '../../src/gen/b2/v1/core';

const kNone = new Uint8Array(0);

interface FakeMethod {
  readonly service: string;
  readonly name: string;
  readonly perSecond: number; // around which it moves
  readonly meanUs: number;
  calls: number;
  failed: number;
}

interface FakeProgram {
  readonly name: string;
  readonly addresses: string[];
  readonly methods: FakeMethod[];
  startedAt: number;
  pid: number;
  restarts: number;
  lastExit: string;
  state: ChildState;
  health: Health;
  log: string[];
}

export interface MethodSpec {
  readonly name: string;
  readonly perSecond: number;
  readonly meanUs: number;
}

export function serviceEntry(name: string, methods: readonly string[], firstMethod = 0, health: Health = Health.serving): ServiceEntry {
  const entries = methods.map((method) => ({ name: method, kind: MethodKind.unary, needs: '', idempotent: false }));
  return { name, version: '0.1.0', descriptorHash: kNone, firstMethod, methodCount: methods.length, health, methods: entries };
}

function program(name: string, address: string[], pid: number, services: Record<string, readonly MethodSpec[]>): FakeProgram {
  const methods = Object.entries(services).flatMap(([service, list]) => list.map((method) => ({ service, ...method, calls: 0, failed: 0 })));
  return { name, addresses: address, methods, startedAt: 0, pid, restarts: 0, lastExit: '', state: ChildState.ready, health: Health.serving, log: [] };
}

const core = (scale: number): readonly MethodSpec[] => [
  { name: 'Describe', perSecond: 0.05 * scale, meanUs: 61 },
  { name: 'Health', perSecond: 1 * scale, meanUs: 9 },
  { name: 'Stats', perSecond: 1 * scale, meanUs: 22 },
  { name: 'Limits', perSecond: 0, meanUs: 0 },
];

const residentOf = (of: FakeProgram): number => 7_100_000 + of.methods.length * 900_000;

export class FakeNode {
  private readonly host = program('archive-3', ['127.0.0.1:2203', '/run/b2/b2.sock'], 0, {
    'b2.v1.Core': core(1.5),
    'b2.v1.Host': [
      { name: 'List', perSecond: 0.1, meanUs: 48 },
      { name: 'Watch', perSecond: 0.02, meanUs: 81_000_000 },
      { name: 'Restart', perSecond: 0, meanUs: 0 },
    ],
  });
  readonly children: FakeProgram[] = [
    program('ardus', ['127.0.0.1:1117'], 4121, { 'b2.v1.Core': core(1) }),
    program('ariascribe', ['127.0.0.1:2114', '/run/b2/ariascribe.sock'], 4122, { 'b2.v1.Core': core(4), 'ariascribe.v1.Catalogue': [{ name: 'Identify', perSecond: 42, meanUs: 412 }, { name: 'Search', perSecond: 9, meanUs: 1840 }] }),
    program('audiojuggler', ['127.0.0.1:3643'], 4123, { 'b2.v1.Core': core(1) }),
    program('portlight', [], 4124, { 'b2.v1.Core': core(2), 'portlight.v1.Ports': [{ name: 'List', perSecond: 4, meanUs: 3100 }, { name: 'Why', perSecond: 0.4, meanUs: 940 }] }),
  ];
  private seed = 20_203;
  private nextPid = 4125;
  private time = 3_723_000; // ms the node has been up

  constructor() {
    for (const each of this.children) {
      each.log.push(`${each.name}: serving b2.v1.Core address=${each.addresses[0] ?? 'none'}`);
      each.startedAt = 1200;
    }
    this.advance(this.time);
    this.time = 3_723_000;
  }

  /** Lets `ms` pass: counters grow, back-offs end. */
  advance(ms: number): void {
    this.time += ms;
    for (const each of [this.host, ...this.children]) {
      if (each.state !== ChildState.ready) continue;
      for (const method of each.methods) {
        const expected = (method.perSecond * ms * (0.6 + 0.8 * this.random())) / 1000;
        const calls = Math.floor(expected) + (this.random() < expected % 1 ? 1 : 0);
        method.calls += calls;
        if (method.name === 'Search' && this.random() < 0.02) method.failed += 1;
      }
    }
  }

  child(name: string): FakeProgram | undefined {
    return this.children.find((each) => each.name === name);
  }

  crash(name: string, state: ChildState, why: string): void {
    const child = this.child(name)!;
    child.state = state;
    child.pid = 0;
    child.lastExit = why;
    child.log.push(`${name}: ${why}`, `ghostlight: child ended name=${name} reason="${why}"`);
  }

  restart(name: string): Child | undefined {
    const child = this.child(name);
    if (child === undefined) return undefined;
    Object.assign(child, { state: ChildState.ready, pid: this.nextPid++, restarts: child.restarts + 1, startedAt: this.time });
    child.log.push(`${name}: started pid=${child.pid}`);
    for (const method of child.methods) Object.assign(method, { calls: 0, failed: 0 });
    return this.childState(child);
  }

  state(): HostState {
    return {
      nodeName: this.host.name,
      nodeId: Uint8Array.from({ length: 32 }, (_, i) => (i * 37 + 11) & 0xff),
      nodeWords: 'lusab-babad-gutih-tugad',
      house: 'Phonothek Lindenhof',
      uptimeMs: BigInt(this.time),
      children: this.children.map((each) => this.childState(each)),
      stats: this.stats(this.host, 9_400_000),
      services: this.services(this.host),
      addresses: this.host.addresses,
      version: '0.1.0',
    };
  }

  private childState(of: FakeProgram): Child {
    const running = of.state === ChildState.ready;
    return {
      name: of.name,
      state: of.state,
      pid: of.pid,
      uptimeMs: BigInt(running ? this.time - of.startedAt : 0),
      restarts: of.restarts,
      startsOnCall: false,
      lastExit: of.lastExit,
      nextStartMs: of.state === ChildState.backing_off ? 1600 : 0,
      services: running ? this.services(of) : [],
      stats: running ? this.stats(of, residentOf(of)) : undefined,
      addresses: running ? of.addresses : [],
      cpuPercent: running ? of.methods.reduce((sum, { perSecond }) => sum + perSecond, 0) * 0.04 + this.random() * 0.4 : 0,
      residentBytes: BigInt(running ? residentOf(of) : 0),
      logTail: of.log.slice(-40).join('\n'),
    };
  }

  private services(of: FakeProgram): ServiceEntry[] {
    const names = [...new Set(of.methods.map(({ service }) => service))];
    return names.map((name) => serviceEntry(name, of.methods.filter(({ service }) => service === name).map((method) => method.name), 0, of.health));
  }

  private stats(of: FakeProgram, residentBytes: number): StatsResponse {
    const methods = of.methods.map((m) => ({ service: m.service, method: m.name, calls: BigInt(m.calls), failed: BigInt(m.failed), open: m.name === 'Watch' ? 2 : 0, meanUs: m.calls > 0 ? m.meanUs : 0, p99Us: m.calls > 0 ? m.meanUs * 2.6 : 0, p50Us: m.calls > 0 ? m.meanUs * 0.8 : 0 }));
    const connections = of === this.host ? 6n : 1n;
    return { uptimeMs: BigInt(this.time - of.startedAt), connections, connectionsTotal: 31n, refusedTotal: 0n, bytesIn: 0n, bytesOut: 0n, budgetUsed: 0n, budget: 268_435_456n, residentBytes: BigInt(residentBytes), methods, refusedFor: [] };
  }

  private random(): number {
    this.seed = (Math.imul(this.seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.seed / 2 ** 32;
  }
}
