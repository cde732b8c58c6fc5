/** The state of the node, as Host/Watch streams it, and the rates worked out from it. */
import { useEffect, useMemo } from 'preact/hooks';
import type { Endpoint } from '../b2/endpoint';
import { Host, type HostState } from '../gen/b2/v1/host';
import { useStream, type Streamed } from '../ui/use_stream';
import { Rates } from './rates';

const kIntervalMs = 1000;

export interface Watched extends Streamed<HostState> {
  readonly rates: Rates;
}

export function useWatch(endpoint: Endpoint | undefined): Watched {
  const rates = useMemo(() => new Rates(), []);
  const seen = useStream(endpoint, Host.watch, { intervalMs: kIntervalMs }, (state, at) => rates.update(state, at));
  useEffect(() => (endpoint === undefined ? undefined : () => rates.gap(Date.now())), [endpoint, rates]);
  return { ...seen, rates };
}
