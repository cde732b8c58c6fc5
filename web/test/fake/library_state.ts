/** A folder of music files as Ariascribe sees it: what it would write into their tags, and what it did. */
import type { IncomingCall } from '../../src/b2/endpoint';
import { Status } from '../../src/b2/status';
import { Band, type Identification } from '../../src/gen/ariascribe/v1/catalogue';
import {
  decodeCommitRequest, decodeProposeRequest, decodeUndoRequest, encodeCommitResponse, encodeProposal, encodeUndoResponse, type CommitRequest, type Proposal, type ProposeRequest, type TagChange, type TrackProposal,
} from '../../src/gen/ariascribe/v1/library';
import { kStrange } from './catalogue_state';
import { fieldsOf, kDisc, kPianist, type FakeTrack } from './stage_disc';

export const kLibraryMethods = ['Propose', 'Commit', 'Undo'];
const kPropose = 0, kCommit = 1;
export const kFolder = '/srv/music/recital';

const kBands: Readonly<Record<string, Band>> = { review: Band.review, leave: Band.leave };

function identified(track: FakeTrack): Identification {
  const reasons = fieldsOf(track).map(({ field, confidence, reason }) => ({ field, confidence, reason }));
  return {
    composer: track.composer, arranger: '', work: track.work, catalogue: track.catalogue === '' ? [] : [track.catalogue], key: track.key, movementNo: track.movementNo, movement: track.movement,
    movementCount: track.movementNo === 0 ? 0 : 3, performers: track.composer === '' ? [] : [kPianist], band: kBands[track.band ?? ''] ?? Band.apply, reasons,
    workId: track.catalogue === 'op:27/2' ? 'beethoven/op-27-2' : '',
  };
}

function changesOf(track: FakeTrack): TagChange[] {
  const sure = track.sure ?? 0.98;
  const change = (tag: string, before: string, after: string, reason: string): TagChange => ({ tag, before: before === '' ? [] : [before], after: [after], confidence: sure, reason });
  const title = track.movement === '' ? track.work : `${track.work}: ${track.movement}`;
  return [
    ...(track.before === '' ? [] : [change('ORIGINALTITLE', '', track.before, 'what the title was')]),
    change('TITLE', track.before, title, 'work and movement'),
    change('COMPOSER', '', track.composer, `who wrote ${track.work}`),
    change('WORK', '', track.work, 'The catalogue number stands in the title; one work of 2,104 has it'),
  ];
}

export class FakeLibrary {
  /** Why every call fails, while it is not "". */
  failure = '';
  /** Why Commit, or Undo, fails, while it is not "". */
  commitFailure = '';
  undoFailure = '';
  /** Files whose format cannot hold what is to be written. */
  readonly passedBy = new Set<string>();
  /** What a program changed behind our back is in every title from here on. */
  titleSuffix = '';
  tracks: readonly FakeTrack[] = kDisc;
  /** Paths that were asked for, in the order they came. */
  readonly asked: (readonly string[])[] = [];
  readonly written = new Set<string>();
  private readonly proposals = new Map<string, Proposal>();
  private readonly commits = new Map<string, string[]>();

  answer(call: IncomingCall, method: number): void {
    if (this.failure !== '') return call.fail(Status.refused, this.failure);
    if (method === kPropose) return this.propose(call, decodeProposeRequest(call.request));
    if (method === kCommit) return this.commit(call, decodeCommitRequest(call.request));
    const { commit } = decodeUndoRequest(call.request);
    const files = this.commits.get(commit);
    if (this.undoFailure !== '') return call.fail(Status.conflict, this.undoFailure);
    if (files === undefined) return call.fail(Status.notFound, `there is no commit '${commit}'`);
    for (const path of files) this.written.delete(path);
    call.finish(encodeUndoResponse({ files: files.length }));
  }

  private propose(call: IncomingCall, { paths, withReview }: ProposeRequest): void {
    this.asked.push(paths);
    const [asked = ''] = paths;
    const all = [...this.tracks.map((track, i) => this.proposed(track, i, withReview)), this.broken()];
    const tracks = all.filter(({ path }) => path === asked || path.startsWith(`${asked.replace(/\/$/, '')}/`));
    if (tracks.length === 0 && asked !== '/srv/empty') return call.fail(Status.notFound, `${asked}: No such file or directory`);
    const proposal = { id: `proposal-${this.proposals.size + 1}`, tracks };
    this.proposals.set(proposal.id, proposal);
    call.finish(encodeProposal(proposal));
  }

  private proposed(track: FakeTrack, i: number, withReview: boolean): TrackProposal {
    const path = `${kFolder}/${String(i + 1).padStart(2, '0')}.flac`;
    const before = track.before === '' ? '' : track.before + this.titleSuffix;
    const wanted = !this.written.has(path) && (track.band === undefined || (track.band === 'review' && withReview));
    return { path, identification: identified(track), changes: wanted ? changesOf({ ...track, before }) : [], titleBefore: before, problem: '' };
  }

  private broken(): TrackProposal {
    return { path: `${kFolder}/cover ${kStrange.replaceAll('/', '|')}.flac`, identification: undefined, changes: [], titleBefore: '', problem: 'its FLAC header is cut off at byte 42: copy the file again' };
  }

  private commit(call: IncomingCall, { proposal: id, paths }: CommitRequest): void {
    const tracks = this.proposals.get(id)?.tracks ?? [];
    const wanted = paths.length === 0 ? tracks : tracks.filter(({ path }) => paths.includes(path));
    this.proposals.set(id, { id, tracks: tracks.filter((track) => !wanted.includes(track)) });
    if (this.commitFailure !== '') return call.fail(Status.conflict, this.commitFailure);
    const changed = wanted.find(({ titleBefore }) => titleBefore !== '' && !titleBefore.endsWith(this.titleSuffix));
    if (changed !== undefined) return call.fail(Status.conflict, `${changed.path}: the file has changed since its tags were read; propose again`);
    const writable = wanted.filter(({ changes }) => changes.length > 0);
    const files = writable.filter(({ path }) => !this.passedBy.has(path));
    const skipped = writable.filter(({ path }) => this.passedBy.has(path)).map(({ path }) => ({ path, reason: 'an MP4 in fragments has no room for these tags' }));
    const commit = `20261122-03000${this.commits.size}-4f2a`;
    this.commits.set(commit, files.map(({ path }) => path));
    for (const { path } of files) this.written.add(path);
    call.finish(encodeCommitResponse({ commit, files: files.length, tags: files.reduce((sum, { changes }) => sum + changes.length, 0), skipped }));
  }
}
