/** Which lines the chart draws. Pure. */
import type { Sample, Series } from './rates';

const kLines = 7; // colours that can be told apart; what is beyond is summed up in one more line

export interface Line {
  readonly key: string;
  readonly series: readonly Series[];
  readonly colour: string; // custom property
}

/** A line for each series, in the order they came, so that none changes its colour; the last gathers those beyond kLines. */
export function linesOf(series: readonly Series[]): Line[] {
  const own = series.length <= kLines + 1 ? series : series.slice(0, kLines);
  const lines: Line[] = own.map((each, i) => ({ key: each.key, series: [each], colour: `line-${i + 1}` }));
  const others = series.slice(own.length);
  if (others.length > 0) lines.push({ key: 'others', series: others, colour: `line-${kLines + 1}` });
  return lines;
}

export function valueOf(line: Line, sample: Sample): number | null {
  if (sample.total === null) return null;
  return line.series.reduce((sum, { key }) => sum + (sample.of.get(key) ?? 0), 0);
}

/** The chart's columns: times in seconds, the total, then each line. */
export function columnsOf(lines: readonly Line[], samples: readonly Sample[]): [number[], ...(number | null)[][]] {
  return [samples.map(({ at }) => at / 1000), samples.map(({ total }) => total), ...lines.map((line) => samples.map((sample) => valueOf(line, sample)))];
}
