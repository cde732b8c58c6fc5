import { useEffect, useState } from 'preact/hooks';
import type { Link, LinkState } from '../b2/link';

/** Date.now(), renewed every `ms`; not at all while `ms` is 0. */
export function useNow(ms: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (ms === 0) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), ms);
    return () => clearInterval(timer);
  }, [ms]);
  return now;
}

export function useLinkState(link: Link): LinkState {
  const [state, setState] = useState(link.state);
  useEffect(() => link.watch(setState), [link]);
  return state;
}
