import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Link, pageWorld } from './b2/link';
import { CataloguePage, kCataloguePath } from './catalogue/catalogue_page';
import { Catalogue } from './gen/ariascribe/v1/catalogue';
import { Library } from './gen/ariascribe/v1/library';
import { Stage } from './gen/ghostlight/v1/stage';
import { NodesPage } from './nodes/nodes_page';
import { useWatch } from './nodes/use_watch';
import { kReviewPath, ReviewPage } from './review/review_page';
import { useReview } from './review/use_review';
import { StagePage } from './stage/stage_page';
import { keepToken, takeToken } from './token';
import { useLinkState, useNow } from './ui/hooks';
import { routeOf } from './ui/route';
import { Shell, type Page, type Pulse } from './ui/shell';
import { staleness } from './ui/staleness';
import { TokenPage } from './ui/token_page';
import { useStream } from './ui/use_stream';

const kStage: Page = { path: '#/stage', title: 'Stage' }; // first where the node has the job's service
const kCatalogue: Page = { path: kCataloguePath, title: 'Catalogue' }; // where it has the catalogue's
const kReview: Page = { path: kReviewPath, title: 'Review' }; // and tags that can be written
const kNodes: Page = { path: '#/nodes', title: 'Nodes' };

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
  const { hash, left } = useHash();
  const endpoint = state.kind === 'open' ? state.endpoint : undefined;
  const serves = (service: string) => endpoint?.services().some(({ name }) => name === service);
  const hasStage = useLast(serves(Stage.watch.service));
  const hasCatalogue = useLast(serves(Catalogue.search.service));
  const hasLibrary = useLast(serves(Library.propose.service));
  const review = useReview(endpoint);
  const watched = useWatch(endpoint);
  const stage = useStream(hasStage === true ? endpoint : undefined, Stage.watch, {});
  const now = useNow(1000);
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
  const pages = [...(hasStage === false ? [] : [kStage]), ...(hasCatalogue ? [kCatalogue] : []), ...(hasLibrary ? [kReview] : []), kNodes];
  const { path } = routeOf(hash);
  // Before the first connection it is not known what is served: a page that is asked for by its name is waited for.
  const current = [...pages, kCatalogue, kReview].find((page) => page.path === path && (endpoint === undefined || pages.includes(page))) ?? (hasStage === false ? kNodes : kStage);
  const seen = current === kStage ? stage : watched;
  const trouble = staleness(state, seen, watched.at, Math.max(now, watched.at ?? 0));
  return (
    <Shell pages={pages} left={left} current={current} pulse={pulseOf()}>
      {current === kStage ? (
        <StagePage link={link} linkState={state} seen={stage} trouble={trouble} />
      ) : current === kCatalogue ? (
        <CataloguePage link={link} linkState={state} trouble={trouble} hash={hash} />
      ) : current === kReview ? (
        <ReviewPage link={link} linkState={state} trouble={trouble} hash={hash} review={review} />
      ) : (
        <NodesPage link={link} linkState={state} watched={watched} trouble={trouble} />
      )}
    </Shell>
  );

  function pulseOf(): Pulse {
    if (state.kind === 'open' && seen.state !== undefined && trouble === undefined) return 'live';
    return seen.state === undefined && state.kind !== 'waiting' ? 'connecting' : 'lost';
  }
}

/** The address bar's fragment, which names the page; and what it was for each page when that was left, by the page's path. */
function useHash(): { hash: string; left: ReadonlyMap<string, string> } {
  const [hash, setHash] = useState(location.hash);
  const left = useRef(new Map<string, string>());
  useEffect(() => {
    const changed = ({ oldURL }: HashChangeEvent) => {
      const old = new URL(oldURL).hash;
      left.current.set(routeOf(old).path, old);
      setHash(location.hash);
    };
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return { hash, left: left.current };
}

/** `value`, or the last there was while there is none. */
function useLast<T>(value: T | undefined): T | undefined {
  const last = useRef(value);
  if (value !== undefined) last.current = value;
  return last.current;
}
