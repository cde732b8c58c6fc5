/** The main job as it runs: disc, grabbed, described, distributed, verified, every port accounted for. */
import { useEffect } from 'preact/hooks';
import type { Endpoint } from '../b2/endpoint';
import type { Link, LinkState } from '../b2/link';
import { StepState, type StageState } from '../gen/ghostlight/v1/stage';
import { Banner } from '../ui/banner';
import { useNow } from '../ui/hooks';
import { Lamp } from '../ui/icons';
import type { Staleness } from '../ui/staleness';
import type { Streamed } from '../ui/use_stream';
import { standing, stepShare } from './figures';
import { Ports } from './ports';
import { StageHead } from './stage_head';
import { StartForm } from './start_form';
import { Steps } from './steps';
import { Tracks } from './tracks';
import { Transfer } from './transfer';

interface StagePageProps {
  readonly link: Link;
  readonly linkState: LinkState;
  readonly seen: Streamed<StageState>;
  readonly trouble: Staleness | undefined;
}

export function StagePage({ link, linkState, seen, trouble }: StagePageProps) {
  const { state, at } = seen;
  const endpoint = trouble === undefined && linkState.kind === 'open' ? linkState.endpoint : undefined;
  useTitle(trouble === undefined ? state : undefined);
  return (
    <>
      <Banner link={link} state={linkState} trouble={trouble} asOf={trouble === undefined ? undefined : at} />
      {state === undefined || at === undefined ? (
        <p class="waiting-first">{trouble === undefined ? 'Connecting to the stage…' : 'Nothing is known of the stage yet.'}</p>
      ) : (
        <div class={trouble === undefined ? 'page stage' : 'page stage stale'}>
          <p class="visually-hidden" aria-live="polite">
            {standing(state)}
          </p>
          {state.job === 0n ? <EmptyStage endpoint={endpoint} /> : <Job state={state} at={at} endpoint={endpoint} />}
        </div>
      )}
    </>
  );
}

function Job({ state, at, endpoint }: { state: StageState; at: number; endpoint: Endpoint | undefined }) {
  const ticks = state.state === StepState.running && endpoint !== undefined;
  const now = useNow(ticks ? 1000 : 0);
  const lateMs = ticks ? Math.max(0, now - at) : 0;
  return (
    <>
      <StageHead state={state} lateMs={lateMs} endpoint={endpoint} />
      <Steps steps={state.steps} lateMs={lateMs} />
      {state.tracks.length > 0 && <Tracks key={String(state.job)} tracks={state.tracks} />}
      {state.transfer !== undefined && <Transfer key={`transfer-${state.job}`} transfer={state.transfer} />}
      {(state.ports.length > 0 || state.unseen.length > 0) && <Ports ports={state.ports} unseen={state.unseen} />}
    </>
  );
}

function EmptyStage({ endpoint }: { endpoint: Endpoint | undefined }) {
  return (
    <section class="card empty-stage" aria-labelledby="empty-title">
      <Lamp size={72} />
      <h1 id="empty-title">The stage is empty</h1>
      <p>
        No job has run yet. One takes a disc, grabs it bit for bit, finds out what is on it, sends it to every receiver, has each sign for its copy, and accounts
        for every port.
      </p>
      <p>
        In a terminal: <code>ghostlight start FILE.cue</code>, or here:
      </p>
      <StartForm endpoint={endpoint} />
    </section>
  );
}

/** The tab tells how far it is, so that one can look at something else meanwhile. */
function useTitle(state: StageState | undefined): void {
  const step = state?.steps.find((each) => each.state === StepState.running);
  const share = step && stepShare(step);
  const doing = step === undefined ? '' : `${step.name}${share === undefined ? '' : ` ${Math.floor(share * 100)} %`} – `;
  useEffect(() => {
    document.title = `${doing}Ghostlight`;
    return () => void (document.title = 'Ghostlight');
  }, [doing]);
}
