/** This node: its programs, their services and methods, and how they are called, live. */
import type { Link, LinkState } from '../b2/link';
import { Banner, type Staleness } from '../ui/banner';
import { duration } from '../ui/format';
import { useNow } from '../ui/hooks';
import { CallChart } from './call_chart';
import { MethodTable } from './method_table';
import { NodeHeader } from './node_header';
import { ProgramCard } from './program_card';
import { methodRows, programsOf } from './programs';
import type { Watched } from './use_watch';

const kQuietMs = 4000; // four times the interval asked for

/** Why what is shown is not live, or nothing when it is. */
export function staleness(link: LinkState, watched: Watched, now: number): Staleness | undefined {
  if (link.kind === 'waiting') return { headline: link.reason, detail: '' };
  if (link.kind === 'connecting') return watched.state === undefined ? undefined : { headline: 'The connection to the server was lost.', detail: '' };
  if (link.kind !== 'open') return { headline: 'Not connected.', detail: '' };
  if (watched.failure !== undefined) return { headline: 'The server does not tell its state.', detail: watched.failure };
  if (watched.at !== undefined && now - watched.at > kQuietMs) return { headline: `Nothing new has come for ${duration(now - watched.at)}.`, detail: '' };
  return undefined;
}

export function NodesPage({ link, linkState, watched }: { link: Link; linkState: LinkState; watched: Watched }) {
  const now = useNow(1000);
  const trouble = staleness(linkState, watched, Math.max(now, watched.at ?? 0));
  const { state, rates } = watched;
  return (
    <>
      <Banner link={link} state={linkState} trouble={trouble} asOf={trouble === undefined ? undefined : watched.at} />
      {state === undefined ? (
        <p class="waiting-first">{trouble === undefined ? 'Connecting to the node…' : 'Nothing is known of the node yet.'}</p>
      ) : (
        <NodeView watched={{ ...watched, state }} live={trouble === undefined} link={linkState} rates={rates} />
      )}
    </>
  );
}

function NodeView({ watched, live, link, rates }: { watched: Watched & { state: NonNullable<Watched['state']> }; live: boolean; link: LinkState; rates: Watched['rates'] }) {
  const { state } = watched;
  const programs = programsOf(state);
  const endpoint = link.kind === 'open' ? link.endpoint : undefined;
  return (
    <div class={live ? 'node' : 'node stale'}>
      <NodeHeader state={state} programs={programs} perSecond={rates.history().at(-1)?.total ?? undefined} />
      <CallChart rates={rates} at={watched.at ?? 0} />
      <section class="programs" aria-labelledby="programs-title">
        <h2 id="programs-title">Programs</h2>
        <ul class="program-list">
          {programs.map((program) => (
            <ProgramCard key={program.key} program={program} endpoint={live ? endpoint : undefined} />
          ))}
        </ul>
      </section>
      <MethodTable rows={methodRows(programs, rates)} />
    </div>
  );
}
