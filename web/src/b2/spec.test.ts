/** b2spec (apps/b2spec) on this client: docs/spec/conformance, by WebSocket. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket, type RawData } from 'ws';
import { Drill, TaskKind, type Outcome, type Task } from '../gen/b2/spec/v1/drill';
import { Endpoint, type CallControl } from './endpoint';
import { ourHello } from './link';
import { B2Error, Status } from './status';

type Result = Pick<Outcome, 'status' | 'messages' | 'bytes'>;

const kCan = '1 2 3 4 5 6 7';
const piece = (size: number) => ({ payload: new Uint8Array(size).fill(0x78) });

/** Connects; gives the endpoint and what resolves when the connection has ended, or nothing when nobody listens. */
async function connect(url: string): Promise<{ endpoint: Endpoint; ended: Promise<void> } | undefined> {
  const socket = new WebSocket(url, ['b2.1']);
  socket.binaryType = 'arraybuffer';
  const early: RawData[] = []; // what comes in one piece with the upgrade's answer
  const keep = (data: RawData) => void early.push(data);
  socket.on('message', keep);
  const opened = await new Promise<boolean>((resolve) => {
    socket.once('open', () => resolve(true));
    socket.on('error', () => resolve(false));
  });
  if (!opened) return undefined;
  let end: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const endpoint = await new Promise<Endpoint>((resolve) => {
    const made: Endpoint = new Endpoint(
      'dialer',
      ourHello('spec'),
      { send: (bytes) => socket.readyState === socket.OPEN && socket.send(bytes), close: () => socket.close() },
      { open: () => resolve(made), closed: () => (resolve(made), end()) },
    );
    const take = (data: RawData, isBinary = true) => {
      if (isBinary) made.receive(new Uint8Array(data as ArrayBuffer));
      else made.transportClosed('text');
    };
    socket.off('message', keep);
    for (const data of early) take(data);
    socket.on('message', take);
    socket.on('close', () => made.transportClosed('the connection was lost'));
  });
  return { endpoint, ended };
}

async function carryOut(endpoint: Endpoint, { kind, count, size, timeoutMs }: Task, told: Result): Promise<void> {
  const control: CallControl = timeoutMs > 0 ? { timeoutMs } : {};
  const note = (payload: Uint8Array) => {
    told.messages += 1;
    told.bytes += BigInt(payload.length);
  };
  switch (kind) {
    case TaskKind.echo:
    case TaskKind.echo_long:
      return note((await endpoint.call(Drill.echo, piece(size), control)).payload);
    case TaskKind.count:
      for await (const { payload } of endpoint.stream(Drill.count, { count, size }, control)) note(payload);
      return;
    case TaskKind.unread:
      for await (const { payload } of endpoint.stream(Drill.count, { count, size }, control)) {
        note(payload);
        await new Promise(() => undefined); // the connection ends first, and the test goes on from that
      }
      return;
    case TaskKind.hold:
      return note((await endpoint.call(Drill.hold, {}, control)).payload);
    case TaskKind.cancel: {
      const giveUp = new AbortController();
      const answer = endpoint.call(Drill.hold, {}, { ...control, signal: giveUp.signal });
      giveUp.abort();
      return note((await answer).payload);
    }
    case TaskKind.sum: {
      const upload = endpoint.upload(Drill.sum, control);
      for (let i = 0; i < count; ++i) void upload.write(piece(size));
      upload.finish();
      await upload.answer;
      return;
    }
    default:
      throw new Error(`no task has the number ${kind}`);
  }
}

/** One connection's tasks; true when all was tried. */
async function drill(url: string, outcome: Outcome): Promise<boolean> {
  const connection = await connect(url);
  if (connection === undefined) return true;
  const { endpoint, ended } = connection;
  const lost = ended.then(() => 'lost' as const);
  while (endpoint.isOpen) {
    const task = await endpoint.call(Drill.next, { ...outcome, can: kCan }).catch(() => undefined);
    if (task === undefined) break;
    if (task.kind === TaskKind.done) {
      endpoint.goAway('done');
      return true;
    }
    const told = { status: 0, messages: 0, bytes: 0n };
    const fail = (error: unknown) => void (told.status = error instanceof B2Error ? error.status : Status.unknown);
    const done = carryOut(endpoint, task, told).catch(fail);
    if ((await Promise.race([done, lost])) === 'lost' && (await Promise.race([done.then(() => 'done'), sleep(50)])) !== 'done') told.status = Status.unknown;
    Object.assign(outcome, told, { none: false });
  }
  endpoint.goAway('connecting anew');
  await Promise.race([ended, sleep(200)]);
  endpoint.transportClosed('connecting anew');
  return false;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('the client holds to every rule b2spec has for clients', async () => {
  const program = join(process.cwd(), '../apps/b2spec/b2spec');
  const spec = spawn('python3', [program, 'client', '--websocket', '--quick', '--strict', '--verbose', '--patience', '20'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let report = '';
  let address = '';
  spec.stdout.on('data', (data: Buffer) => (report += data.toString()));
  const listening = new Promise<void>((resolve) => {
    spec.stderr.on('data', (data: Buffer) => {
      address += data.toString();
      if (address.includes('\n')) resolve();
    });
  });
  const over = once(spec, 'close');
  await listening;
  const url = `ws://${/listening on (\S+)/.exec(address)?.[1]}/b2`;
  const outcome: Outcome = { status: 0, messages: 0, bytes: 0n, none: true, can: kCan };
  while (!(await drill(url, outcome)));
  const [code] = (await over) as [number];
  assert.equal(code, 0, report);
  assert.match(report, /# [1-9]\d+ passed, 0 failed, 0 remark, \d+ skipped/);
  const skipped = report.split('\n').filter((line) => line.includes('# SKIP'));
  assert.deepEqual(skipped.filter((line) => !line.endsWith('# SKIP it does not announce the feature zstd')), []);
});
