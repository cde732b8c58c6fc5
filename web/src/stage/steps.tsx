import { StepState, type Step } from '../gen/ghostlight/v1/stage';
import { Bar } from '../ui/bar';
import { duration } from '../ui/format';
import { stepShare } from './figures';
import { stepLook } from './looks';

/** The five steps as one line from left to right, on a phone from top to bottom. @param lateMs  how old the state is */
export function Steps({ steps, lateMs }: { steps: readonly Step[]; lateMs: number }) {
  return (
    <ol class="steps" aria-label="Steps of the job">
      {steps.map((step, i) => (
        <StepItem key={step.name} step={step} place={i + 1} lateMs={lateMs} />
      ))}
    </ol>
  );
}

function StepItem({ step, place, lateMs }: { step: Step; place: number; lateMs: number }) {
  const look = stepLook(step.state);
  const running = step.state === StepState.running;
  const share = stepShare(step);
  const ms = step.seconds * 1000 + (running ? lateMs : 0);
  return (
    <li class={`step tone-${look.tone} step-${look.text}`} aria-current={running ? 'step' : undefined}>
      <span class="step-mark" aria-hidden="true">
        {look.sign || place}
      </span>
      <div class="step-name">
        <h2>{step.name}</h2>
        <span class="step-state">
          {look.text}
          {ms > 0 && `, ${ms < 9950 ? `${(ms / 1000).toFixed(1)} s` : duration(ms)}`}
          {running && share !== undefined && `, ${Math.floor(share * 100)} %`}
        </span>
      </div>
      {running && <Bar share={share ?? 0} label={`Progress of ${step.name}`} />}
      {step.detail !== '' && <p class="step-detail">{step.detail}</p>}
    </li>
  );
}
