/** What the Stage page works out from the job's state. Pure. */
import { StageReceiverState, StepState, type StagePort, type StageReceiver, type StageState, type StageTrack, type StageTransfer, type Step } from '../gen/ghostlight/v1/stage';

/** Of a step, 0 … 1; nothing while its size is not known. */
export const stepShare = ({ done, total }: Step): number | undefined => (total > 0n ? Math.min(1, Number(done) / Number(total)) : undefined);

/** Where the job stands, for those who hear it: "grab done, describe running". Changes only when a step does. */
export const standing = ({ steps }: StageState): string =>
  steps
    .filter(({ state }) => state !== StepState.waiting)
    .map(({ name, state }) => `${name} ${StepState[state] ?? ''}`)
    .join(', ');

/** The job stopped before its end and can go on. */
export const canResume = ({ job, state }: StageState): boolean => job > 0n && state === StepState.failed;

/** What a job is called: the disc's title, or else the last part of where it comes from. */
export const jobName = ({ title, source }: StageState): string => title || source.split('/').filter((part) => part !== '').at(-1) || 'A disc without a title';

/** "4:07", "1:02:11". */
export function trackLength(seconds: number): string {
  const s = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** "942 Mbit/s". */
export function bitRate(bits: number): string {
  const units = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s'];
  let unit = 0;
  for (; bits >= 1000 && unit < units.length - 1; bits /= 1000) ++unit;
  return `${bits < 10 && unit > 0 ? bits.toFixed(1) : Math.round(bits)} ${units[unit]}`;
}

/** How sure the least sure field is; nothing before the track is described. */
export const leastSure = ({ fields }: StageTrack): number | undefined => (fields.length === 0 ? undefined : Math.min(...fields.map(({ confidence }) => confidence)));

/** Heights of `bars` bars, 0 … 1: the loudest of what each stands for. Nothing known is silence. */
export function barHeights(peaks: Uint8Array, bars: number): number[] {
  return Array.from({ length: bars }, (_, i) => {
    const from = Math.floor((i * peaks.length) / bars);
    const to = Math.max(from + 1, Math.floor(((i + 1) * peaks.length) / bars));
    return peaks.subarray(from, to).reduce((most, peak) => Math.max(most, peak), 0) / 255;
  });
}

/** One upright line for each bar from `first` on, in a box `height` high, `step` apart. */
export function barsPath(heights: readonly number[], first: number, last: number, step: number, height: number): string {
  let path = '';
  for (let i = first; i < last; ++i) {
    const half = Math.max(0.5, (heights[i]! * (height - 2)) / 2);
    path += `M${(i + 0.5) * step} ${(height / 2 - half).toFixed(1)}v${(2 * half).toFixed(1)}`;
  }
  return path;
}

/** Bytes on the wire for a byte of the files; nothing before any has been sent. */
export function wirePerByte({ wireBytes, bytes, share }: StageTransfer): number | undefined {
  const sent = Number(bytes) * Math.min(1, share);
  return sent > 0 ? Number(wireBytes) / sent : undefined;
}

/** Of the packets sent, those that were repair, 0 … 1. */
export const repairShare = ({ repairSymbols, sentPackets }: StageTransfer): number => (sentPackets > 0n ? Number(repairSymbols) / Number(sentPackets) : 0);

export function countReceivers(receivers: readonly StageReceiver[]): ReadonlyMap<StageReceiverState, number> {
  const counts = new Map<StageReceiverState, number>();
  for (const { state } of receivers) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}

const kWorst = ['alert', 'warn', 'notice', 'unknown', 'ok'];
const badness = ({ verdict }: StagePort): number => (kWorst.indexOf(verdict) + kWorst.length + 1) % (kWorst.length + 1); // what is not in the list comes last

/** Ours first, by number; then the others, the worst first. */
export function sortPorts(ports: readonly StagePort[]): StagePort[] {
  const place = (a: StagePort, b: StagePort) => a.port - b.port || a.protocol.localeCompare(b.protocol, 'en') || a.netns.localeCompare(b.netns, 'en') || a.address.localeCompare(b.address, 'en');
  return [...ports].sort((a, b) => Number(b.ours) - Number(a.ours) || (a.ours ? 0 : badness(a) - badness(b)) || place(a, b));
}

/** Listeners that differ in place and owner only; the first stands for all. */
export function groupPorts(sorted: readonly StagePort[]): StagePort[][] {
  const groups = new Map<string, StagePort[]>();
  for (const port of sorted) {
    const key = [port.port, port.protocol, port.registered, port.identity, port.status, port.verdict, port.ours].join('\n');
    const group = groups.get(key);
    if (group) group.push(port);
    else groups.set(key, [port]);
  }
  return [...groups.values()];
}

/** Where an arrow key leads from cell `at` in rows of `columns`; nothing when it leads nowhere. */
export function cellAfter(key: string, at: number, count: number, columns: number): number | undefined {
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns, ArrowDown: at + columns, Home: 0, End: count - 1 }[key];
  return to === undefined || to < 0 || to >= count ? undefined : to;
}
