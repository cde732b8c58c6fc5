/** The state of the node, as Host/Watch streams it; asked for again whenever the link is open again. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { B2Error } from '../b2/status';
import type { LinkState } from '../b2/link';
import { Host, type HostState } from '../gen/b2/v1/host';
import { Rates } from './rates';

const kIntervalMs = 1000;
const kAskAgainMs = 2000; // after the server ended the stream though the connection is good

export interface Watched {
  readonly state: HostState | undefined; // the last that came, however old
  readonly at: number | undefined; // Date.now() of its arrival
  readonly failure: string | undefined; // why the stream ended, while the connection is good
  readonly rates: Rates;
}

export function useWatch(link: LinkState): Watched {
  const rates = useMemo(() => new Rates(), []);
  const [seen, setSeen] = useState<Omit<Watched, 'rates'>>({ state: undefined, at: undefined, failure: undefined });
  const endpoint = link.kind === 'open' ? link.endpoint : undefined;
  useEffect(() => {
    if (endpoint === undefined) return undefined;
    const leave = new AbortController();
    const follow = async () => {
      while (!leave.signal.aborted && endpoint.isOpen) {
        const failure = await followOnce();
        if (leave.signal.aborted || !endpoint.isOpen) return;
        setSeen((before) => ({ ...before, failure }));
        await new Promise((resolve) => setTimeout(resolve, kAskAgainMs));
      }
    };
    const followOnce = async (): Promise<string> => {
      try {
        for await (const state of endpoint.stream(Host.watch, { intervalMs: kIntervalMs }, { signal: leave.signal })) {
          const at = Date.now();
          rates.update(state, at);
          setSeen({ state, at, failure: undefined });
        }
        return 'The server ended the stream of its state.';
      } catch (error) {
        return error instanceof B2Error ? error.message : `Its state cannot be read: ${(error as Error).message}`;
      }
    };
    void follow();
    return () => {
      leave.abort();
      rates.gap(Date.now());
    };
  }, [endpoint, rates]);
  return { ...seen, rates };
}
