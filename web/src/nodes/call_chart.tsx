import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { rate } from '../ui/format';
import { colour, useColours } from '../ui/theme';
import { columnsOf, linesOf, valueOf, type Line } from './lines';
import { kHistoryMs, type Rates, type Sample } from './rates';

const kHeight = 190; // CSS pixels
const kLeastSpan = 60; // seconds; the axis grows from it to the whole history as that fills

function optionsFor(lines: readonly Line[], width: number): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: colour('muted'),
    font: '12px system-ui, sans-serif',
    grid: { stroke: colour('grid'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: kHeight,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 30, 0, 0],
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, (max ?? 0) * 1.1)] }, x: { time: true } },
    axes: [
      { ...axis, size: 28, space: 80, values: (_plot, ticks) => ticks.map((at) => new Date(at * 1000).toTimeString().slice(0, 8)) },
      { ...axis, size: 44, space: 36, values: (_plot, ticks) => ticks.map((value) => (value === 0 ? '0' : rate(value))) },
    ],
    series: [
      {},
      { stroke: colour('total'), fill: colour('total-fill'), width: 1.5, points: { show: false } },
      ...lines.map((line) => ({ stroke: colour(line.colour), width: 1.75, points: { show: false } })),
    ],
  };
}

function startOf(history: readonly Sample[], end: number): number {
  const held = end - (history[0]?.at ?? 0) / 1000;
  return end - Math.min(kHistoryMs / 1000, Math.max(kLeastSpan, held));
}

/** Calls a second over the last minutes, in total and by service. The figures beside it tell the same without seeing. */
export function CallChart({ rates, at }: { rates: Rates; at: number }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const colours = useColours();
  const lines = linesOf(rates.series());
  const shape = lines.map(({ key }) => key).join('\n');
  useEffect(() => {
    const made = new uPlot(optionsFor(lines, box.current!.clientWidth), [[]], box.current!);
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: box.current!.clientWidth, height: kHeight }));
    resized.observe(box.current!);
    return () => {
      resized.disconnect();
      made.destroy();
    };
  }, [shape, colours]);
  const history = rates.history();
  useEffect(() => {
    const end = (history.at(-1)?.at ?? at) / 1000;
    plot.current?.batch(() => {
      plot.current!.setData(columnsOf(lines, history), false);
      plot.current!.setScale('x', { min: startOf(history, end), max: end });
    });
  }, [at, shape, colours, history.length]);
  const last = history.at(-1);
  const total = last?.total ?? undefined;
  return (
    <section class="chart" aria-labelledby="chart-title">
      <div class="section-head">
        <h2 id="chart-title">Calls per second</h2>
        <span class="section-note">up to the last 5 minutes</span>
      </div>
      <div class="chart-body">
        <div class="plot" ref={box} role="img" aria-label={`Calls per second over the last five minutes; at last ${total === undefined ? 'unknown' : rate(total)}`} />
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
