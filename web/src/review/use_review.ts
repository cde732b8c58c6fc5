/** A folder under review: what is proposed for it, what was written, what was taken back. Stays while other pages are looked at. */
import { useState } from 'preact/hooks';
import type { Endpoint } from '../b2/endpoint';
import { Library, type Proposal, type SkippedFile, type TrackProposal } from '../gen/ariascribe/v1/library';
import { groupsOf } from './proposal';

const kReadMs = 120_000; // a large library on a slow disk
const kWriteMs = 600_000;

export interface Written {
  readonly commit: string;
  readonly files: number;
  readonly skipped: readonly SkippedFile[]; // that were to be written and were not
  readonly folder: string; // they were proposed for
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
  /** Writes what is shown of one file. */
  applyOne(track: TrackProposal): Promise<void>;
  undo(commit: string): void;
}

/** @param endpoint  nothing while there is none to ask */
export function useReview(endpoint: Endpoint | undefined): Review {
  const [state, setState] = useState<State>({ folder: '', proposal: undefined, busy: '', failure: '', written: [] });
  const change = (changed: Partial<State>) => setState((before) => ({ ...before, ...changed }));
  const { folder, proposal } = state;

  const propose = (path: string) => asked().call(Library.propose, { paths: [path], withReview: true }, { timeoutMs: kReadMs });
  const asked = (): Endpoint => {
    if (endpoint === undefined) throw new Error('there is no connection to the server');
    return endpoint;
  };
  /** What stands in the files after something was done to them; what failed before stays told. */
  const lookAgain = async () => {
    try {
      change({ proposal: await propose(folder) });
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
  /** Of the proposal that is shown; a file that changed since is refused, and then none is written. */
  const write = async (tracks: readonly TrackProposal[]) => {
    try {
      const { commit, files, skipped } = await asked().call(Library.commit, { proposal: proposal!.id, paths: tracks.map(({ path }) => path) }, { timeoutMs: kWriteMs });
      setState((before) => ({ ...before, written: [{ commit, files, skipped, folder, at: Date.now() }, ...before.written] }));
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
        change({ proposal: await propose(wanted) });
      }).catch(() => undefined),
    apply: (reach) =>
      doing('writing', async () => {
        const groups = groupsOf(proposal!.tracks);
        await write([...groups.get('apply')!, ...(reach === 'both' ? groups.get('review')! : [])]);
      }),
    applyOne: (track) => doing('writing', () => write([track])),
    undo: (commit) =>
      void doing('undoing', async () => {
        const { files } = await asked().call(Library.undo, { commit }, { timeoutMs: kWriteMs });
        setState((before) => ({ ...before, written: before.written.map((each) => (each.commit === commit ? { ...each, undone: files } : each)) }));
        await lookAgain();
      }).catch(() => undefined),
  };
}
