/** The last message of a stream that tells a state as a whole each time; asked for again whenever it ended or the link is open again. */
import { useEffect, useState } from 'preact/hooks';
import type { Endpoint } from '../b2/endpoint';
import type { Init, Method } from '../b2/proto';
import { B2Error } from '../b2/status';

const kAskAgainMs = 2000; // after the server ended the stream though the connection is good

export interface Streamed<S> {
  readonly state: S | undefined; // the last that came, however old
  readonly at: number | undefined; // Date.now() of its arrival
  readonly failure: string | undefined; // why the stream ended, while the connection is good
}

/** @param endpoint  nothing while there is none to ask */
export function useStream<Q, S>(endpoint: Endpoint | undefined, method: Method<Q, S>, request: Init<Q>, arrived?: (state: S, at: number) => void): Streamed<S> {
  const [seen, setSeen] = useState<Streamed<S>>({ state: undefined, at: undefined, failure: undefined });
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
        for await (const state of endpoint.stream(method, request, { signal: leave.signal })) {
          const at = Date.now();
          arrived?.(state, at);
          setSeen({ state, at, failure: undefined });
        }
        return 'The server ended the stream of its state.';
      } catch (error) {
        return error instanceof B2Error ? error.message : `Its state cannot be read: ${(error as Error).message}`;
      }
    };
    void follow();
    return () => leave.abort();
  }, [endpoint, method]);
  return seen;
}
