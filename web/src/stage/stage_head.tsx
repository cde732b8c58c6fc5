import { useState } from 'preact/hooks';
import type { Endpoint } from '../b2/endpoint';
import { Stage, StepState, type StageState } from '../gen/ghostlight/v1/stage';
import { AskButton } from '../ui/ask_button';
import { Chip } from '../ui/chip';
import { Fact } from '../ui/fact';
import { duration } from '../ui/format';
import { canResume, jobName } from './figures';
import { stepLook } from './looks';
import { StartForm } from './start_form';

const kTimeoutMs = 15_000;

/** Which disc, how far, and what can be done about it. @param endpoint  nothing while not live */
export function StageHead({ state, lateMs, endpoint }: { state: StageState; lateMs: number; endpoint: Endpoint | undefined }) {
  const running = state.state === StepState.running;
  return (
    <section class={`card stage-head${running ? ' lit' : ''}`} aria-labelledby="disc-title">
      <div>
        <p class="eyebrow">
          Job {String(state.job)} <Chip look={stepLook(state.state)} />
        </p>
        <h1 id="disc-title">{jobName(state)}</h1>
        {state.performer !== '' && <p class="performer">{state.performer}</p>}
      </div>
      <div class="stage-acts">
        <span class="elapsed">{duration(state.seconds * 1000 + (running ? lateMs : 0))}</span>
        {running && (
          <AskButton
            label="Cancel"
            title="Cancel the job"
            question="Cancel the job?"
            leave="Let it run"
            confirm="Cancel the job"
            running="Cancelling…"
            failed="It was not cancelled"
            act={endpoint && (() => endpoint.call(Stage.cancel, {}, { timeoutMs: kTimeoutMs }))}
          >
            What it has made so far stays where it is.
          </AskButton>
        )}
        {canResume(state) && <ResumeButton endpoint={endpoint} />}
      </div>
      {state.message !== '' && <p class={state.state === StepState.failed ? 'message message-bad' : 'message'}>{state.message}</p>}
      <dl class="facts">
        <Fact name="From">
          <code>{state.source}</code>
        </Fact>
        {state.into !== '' && (
          <Fact name="Into">
            <code>{state.into}</code>
          </Fact>
        )}
        {state.discId !== '' && (
          <Fact name="Disc id">
            <code>{state.discId}</code>
          </Fact>
        )}
      </dl>
      {!running && (
        <details class="another">
          <summary>Start another job</summary>
          <p>
            In a terminal: <code>ghostlight start FILE.cue</code>
          </p>
          <StartForm endpoint={endpoint} />
        </details>
      )}
    </section>
  );
}

function ResumeButton({ endpoint }: { endpoint: Endpoint | undefined }) {
  const [wrong, setWrong] = useState('');
  const resume = () => {
    setWrong('');
    endpoint?.call(Stage.resume, {}, { timeoutMs: kTimeoutMs }).catch((error: Error) => setWrong(error.message));
  };
  return (
    <>
      <button type="button" class="primary" disabled={endpoint === undefined} onClick={resume}>
        Resume
      </button>
      {wrong !== '' && (
        <p class="form-wrong" role="alert">
          It was not resumed: {wrong}
        </p>
      )}
    </>
  );
}
