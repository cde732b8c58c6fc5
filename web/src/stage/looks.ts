/** States as words, signs and tones: what colour tells is told by shape as well. */
import { StageReceiverState, StepState } from '../gen/ghostlight/v1/stage';
import type { Look, Tone } from '../ui/chip';

const look = (text: string, sign: string, tone: Tone): Look => ({ text, sign, tone });
const kUnknown = look('unknown', '?', 'none');

const kSteps: Readonly<Record<number, Look>> = {
  [StepState.waiting]: look('waiting', '', 'none'),
  [StepState.running]: look('running', '', 'busy'),
  [StepState.done]: look('done', '✓', 'good'),
  [StepState.failed]: look('failed', '!', 'bad'),
  [StepState.skipped]: look('skipped', '–', 'none'),
};
const kReceivers: Readonly<Record<number, Look>> = {
  [StageReceiverState.waiting]: look('waiting', '·', 'none'),
  [StageReceiverState.receiving]: look('receiving', '↓', 'busy'),
  [StageReceiverState.verified]: look('verified', '✓', 'good'),
  [StageReceiverState.missing]: look('missing', '!', 'bad'),
};
const kVerdicts: Readonly<Record<string, Look>> = {
  ok: look('ok', '✓', 'good'),
  notice: look('notice', 'i', 'busy'),
  warn: look('warn', '▲', 'warn'),
  alert: look('alert', '!', 'bad'),
};
const kBands: Readonly<Record<string, Look>> = {
  apply: look('named', '✓', 'good'),
  review: look('to review', '?', 'warn'),
  leave: look('kept', '–', 'none'),
};

export const stepLook = (state: StepState): Look => kSteps[state] ?? kUnknown;
export const receiverLook = (state: StageReceiverState): Look => kReceivers[state] ?? kUnknown;
export const verdictLook = (verdict: string): Look => (Object.hasOwn(kVerdicts, verdict) ? kVerdicts[verdict]! : { ...kUnknown, text: verdict || 'unknown' });
export const bandLook = (band: string): Look | undefined => (Object.hasOwn(kBands, band) ? kBands[band] : undefined);
