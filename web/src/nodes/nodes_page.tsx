/** This node: its programs, their services and methods, and how they are called, live. */
import type { Link, LinkState } from '../b2/link';
import { Banner } from '../ui/banner';
import type { Staleness } from '../ui/staleness';
import { CallChart } from './call_chart';
import { MethodTable } from './method_table';
import { NodeHeader } from './node_header';
import { ProgramCard } from './program_card';
import { methodRows, programsOf } from './programs';
import type { Watched } from './use_watch';

export function NodesPage({ link, linkState, watched, trouble }: { link: Link; linkState: LinkState; watched: Watched; trouble: Staleness | undefined }) {
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
    <div class={live ? 'page node' : 'page node stale'}>
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
