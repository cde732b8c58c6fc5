import { useState } from 'preact/hooks';
import type { StageTrack } from '../gen/ghostlight/v1/stage';
import { Chip } from '../ui/chip';
import { count, percent } from '../ui/format';
import { catalogueName, keyName, movementName } from '../ui/music';
import { leastSure, trackLength } from './figures';
import { bandLook } from './looks';
import { TrackDetail } from './track_detail';
import { Waveform } from './waveform';

export function Tracks({ tracks }: { tracks: readonly StageTrack[] }) {
  const seconds = tracks.reduce((sum, track) => sum + track.seconds, 0);
  return (
    <section class="card tracks" aria-labelledby="tracks-title">
      <div class="section-head">
        <h2 id="tracks-title">Tracks</h2>
        <span class="section-note">
          {tracks.length} in {trackLength(seconds)}; open one for why it is called so
        </span>
      </div>
      <ol>
        {tracks.map((track) => (
          <Track key={track.number} track={track} />
        ))}
      </ol>
    </section>
  );
}

const grabbedShare = ({ sectors, sectorsDone }: StageTrack): number => (sectors > 0 ? Math.min(1, sectorsDone / sectors) : 0);

function Track({ track }: { track: StageTrack }) {
  const [open, setOpen] = useState(false);
  const share = grabbedShare(track);
  const busy = share > 0 && share < 1;
  return (
    <li>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary class="track">
          <span class="track-number">{track.number}</span>
          <Waveform peaks={track.peaks} share={share} bars={60} step={3} height={36} label={busy ? `Grabbing track ${track.number}` : `Waveform of track ${track.number}`} />
          <TrackName track={track} />
          <span class="track-side">
            <span class="track-length">{trackLength(track.seconds)}</span>
            <TrackMarks track={track} />
          </span>
        </summary>
        {open && <TrackDetail track={track} share={share} />}
      </details>
    </li>
  );
}

function TrackName({ track }: { track: StageTrack }) {
  const { titleBefore, title, composer, work, performers, band } = track;
  const movement = movementName(track);
  const changed = band !== '' && band !== 'leave';
  return (
    <span class="track-name">
      {changed && <span class="track-before">{titleBefore === '' ? 'no title on the disc' : band === 'apply' ? <s>{titleBefore}</s> : titleBefore}</span>}
      <span class="track-title">
        {changed && composer !== '' && <span class="track-composer">{composer}: </span>}
        <strong>{(changed && work) || title || titleBefore || `Track ${track.number}`}</strong>
      </span>
      {changed && (
        <span class="track-facts">
          {movement !== '' && <span class="track-movement">{movement}</span>}
          {track.key !== '' && <span class="tag">{keyName(track.key)}</span>}
          {track.catalogue.map((number) => (
            <span key={number} class="tag">
              {catalogueName(number)}
            </span>
          ))}
          {performers.map(({ name, role, instrument }) => (
            <span key={`${name} ${role}`} class="track-performer">
              {name}
              {(instrument || role) !== '' && `, ${instrument || role}`}
            </span>
          ))}
        </span>
      )}
    </span>
  );
}

function TrackMarks({ track }: { track: StageTrack }) {
  const look = bandLook(track.band);
  const sure = leastSure(track);
  return (
    <span class="track-marks">
      {look !== undefined && (
        <Chip look={look} hint="with how sure the least sure of its fields is">
          {sure !== undefined && ` ${percent(Math.floor(sure * 100)).replace('.0', '')}`}
        </Chip>
      )}
      {track.verified && <Chip look={{ text: 'bit for bit', sign: '✓', tone: 'good' }} hint="the file has the same samples as the disc" />}
      {track.doubts > 0 && <Chip look={{ text: `${count(track.doubts)} in doubt`, sign: '▲', tone: 'warn' }} hint="sectors that were not read alike often enough" />}
    </span>
  );
}
