import { useState } from 'preact/hooks';
import type { Identification } from '../gen/ariascribe/v1/catalogue';
import type { TrackProposal } from '../gen/ariascribe/v1/library';
import { kCataloguePath } from '../catalogue/catalogue_page';
import { Chip, type Look } from '../ui/chip';
import { count } from '../ui/format';
import { catalogueName, keyName, movementName } from '../ui/music';
import { hashOf } from '../ui/route';
import { kindOf, leastSure, placeIn, problemOf, type Kind } from './proposal';
import { FoundTable, TagTable } from './tables';

const kShown = 100; // files of a kind, until more are asked for

interface KindLook extends Look {
  readonly title: string;
  readonly what: string;
}
const kLooks: Readonly<Record<Kind, KindLook>> = {
  apply: { title: 'Sure', what: 'right in practice nearly always', text: 'sure', sign: '✓', tone: 'good' },
  review: { title: 'To review', what: 'likely, and wants a look before it is written', text: 'to review', sign: '?', tone: 'warn' },
  broken: { title: 'Not read', what: 'these files stay as they are', text: 'not read', sign: '!', tone: 'bad' },
  leave: { title: 'Left', what: 'too little to go by; these files stay as they are', text: 'left', sign: '–', tone: 'none' },
  same: { title: 'Nothing to change', what: 'they say already what they are', text: 'nothing to change', sign: '=', tone: 'none' },
};

interface TracksProps {
  readonly kind: Kind;
  readonly tracks: readonly TrackProposal[];
  readonly folder: string;
  readonly applyOne: ((track: TrackProposal) => Promise<void>) | undefined;
}

/** The files of one kind; each opens to its reasons and its tags. */
export function Tracks({ kind, tracks, folder, applyOne }: TracksProps) {
  const [shown, setShown] = useState(kShown);
  if (tracks.length === 0) return null;
  const { title, what } = kLooks[kind];
  return (
    <section class="card proposed" aria-labelledby={`kind-${kind}`}>
      <div class="section-head">
        <h2 id={`kind-${kind}`}>{title}</h2>
        <span class="section-note">
          {tracks.length === 1 ? '1 file' : `${count(tracks.length)} files`}; {what}
        </span>
      </div>
      <ol>
        {tracks.slice(0, shown).map((track) => (
          <li key={track.path}>{kind === 'broken' ? <Broken track={track} folder={folder} /> : <Track track={track} folder={folder} applyOne={applyOne} />}</li>
        ))}
      </ol>
      {tracks.length > shown && (
        <button type="button" onClick={() => setShown(shown + 5 * kShown)}>
          Show more of the {count(tracks.length - shown)} others
        </button>
      )}
    </section>
  );
}

function Broken({ track, folder }: { track: TrackProposal; folder: string }) {
  return (
    <p class="proposed-broken">
      <bdi class="path">{placeIn(folder, track.path)}</bdi> <bdi>{problemOf(track)}</bdi>
    </p>
  );
}

function Track({ track, folder, applyOne }: { track: TrackProposal; folder: string; applyOne: TracksProps['applyOne'] }) {
  const [open, setOpen] = useState(false);
  const kind = kindOf(track);
  const sure = leastSure(track);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class="proposed-track">
        <span class="proposed-name">
          <span class="proposed-before">
            <bdi class="path">{placeIn(folder, track.path)}</bdi> {track.titleBefore !== '' && <bdi>{kind === 'apply' ? <s>{track.titleBefore}</s> : track.titleBefore}</bdi>}
          </span>
          <Found found={track.identification} />
        </span>
        <span class="proposed-marks">
          {track.changes.length > 0 && <span class="proposed-count">{track.changes.length === 1 ? '1 tag' : `${track.changes.length} tags`}</span>}
          <Chip look={kLooks[kind]} hint={track.changes.length > 0 ? 'with how sure the least sure of its tags is' : 'with how sure the least sure of its fields is'}>
            {sure !== undefined && ` ${Math.floor(sure * 100)} %`}
          </Chip>
        </span>
      </summary>
      {open && <Detail track={track} kind={kind} applyOne={applyOne} />}
    </details>
  );
}

function Found({ found }: { found: Identification | undefined }) {
  if (found === undefined || (found.composer === '' && found.work === '')) return <span class="proposed-found nothing">not recognised</span>;
  const movement = movementName(found);
  return (
    <span class="proposed-found">
      {found.composer !== '' && <bdi>{found.composer}: </bdi>}
      <strong>
        <bdi>{found.work || 'a work that is not known'}</bdi>
      </strong>{' '}
      {movement !== '' && <bdi>{movement}</bdi>} {found.key !== '' && <bdi class="tag">{keyName(found.key)}</bdi>}{' '}
      {found.catalogue.map((number) => (
        <bdi key={number} class="tag">
          {catalogueName(number)}
        </bdi>
      ))}
    </span>
  );
}

function Detail({ track, kind, applyOne }: { track: TrackProposal; kind: Kind; applyOne: TracksProps['applyOne'] }) {
  const [failed, setFailed] = useState('');
  const writable = kind === 'apply' || kind === 'review';
  const workId = track.identification?.workId ?? '';
  const write = () => {
    setFailed('');
    applyOne!(track).catch((error: Error) => setFailed(error.message));
  };
  return (
    <div class="proposed-detail">
      {track.changes.length > 0 && <TagTable changes={track.changes} of={track.path} />}
      {track.identification !== undefined && track.identification.reasons.length > 0 && <FoundTable found={track.identification} of={track.path} />}
      <div class="proposed-acts">
        {writable && (
          <button type="button" disabled={applyOne === undefined} onClick={write}>
            Apply to this file
          </button>
        )}
        {workId !== '' && <a href={hashOf(kCataloguePath, { work: workId })}>The work in the catalogue</a>}
      </div>
      {failed !== '' && (
        <p class="form-wrong">
          <bdi>{failed}</bdi>
        </p>
      )}
    </div>
  );
}
