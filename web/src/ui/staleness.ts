import type { LinkState } from '../b2/link';
import { duration } from './format';
import type { Streamed } from './use_stream';

const kQuietMs = 4000; // four times the interval at which the host tells its state

export interface Staleness {
  readonly headline: string;
  readonly detail: string;
}

/**
 * Why what is shown is not live, or nothing when it is.
 * @param heardAt  Date.now() when the server last said anything that comes at an interval
 */
export function staleness(link: LinkState, seen: Streamed<unknown>, heardAt: number | undefined, now: number): Staleness | undefined {
  if (link.kind === 'waiting') return { headline: link.reason, detail: '' };
  if (link.kind === 'connecting') return seen.state === undefined ? undefined : { headline: 'The connection to the server was lost.', detail: '' };
  if (link.kind !== 'open') return { headline: 'Not connected.', detail: '' };
  if (seen.failure !== undefined) return { headline: 'The server does not tell its state.', detail: seen.failure };
  if (heardAt !== undefined && now - heardAt > kQuietMs) return { headline: `Nothing new has come for ${duration(now - heardAt)}.`, detail: '' };
  return undefined;
}
