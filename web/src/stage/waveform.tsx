import { barHeights, barsPath } from './figures';

/**
 * Peaks as bars; what has been grabbed stands out from what has not.
 * @param share  of the track that has been grabbed, 0 … 1
 */
export function Waveform({ peaks, share, bars, step, height, label }: { peaks: Uint8Array; share: number; bars: number; step: number; height: number; label: string }) {
  const heights = barHeights(peaks, bars);
  const done = Math.round(bars * Math.min(1, share));
  const busy = share > 0 && share < 1;
  const meaning = busy ? { role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100, 'aria-valuenow': Math.round(share * 100) } as const : { role: 'img' } as const;
  return (
    <svg class="wave" viewBox={`0 0 ${bars * step} ${height}`} preserveAspectRatio="none" stroke-width={step * 0.6} aria-label={label} {...meaning}>
      <path class="wave-rest" d={barsPath(heights, done, bars, step, height)} />
      <path class="wave-done" d={barsPath(heights, 0, done, step, height)} />
    </svg>
  );
}
