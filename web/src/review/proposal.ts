/** What the Review page works out of a proposal. Pure. */
import { Band } from '../gen/ariascribe/v1/catalogue';
import type { TrackProposal } from '../gen/ariascribe/v1/library';

/** apply, review: would be written. same: as it should be already. leave: too little to go by. broken: cannot be read. */
export type Kind = 'apply' | 'review' | 'same' | 'leave' | 'broken';
export const kKinds: readonly Kind[] = ['apply', 'review', 'broken', 'leave', 'same'];

export function kindOf({ problem, identification, changes }: TrackProposal): Kind {
  if (problem !== '') return 'broken';
  const band = identification?.band;
  if (band !== Band.apply && band !== Band.review) return 'leave';
  if (changes.length === 0) return 'same';
  return band === Band.apply ? 'apply' : 'review';
}

export function groupsOf(tracks: readonly TrackProposal[]): ReadonlyMap<Kind, TrackProposal[]> {
  const groups = new Map<Kind, TrackProposal[]>(kKinds.map((kind) => [kind, []]));
  for (const track of tracks) groups.get(kindOf(track))!.push(track);
  return groups;
}

export const tagsIn = (tracks: readonly TrackProposal[]): number => tracks.reduce((sum, { changes }) => sum + changes.length, 0);

/** A file's place below `folder`; all of it when it is elsewhere. */
export function placeIn(folder: string, path: string): string {
  const from = folder.endsWith('/') ? folder : `${folder}/`;
  return path.startsWith(from) && path.length > from.length ? path.slice(from.length) : path;
}

/** Why a file was not read, without its name, which stands beside it. */
export const problemOf = ({ path, problem }: TrackProposal): string => (problem.startsWith(`${path}: `) ? problem.slice(path.length + 2) : problem);

/** Of the tags that would be written; where none would, of the fields that were found; nothing where there are neither. */
export function leastSure({ changes, identification }: TrackProposal): number | undefined {
  const told = changes.length > 0 ? changes : (identification?.reasons ?? []);
  return told.length === 0 ? undefined : Math.min(...told.map(({ confidence }) => confidence));
}

/** Why a folder cannot be asked for, or "". */
export function wrongPath(path: string): string {
  if (path === '') return 'Give the path of a folder or a file.';
  if (!path.startsWith('/')) return `“${path}” is not a whole path: it has to begin with “/”.`;
  return '';
}
