/** The answer to a question that changes while it is asked: only the last one asked is waited for, those before it are cancelled. */
import { useEffect, useState } from 'preact/hooks';
import type { Endpoint } from '../b2/endpoint';
import type { Init, Method } from '../b2/proto';

const kSlowMs = 400; // until then nobody has to be told that it takes a while
const kTimeoutMs = 15_000;

export interface Answer<A> {
  readonly key: string; // what it answers; "" while nothing was asked
  readonly answer: A | undefined; // the last that came, kept while the next is on its way
  readonly failure: string | undefined; // why there is none to `key`
  readonly slow: boolean;
}

export interface Asking<A> extends Answer<A> {
  /** Whether `answer` is to what is asked at this moment. */
  readonly fresh: boolean;
  again(): void;
}

const kNothing = { key: '', answer: undefined, failure: undefined, slow: false } as const;

/**
 * @param endpoint  nothing while there is none to ask
 * @param key       tells one question from another; "" asks nothing
 * @param delayMs   it has to stand that long before it is asked
 */
export function useAnswer<Q, A>(endpoint: Endpoint | undefined, method: Method<Q, A>, key: string, request: Init<Q>, delayMs = 0): Asking<A> {
  const [seen, setSeen] = useState<Answer<A>>(kNothing);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    if (key === '') setSeen(kNothing);
    if (key === '' || endpoint === undefined) return undefined;
    const leave = new AbortController();
    const slow = setTimeout(() => setSeen((before) => ({ ...before, slow: true, failure: undefined })), delayMs + kSlowMs);
    const ask = async () => {
      try {
        const answer = await endpoint.call(method, request, { signal: leave.signal, timeoutMs: kTimeoutMs });
        if (!leave.signal.aborted) setSeen({ key, answer, failure: undefined, slow: false });
      } catch (error) {
        // A connection that was lost is told by the banner; the next one is asked again.
        if (!leave.signal.aborted && endpoint.isOpen) setSeen({ key, answer: undefined, failure: (error as Error).message, slow: false });
      }
      clearTimeout(slow);
    };
    const waiting = setTimeout(() => void ask(), delayMs);
    return () => {
      clearTimeout(waiting);
      clearTimeout(slow);
      leave.abort();
    };
  }, [endpoint, method, key, tries]);
  return { ...seen, fresh: seen.key === key, again: () => setTries((before) => before + 1) };
}
