/** A folder under review: what is proposed for it, what was written, what was taken back. Stays while other pages are looked at. */
import { useState } from 'preact/hooks';
import type { Endpoint } from '../b2/endpoint';
import { Library, type Proposal, type TrackProposal } from '../gen/ariascribe/v1/library';
import { groupsOf, sameWriting } from './proposal';

const kReadMs = 120_000; // a large library on a slow disk
const kWriteMs = 600_000;

export interface Written {
  readonly commit: string;
  readonly files: number;
  readonly wanted: number; // files that were to be written: those above `files` were passed by
  readonly at: number; // Date.now()
  readonly undone?: number; // files that were put back
}

interface State {
  readonly folder: string; // that the proposal is for; "" before the first
  readonly proposal: Proposal | undefined;
  readonly busy: '' | 'reading' | 'writing' | 'undoing';
  readonly failure: string; // why the last thing asked for was not done
  readonly written: readonly Written[]; // from this page, the newest first
}

export interface Review extends State {
  look(folder: string): void;
  /** Writes what is shown: of the band "apply", and of "review" too where asked. Rejects with why not. */
  apply(reach: 'apply' | 'both'): Promise<void>;
  /** Writes what is shown of one file, provided that it is the same without the album around it. */
  applyOne(track: TrackProposal): Promise<void>;
  undo(commit: string): void;
}

/** @param endpoint  nothing while there is none to ask */
export function useReview(endpoint: Endpoint | undefined): Review {
  const [state, setState] = useState<State>({ folder: '', proposal: undefined, busy: '', failure: '', written: [] });
  const change = (changed: Partial<State>) => setState((before) => ({ ...before, ...changed }));
  const { folder, proposal } = state;

  const propose = (paths: readonly string[], withReview: boolean) => asked().call(Library.propose, { paths, withReview }, { timeoutMs: kReadMs });
  const asked = (): Endpoint => {
    if (endpoint === undefined) throw new Error('there is no connection to the server');
    return endpoint;
  };
  /** What stands in the files after something was done to them; what failed before stays told. */
  const lookAgain = async () => {
    try {
      change({ proposal: await propose([folder], true) });
    } catch (error) {
      change({ proposal: undefined, failure: `The folder cannot be read again: ${(error as Error).message}` });
    }
  };
  const doing = async (busy: State['busy'], act: () => Promise<void>) => {
    change({ busy, failure: '' });
    try {
      await act();
    } catch (error) {
      change({ failure: (error as Error).message });
      throw error;
    } finally {
      change({ busy: '' });
    }
  };
  const write = async (id: string, wanted: number) => {
    try {
      const { commit, files } = await asked().call(Library.commit, { proposal: id }, { timeoutMs: kWriteMs });
      setState((before) => ({ ...before, written: [{ commit, files, wanted, at: Date.now() }, ...before.written] }));
    } catch (error) {
      if (endpoint?.isOpen) throw error;
      throw new Error('the connection was lost while it was written; the folder, looked at again, shows how far it came, and `ariascribe undo` takes it back');
    } finally {
      await lookAgain(); // a proposal that was tried is used up
    }
  };

  return {
    ...state,
    look: (wanted) =>
      void doing('reading', async () => {
        change({ folder: wanted, proposal: undefined });
        change({ proposal: await propose([wanted], true) });
      }).catch(() => undefined),
    apply: (reach) =>
      doing('writing', async () => {
        const groups = groupsOf(proposal?.tracks ?? []);
        const sure = groups.get('apply')!;
        if (reach === 'both') return write(proposal!.id, sure.length + groups.get('review')!.length);
        const fresh = await propose([folder], false);
        if (!sameWriting(fresh.tracks, sure)) {
          await lookAgain();
          throw new Error('the files have changed since they were shown, and nothing was written; they are shown as they are');
        }
        await write(fresh.id, sure.length);
      }),
    applyOne: (track) =>
      doing('writing', async () => {
        const alone = await propose([track.path], true);
        if (!sameWriting(alone.tracks, [track])) throw new Error('without its album this file would be given other tags, so nothing was written; apply the whole folder');
        await write(alone.id, 1);
      }),
    undo: (commit) =>
      void doing('undoing', async () => {
        const { files } = await asked().call(Library.undo, { commit }, { timeoutMs: kWriteMs });
        setState((before) => ({ ...before, written: before.written.map((each) => (each.commit === commit ? { ...each, undone: files } : each)) }));
        await lookAgain();
      }).catch(() => undefined),
  };
}
