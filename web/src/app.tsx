import { useEffect, useMemo, useState } from 'preact/hooks';
import { Link, pageWorld } from './b2/link';
import { NodesPage, staleness } from './nodes/nodes_page';
import { useWatch } from './nodes/use_watch';
import { keepToken, takeToken } from './token';
import { useLinkState } from './ui/hooks';
import { Shell, type Page, type Pulse } from './ui/shell';
import { TokenPage } from './ui/token_page';

const kNodes: Page = { path: '#/nodes', title: 'Nodes' };
const kPages: readonly Page[] = [kNodes];

export function App() {
  const [given, setGiven] = useState(() => ({ token: takeToken(), time: 0 }));
  useEffect(() => {
    // A link opened in a tab that has the page already changes only the fragment.
    const changed = () => location.hash.includes('t=') && accept(takeToken());
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  // The same token given once more is tried once more.
  const accept = (token: string | undefined) => setGiven((before) => ({ token, time: before.time + 1 }));
  const paste = (token: string) => {
    keepToken(token);
    accept(token);
  };
  if (given.token === undefined) return <Gate onToken={paste} />;
  return <Connected key={given.time} token={given.token} onToken={paste} />;
}

function Gate({ refusal, onToken }: { refusal?: string; onToken: (token: string) => void }) {
  return (
    <Shell pages={[]} pulse="off">
      <TokenPage refusal={refusal} onToken={onToken} />
    </Shell>
  );
}

function Connected({ token, onToken }: { token: string; onToken: (token: string) => void }) {
  const link = useMemo(() => new Link(pageWorld(token), token), [token]);
  const state = useLinkState(link);
  const watched = useWatch(state);
  useEffect(() => {
    const retry = () => link.retryNow();
    const seen = () => document.visibilityState === 'visible' && link.retryNow();
    link.start();
    addEventListener('online', retry);
    document.addEventListener('visibilitychange', seen);
    return () => {
      removeEventListener('online', retry);
      document.removeEventListener('visibilitychange', seen);
      link.stop();
    };
  }, [link]);
  if (state.kind === 'refused') return <Gate refusal={state.reason} onToken={onToken} />;
  return (
    <Shell pages={kPages} current={kNodes} pulse={pulseOf()}>
      <NodesPage link={link} linkState={state} watched={watched} />
    </Shell>
  );

  function pulseOf(): Pulse {
    if (state.kind === 'open' && watched.state !== undefined && staleness(state, watched, Date.now()) === undefined) return 'live';
    return watched.state === undefined && state.kind !== 'waiting' ? 'connecting' : 'lost';
  }
}
