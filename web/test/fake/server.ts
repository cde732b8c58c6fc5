/** A b2 host for the browser tests: the console's files and a b2 acceptor on one port, made of the console's own channel. */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { WebSocketServer, type WebSocket } from 'ws';
import { Endpoint, type IncomingCall } from '../../src/b2/endpoint';
import { kOurLimits } from '../../src/b2/limits';
import { Status } from '../../src/b2/status';
import { decodeRestartRequest, decodeWatchRequest, encodeHostState, encodeRestartResponse } from '../../src/gen/b2/v1/host';
import { decodeStartRequest, encodeCancelResponse, encodeStageState, encodeStartResponse } from '../../src/gen/ghostlight/v1/stage';
import type { Hello } from '../../src/gen/b2/v1/hello';
import { FakeCatalogue, kCatalogueMethods } from './catalogue_state';
import { FakeLibrary, kLibraryMethods } from './library_state';
import { FakeNode, serviceEntry } from './node_state';
import { FakeStage } from './stage_state';

const kTypes: Record<string, string> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };
const kHeaders = { 'content-security-policy': "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' };
const kStageMethods = ['Start', 'Resume', 'Watch', 'Cancel'];
const kServices = [serviceEntry('b2.v1.Core', ['Describe', 'Health', 'Stats', 'Limits'], 0), serviceEntry('b2.v1.Host', ['List', 'Watch', 'Restart'], 4)];
const kStageService = serviceEntry('ghostlight.v1.Stage', kStageMethods, 7);
const kCatalogueService = serviceEntry('ariascribe.v1.Catalogue', kCatalogueMethods, 11);
const kLibraryService = serviceEntry('ariascribe.v1.Library', kLibraryMethods, 15);
const Index = { list: 4, watch: 5, restart: 6, start: 7, resume: 8, watchStage: 9, cancel: 10, catalogue: 11, library: 15 };
const kStageMs = 100; // between two states of the stage, when it changes
const kHighWater = 256 * 1024; // bytes: a reader this far behind is given no more until it has read

export class FakeServer {
  readonly node = new FakeNode();
  readonly stage = new FakeStage();
  readonly catalogue = new FakeCatalogue();
  readonly library = new FakeLibrary();
  /** False for a node that has no stage. */
  hasStage = true;
  /** False for a node without Ariascribe. */
  hasCatalogue = true;
  token = 'c29tZS10b2tlbi1mb3ItdGVzdHM';
  /** While true, streams stay open and silent. */
  silent = false;
  /** Why Restart is refused, when it is. */
  refuseRestart = '';
  /** Streams of Watch that are open. */
  streams = 0;
  private server: Server | undefined;
  private port = 0;
  private readonly sockets = new Set<Socket>();
  private readonly endpoints = new Set<Endpoint>();

  constructor(private readonly dist: string) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  get link(): string {
    return `${this.url}#t=${this.token}`;
  }

  get connections(): number {
    return this.endpoints.size;
  }

  /** Listens; on the port it had before when it is started again. */
  async start(port = this.port): Promise<void> {
    const server = createServer((request, response) => void this.answer(request, response));
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => (offered.has('b2.1') ? 'b2.1' : false) });
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    server.on('upgrade', (request, socket, head) => {
      const offered = String(request.headers['sec-websocket-protocol'] ?? '').split(/,\s*/);
      if (request.url !== '/b2' || !offered.includes(`b2.bearer.${this.token}`)) return void socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n');
      sockets.handleUpgrade(request, socket, head, (opened) => this.serve(opened));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** Ends as a killed process does: every connection is cut. */
  async stop(): Promise<void> {
    const server = this.server;
    if (server === undefined) return;
    this.server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', this.url).pathname;
    if (request.method === 'POST') return this.answerCall(request, response);
    try {
      const file = normalize(path === '/' ? '/index.html' : path);
      const bytes = await readFile(join(this.dist, file));
      response.writeHead(200, { ...kHeaders, 'content-type': kTypes[extname(file)] ?? 'application/octet-stream' }).end(bytes);
    } catch {
      response.writeHead(404, kHeaders).end('not found');
    }
  }

  private answerCall(request: IncomingMessage, response: ServerResponse): void {
    const known = request.headers.authorization === `Bearer ${this.token}`;
    const body = known ? {} : { code: 'unauthenticated', message: 'The token is not the one this node made when it started.' };
    response.writeHead(known ? 200 : 401, { ...kHeaders, 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  private serve(socket: WebSocket): void {
    const none = new Uint8Array(0);
    const hello: Hello = { version: 1, nodeId: none, name: 'archive-3', bootEpoch: 7n, features: [], limits: kOurLimits, keepAliveMs: 1000, services: [...kServices, ...(this.hasStage ? [kStageService] : []), ...(this.hasCatalogue ? [kCatalogueService, kLibraryService] : [])], house: '', houseId: none, revocations: 0n };
    const endpoint = new Endpoint('acceptor', hello, { send: (bytes) => socket.send(bytes), close: () => socket.close() }, { call: (call) => this.onCall(call) });
    this.endpoints.add(endpoint);
    socket.on('message', (data, isBinary) => {
      if (isBinary) endpoint.receive(new Uint8Array(data as Buffer));
    });
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      this.endpoints.delete(endpoint);
      endpoint.transportClosed('the browser went away');
    });
  }

  private onCall(call: IncomingCall): void {
    if (call.method === Index.watch) return this.watch(call);
    if (call.method === Index.watchStage) return this.watchStage(call);
    if (call.method >= Index.library) return void this.library.answer(call, call.method - Index.library);
    if (call.method >= Index.catalogue) return void this.catalogue.answer(call, call.method - Index.catalogue);
    if (call.method >= Index.start) return this.steerStage(call);
    if (call.method !== Index.restart) return call.fail(Status.unsupported, 'the fake serves Host/Watch, Host/Restart, Stage, Catalogue and Library');
    if (this.refuseRestart !== '') return call.fail(Status.busy, this.refuseRestart);
    const { name } = decodeRestartRequest(call.request);
    const child = this.node.restart(name);
    if (child === undefined) call.fail(Status.notFound, `no child is called "${name}"`);
    else call.finish(encodeRestartResponse({ child }));
  }

  private steerStage(call: IncomingCall): void {
    if (this.stage.refuse !== '') return call.fail(Status.refused, this.stage.refuse);
    if (call.method === Index.cancel) return call.finish(encodeCancelResponse({ found: this.stage.cancel() }));
    const job = call.method === Index.start ? this.stage.start(decodeStartRequest(call.request)) : this.stage.resume();
    call.finish(encodeStartResponse({ job: BigInt(job) }));
  }

  /** The state when it changes, as the real one does: a stage where nothing happens says nothing. */
  private watchStage(call: IncomingCall): void {
    let last: string | undefined;
    this.tellEvery(call, kStageMs, () => {
      const state = encodeStageState(this.stage.state());
      const text = Buffer.from(state).toString('latin1');
      if (text === last) return undefined;
      last = text;
      return state;
    });
  }

  private watch(call: IncomingCall): void {
    const { intervalMs } = decodeWatchRequest(call.request);
    this.tellEvery(call, Math.max(100, intervalMs || 1000), () => encodeHostState(this.node.state()));
  }

  /** @param next  gives the message to tell, or nothing when there is no news */
  private tellEvery(call: IncomingCall, ms: number, next: () => Uint8Array | undefined): void {
    let behind = 0;
    const tell = () => {
      if (this.silent || behind > kHighWater) return;
      const message = next();
      if (message !== undefined) behind = call.send(message);
    };
    tell();
    this.streams += 1;
    const timer = setInterval(tell, ms);
    call.signal.addEventListener('abort', () => {
      clearInterval(timer);
      this.streams -= 1;
      call.finish();
    });
  }
}
