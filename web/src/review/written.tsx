import { clock, count } from '../ui/format';
import { placeIn } from './proposal';
import type { Written } from './use_review';

const kMostNamed = 20; // of the files passed by

const files = (of: number): string => (of === 1 ? '1 file' : `${count(of)} files`);

/** What was written from this page, each with the way back. @param undo  nothing while it cannot be asked */
export function WrittenList({ written, undo }: { written: readonly Written[]; undo: ((commit: string) => void) | undefined }) {
  if (written.length === 0) return null;
  return (
    <section class="card written" aria-labelledby="written-title">
      <h2 id="written-title">Written from here</h2>
      <ul>
        {written.map(({ commit, files: done, skipped, folder, at, undone }) => (
          <li key={`${commit} ${at}`}>
            <p>
              <time dateTime={new Date(at).toISOString()}>{clock(at)}</time>{' '}
              {undone !== undefined ? (
                <>{files(undone)} put back as they were, byte for byte.</>
              ) : (
                <>
                  {done === 0 ? 'Nothing was written.' : `${files(done)} written.`}
                  {skipped.length > 0 && ` ${files(skipped.length)} passed by, and still listed below:`}
                </>
              )}{' '}
              {commit !== '' && <code>{commit}</code>}
            </p>
            {undone === undefined && skipped.length > 0 && (
              <ul class="written-skipped">
                {skipped.slice(0, kMostNamed).map(({ path, reason }) => (
                  <li key={path}>
                    <bdi class="path">{placeIn(folder, path)}</bdi> <bdi>{reason}</bdi>
                  </li>
                ))}
              </ul>
            )}
            {commit !== '' && undone === undefined && (
              <button type="button" disabled={undo === undefined} onClick={() => undo?.(commit)} aria-label={`Undo ${commit}`}>
                Undo
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
