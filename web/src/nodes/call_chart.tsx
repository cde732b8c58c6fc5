import { useEffect, useRef, useState } from 'preact/hooks';
import { clock, rate } from '../ui/format';
import { columnsOf, linesOf, valueOf, type Line } from './lines';
import { linePath, timeTicks, valueTicks, xOf, yOf, type Frame } from './plot';
import { kHistoryMs, type Rates, type Sample } from './rates';

const kHeight = 190; // CSS pixels
const kLeastSpan = 60; // seconds; the axis grows from it to the whole history as that fills
const kLabelRoom = 90; // pixels a time takes below the axis
const kLineRoom = 36; // pixels between two values of the axis

function startOf(history: readonly Sample[], end: number): number {
  const held = history.length === 0 ? 0 : end - history[0]!.at / 1000;
  return end - Math.min(kHistoryMs / 1000, Math.max(kLeastSpan, held));
}

/** Calls a second over the last minutes, in total and by service. The figures beside it tell the same without seeing. */
export function CallChart({ rates, at }: { rates: Rates; at: number }) {
  const lines = linesOf(rates.series());
  const history = rates.history();
  const last = history.at(-1);
  const total = last?.total ?? undefined;
  const end = (last?.at ?? at) / 1000;
  return (
    <section class="card chart" aria-labelledby="chart-title">
      <div class="section-head">
        <h2 id="chart-title">Calls per second</h2>
        <span class="section-note">up to the last 5 minutes</span>
      </div>
      <div class="chart-body">
        <Plot lines={lines} history={history} start={startOf(history, end)} end={end} label={`Calls per second over the last five minutes; at last ${total === undefined ? 'unknown' : rate(total)}`} />
        <ul class="legend" aria-label="Calls per second by service">
          <li>
            <span class="swatch swatch-total" aria-hidden="true" />
            <span class="legend-name">all</span>
            <span class="legend-value">{total === undefined ? '–' : rate(total)}</span>
          </li>
          {lines.map((line) => (
            <li key={line.key}>
              <span class={`swatch swatch-${line.colour}`} aria-hidden="true" />
              <LegendName line={line} />
              <span class="legend-value">{last === undefined || last.total === null ? '–' : rate(valueOf(line, last) ?? 0)}</span>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

function LegendName({ line }: { line: Line }) {
  const [first] = line.series;
  if (line.series.length !== 1 || first === undefined) return <span class="legend-name">{line.series.length} others</span>;
  return (
    <span class="legend-name">
      {first.program} <span class="legend-service">{first.service}</span>
    </span>
  );
}

interface PlotProps {
  readonly lines: readonly Line[];
  readonly history: readonly Sample[];
  readonly start: number; // seconds
  readonly end: number;
  readonly label: string;
}

function Plot({ lines, history, start, end, label }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current!;
    const resized = new ResizeObserver(() => setWidth(element.clientWidth));
    resized.observe(element);
    return () => resized.disconnect();
  }, []);
  const [times, totals, ...columns] = columnsOf(lines, history);
  const most = Math.max(1, ...(totals ?? []).map((value) => value ?? 0)) * 1.1;
  const frame: Frame = { left: 44, top: 8, width: Math.max(1, width - 44 - 30), height: kHeight - 8 - 26, start, end, most };
  const bottom = frame.top + frame.height;
  const whole = linePath(frame, times, totals ?? []);
  return (
    <div class="plot" ref={box} role="img" aria-label={label}>
      {width > 0 && (
        <svg width={width} height={kHeight} aria-hidden="true">
          {valueTicks(most, frame.height / kLineRoom).map((value) => (
            <g key={value}>
              <path class="plot-grid" d={`M${frame.left} ${Math.round(yOf(frame, value)) + 0.5}h${frame.width}`} />
              <text class="plot-value" x={frame.left - 8} y={yOf(frame, value) + 4}>
                {rate(value)}
              </text>
            </g>
          ))}
          {timeTicks(start, end, frame.width / kLabelRoom).map((at) => (
            <text key={at} class="plot-time" x={xOf(frame, at)} y={kHeight - 7}>
              {clock(at * 1000)}
            </text>
          ))}
          {areas(whole, bottom).map((area) => (
            <path key={area} class="plot-fill" d={area} />
          ))}
          <path class="plot-line plot-total" d={whole} />
          {lines.map((line, i) => (
            <path key={line.key} class={`plot-line plot-${line.colour}`} d={linePath(frame, times, columns[i] ?? [])} />
          ))}
        </svg>
      )}
    </div>
  );
}

/** What lies between each unbroken part of a line and the axis at `bottom`. */
const areas = (path: string, bottom: number): string[] =>
  path
    .split('M')
    .filter((part) => part !== '')
    .map((part) => `M${part.split(' ')[0]} ${bottom}L${part}V${bottom}z`);
