import type { StageField, StageTrack } from '../gen/ghostlight/v1/stage';
import { Bar } from '../ui/bar';
import { Fact } from '../ui/fact';
import { count } from '../ui/format';
import { Waveform } from './waveform';

/** What the disc view knows of one track: its whole waveform, how it was grabbed, and why each field is what it is. */
export function TrackDetail({ track, share }: { track: StageTrack; share: number }) {
  return (
    <div class="track-detail">
      <Waveform peaks={track.peaks} share={share} bars={track.peaks.length || 200} step={4} height={96} label={`Waveform of track ${track.number}, in full`} />
      <dl class="facts">
        <Fact name="Sectors">
          {share < 1 && `${count(track.sectorsDone)} of `}
          {count(track.sectors)}
        </Fact>
        <Fact name="In doubt">{track.doubts === 0 ? 'none' : count(track.doubts)}</Fact>
        <Fact name="Bit for bit">{track.verified ? 'verified' : 'not yet'}</Fact>
        {track.crc32 !== 0 && (
          <Fact name="CRC32">
            <code>{track.crc32.toString(16).padStart(8, '0')}</code>
          </Fact>
        )}
        {track.file !== '' && (
          <Fact name="File">
            <code>{track.file}</code>
          </Fact>
        )}
      </dl>
      {track.fields.length === 0 ? <p class="nothing">Not described yet.</p> : <Fields track={track} />}
    </div>
  );
}

const kTitles = ['Field', 'Before', 'After', 'Sure', 'Why'];

function Fields({ track }: { track: StageTrack }) {
  return (
    <table role="table" class="table fields" aria-label={`Fields of track ${track.number}`}>
      <thead role="rowgroup">
        <tr role="row">
          {kTitles.map((title) => (
            <th key={title} role="columnheader" scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {track.fields.map((field, i) => (
          <FieldRow key={i} field={field} />
        ))}
      </tbody>
    </table>
  );
}

function FieldRow({ field: { field, before, after, confidence, reason } }: { field: StageField }) {
  const none = <span class="nothing">–</span>;
  return (
    <tr role="row">
      <th role="rowheader" scope="row">
        {field}
      </th>
      <td role="cell" data-label="Before">
        {before === '' ? none : before === after ? before : <s>{before}</s>}
      </td>
      <td role="cell" data-label="After">
        {after || none}
      </td>
      <td role="cell" data-label="Sure" class="sure">
        {Math.floor(confidence * 100)} % <Bar share={confidence} role="meter" label={`How sure ${field} is`} />
      </td>
      <td role="cell" data-label="Why">
        {reason || none}
      </td>
    </tr>
  );
}
