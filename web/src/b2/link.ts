/**
 * A connection to the server this page came from that is made again whenever it is lost: b2 over WebSocket (docs/spec/b2.md
 * §10). What state it is in can be watched, and is never guessed.
 */
import type { Hello } from '../gen/b2/v1/hello';
import { Endpoint } from './endpoint';
import { kOurLimits } from './limits';
import type { Status } from './status';

export type LinkState =
  | { readonly kind: 'connecting'; readonly attempt: number }
  | { readonly kind: 'open'; readonly endpoint: Endpoint; readonly hello: Hello }
  | { readonly kind: 'waiting'; readonly attempt: number; readonly reason: string; readonly until: number } // Date.now() of the next try
  | { readonly kind: 'refused'; readonly reason: string } // the server turned us away: trying again is of no use
  | { readonly kind: 'stopped' };

/** What the link needs of the world, so that tests can give it another. */
export interface LinkWorld {
  openSocket(subprotocols: string[]): WebSocket;
  /** Why the server refuses us, asked over HTTP: a browser does not tell why an upgrade failed. Nothing when it does not answer. */
  whyRefused(): Promise<string | undefined>;
  random(): number;
  /** Calls `run` in `ms`; gives the function that prevents it. */
  after(ms: number, run: () => void): () => void;
}

const kFirstDelay = 250; // ms
const kMaxDelay = 10_000;
const kConnectTimeout = 10_000;

/** Delay before the `attempt`th try again (1, 2, …), ms: doubling, with up to a quarter taken off so that tabs spread. */
export function retryDelay(attempt: number, random: number): number {
  return Math.min(kMaxDelay, kFirstDelay * 2 ** Math.min(attempt - 1, 10)) * (1 - random / 4);
}

export function ourHello(name: string): Hello {
  const none = new Uint8Array(0);
  const epoch = BigInt(Math.floor(Math.random() * 2 ** 48) + 1);
  return { version: 1, nodeId: none, name, bootEpoch: epoch, features: [], limits: kOurLimits, keepAliveMs: 1000, services: [], house: '', houseId: none, revocations: 0n };
}

export class Link {
  private current: LinkState = { kind: 'stopped' };
  private readonly watchers = new Set<(state: LinkState) => void>();
  private socket: WebSocket | undefined;
  private stopTimer: () => void = () => undefined;
  private attempt = 0; // tries since it was last open

  /** @param token  of the console; base64url characters */
  constructor(
    private readonly world: LinkWorld,
    private readonly token: string,
  ) {}

  get state(): LinkState {
    return this.current;
  }

  /** Calls `watcher` at once and at every change; gives the function that ends it. */
  watch(watcher: (state: LinkState) => void): () => void {
    this.watchers.add(watcher);
    watcher(this.current);
    return () => this.watchers.delete(watcher);
  }

  start(): void {
    if (this.current.kind === 'stopped') this.connect();
  }

  stop(): void {
    this.become({ kind: 'stopped' });
    this.dropSocket();
  }

  /** Tries at once instead of waiting on: the person asked, or the network is back. */
  retryNow(): void {
    if (this.current.kind === 'waiting') this.connect();
  }

  private become(state: LinkState): void {
    this.stopTimer();
    this.current = state;
    for (const watcher of this.watchers) watcher(state);
  }

  private dropSocket(): void {
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
  }

  private connect(): void {
    this.attempt += 1;
    this.become({ kind: 'connecting', attempt: this.attempt });
    let socket: WebSocket;
    try {
      socket = this.world.openSocket(['b2.1', `b2.bearer.${this.token}`]);
    } catch {
      this.become({ kind: 'refused', reason: 'The token has characters that no token has.' });
      return;
    }
    this.socket = socket;
    socket.binaryType = 'arraybuffer';
    this.stopTimer = this.world.after(kConnectTimeout, () => this.lost(socket, 'The server did not answer.'));
    socket.onopen = () => this.speak(socket);
    socket.onclose = () => void this.neverOpened(socket);
  }

  private speak(socket: WebSocket): void {
    let why = 'The connection to the server was lost.';
    const endpoint: Endpoint = new Endpoint(
      'dialer',
      ourHello('console'),
      { send: (bytes) => socket.readyState === socket.OPEN && socket.send(bytes as Uint8Array<ArrayBuffer>), close: () => socket.close() },
      {
        open: (hello) => {
          if (this.socket !== socket) return;
          this.attempt = 0;
          this.become({ kind: 'open', endpoint, hello });
        },
        // The calls that are open end on this socket, which its server closes; others go by the next.
        leaving: () => {
          if (this.socket !== socket) return;
          this.socket = undefined;
          this.wait('The server is leaving.');
        },
        closed: (_status: Status, message: string) => {
          why = message || why;
          this.lost(socket, why);
        },
      },
    );
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) endpoint.receive(new Uint8Array(data));
      else endpoint.transportClosed('The server sent text where b2 has bytes.');
    };
    socket.onclose = () => endpoint.transportClosed('The connection to the server was lost.');
  }

  private async neverOpened(socket: WebSocket): Promise<void> {
    if (this.socket !== socket) return;
    const reason = await this.world.whyRefused().catch(() => undefined);
    if (this.socket !== socket) return;
    if (reason === undefined) return this.lost(socket, 'The server cannot be reached.');
    this.dropSocket();
    this.become({ kind: 'refused', reason });
  }

  private lost(socket: WebSocket, reason: string): void {
    if (this.socket !== socket) return;
    this.dropSocket();
    this.wait(reason);
  }

  private wait(reason: string): void {
    const attempt = Math.max(1, this.attempt);
    const delay = retryDelay(attempt, this.world.random());
    this.become({ kind: 'waiting', attempt, reason, until: Date.now() + delay });
    this.stopTimer = this.world.after(delay, () => this.connect());
  }
}

/** The world of a page: its own origin, the token as bearer. */
export function pageWorld(token: string): LinkWorld {
  return {
    openSocket: (subprotocols) => new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/b2`, subprotocols),
    random: Math.random,
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    async whyRefused() {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      const answer = await fetch('/b2.v1.Core/Stats', { method: 'POST', headers, body: '{}', signal: AbortSignal.timeout(5000) });
      if (![401, 403, 421].includes(answer.status)) return undefined; // not about who we are: it may pass
      return reasonIn(await answer.text());
    },
  };
}

/** The sentence in an error's body: Connect's JSON has it as `message`. */
function reasonIn(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    if (typeof message === 'string' && message !== '') return message;
  } catch {
    // plain text
  }
  return body.slice(0, 500) || 'The server refused the connection.';
}
