/** Says that what is shown is not live, since when, and what happens next. */
import type { Link, LinkState } from '../b2/link';
import { clock, duration } from './format';
import { useNow } from './hooks';
import type { Staleness } from './staleness';

/** @param asOf  Date.now() of the last state, or nothing when none has come */
export function Banner({ link, state, trouble, asOf }: { link: Link; state: LinkState; trouble: Staleness | undefined; asOf: number | undefined }) {
  const waiting = state.kind === 'waiting';
  const now = useNow(trouble === undefined ? 0 : 250);
  const seconds = waiting ? Math.max(0, Math.ceil((state.until - now) / 1000)) : 0;
  return (
    <div class="banner-place">
      <div role="status" class="visually-hidden">
        {trouble === undefined ? '' : `${trouble.headline}. ${trouble.detail}`}
      </div>
      {trouble !== undefined && (
        <div class="banner">
          <p>
            <strong>{trouble.headline}</strong> <span>{trouble.detail}</span>{' '}
            {waiting && <span class="banner-next">Reconnecting{seconds > 0 ? ` in ${seconds} s` : ''}.</span>}
            {state.kind === 'connecting' && <span class="banner-next">Reconnecting.</span>}
            {asOf !== undefined && (
              <span class="banner-asof">
                {' '}
                Shown as of <time dateTime={new Date(asOf).toISOString()}>{clock(asOf)}</time>, {duration(Math.max(0, now - asOf))} ago.
              </span>
            )}
          </p>
          {waiting && (
            <button type="button" onClick={() => link.retryNow()}>
              Try again
            </button>
          )}
        </div>
      )}
    </div>
  );
}
