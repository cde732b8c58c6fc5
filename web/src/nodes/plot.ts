/** Where the chart's lines and marks lie. Pure. */

/** Round values from 0 up to `top`, about `want` of them: steps of 1, 2 or 5 times a power of ten. */
export function valueTicks(top: number, want: number): number[] {
  const least = top / want;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * [1, 2, 5, 10].find((each) => each * power >= least * 0.999)!;
  return Array.from({ length: Math.floor(top / step + 1e-9) + 1 }, (_, i) => i * step);
}

const kTimeSteps = [5, 10, 15, 30, 60, 120, 300]; // seconds

/** Times within [start, end], in seconds, that fall on whole steps; at most `want`, unless the longest step makes more. */
export function timeTicks(start: number, end: number, want: number): number[] {
  const step = kTimeSteps.find((each) => (end - start) / each <= want) ?? kTimeSteps.at(-1)!;
  const ticks: number[] = [];
  for (let at = Math.ceil(start / step) * step; at <= end; at += step) ticks.push(at);
  return ticks;
}

export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly start: number; // of the time axis, seconds
  readonly end: number;
  readonly most: number; // at the top; the bottom is 0
}

export const xOf = ({ left, width, start, end }: Frame, at: number): number => left + ((at - start) / (end - start)) * width;
export const yOf = ({ top, height, most }: Frame, value: number): number => top + height - (value / most) * height;

/** A line through what is known; a gap where a value is null. Samples before the frame's start are left out. */
export function linePath(frame: Frame, times: readonly number[], values: readonly (number | null)[]): string {
  let path = '';
  let pen = false;
  times.forEach((at, i) => {
    const value = values[i] ?? null;
    const drawn = value !== null && at >= frame.start;
    if (drawn) path += `${pen ? 'L' : 'M'}${xOf(frame, at).toFixed(1)} ${yOf(frame, value).toFixed(1)}`;
    pen = drawn;
  });
  return path;
}
