import { useEffect, useRef } from 'preact/hooks';
import type { SearchResponse, WorkSummary } from '../gen/ariascribe/v1/catalogue';
import { count } from '../ui/format';
import { catalogueName, keyName } from '../ui/music';
import type { Asking } from '../ui/use_answer';

interface ResultsProps {
  readonly search: Asking<SearchResponse>;
  readonly wanted: string; // what was typed
  readonly works: readonly WorkSummary[]; // of the last answer, which may be to less than was typed
  readonly active: number;
  readonly opened: string; // id of the work beside it
  readonly limit: number;
  readonly onOpen: (id: string) => void;
}

/** What was found, in a list that the search field's arrow keys go through. */
export function Results({ search, wanted, works, active, opened, limit, onOpen }: ResultsProps) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => list.current?.children[active]?.scrollIntoView({ block: 'nearest' }), [active]);
  return (
    <>
      <p role="status" class="results-count">
        {standing(search, works.length, limit)}
      </p>
      {search.fresh && search.failure !== undefined && (
        <div class="results-failed" role="alert">
          <p>
            The catalogue does not answer: <bdi>{search.failure}</bdi>
          </p>
          <button type="button" onClick={search.again}>
            Try again
          </button>
        </div>
      )}
      {search.fresh && search.answer !== undefined && works.length === 0 && (
        <p class="nothing">
          Nothing fits “<bdi>{wanted}</bdi>”. Words are looked up whole; a composer’s name and a number are enough: <em>haydn 104</em>.
        </p>
      )}
      <ul id="results" ref={list} role="listbox" aria-label="Works found" class={search.fresh ? 'results' : 'results results-old'} hidden={works.length === 0}>
        {works.map((work, i) => (
          <li key={work.id} id={`result-${i}`} role="option" class="result" aria-selected={i === active} data-opened={work.id === opened} onClick={() => onOpen(work.id)}>
            <Result work={work} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Result({ work: { composer, title, catalogue, key, year, movements } }: { work: WorkSummary }) {
  return (
    <>
      <bdi class="result-composer">{composer}</bdi> <bdi class="result-title">{title}</bdi>{' '}
      <span class="result-facts">
        {catalogue.map((number) => (
          <bdi key={number} class="tag">
            {catalogueName(number)}
          </bdi>
        ))}{' '}
        {key !== '' && <bdi class="tag">{keyName(key)}</bdi>} {year > 0 && <span>{year}</span>} {movements > 0 && <span>{movements === 1 ? '1 movement' : `${count(movements)} movements`}</span>}
      </span>
    </>
  );
}

function standing(search: Asking<SearchResponse>, found: number, limit: number): string {
  if (!search.fresh || search.answer === undefined) return search.slow ? 'Searching…' : '';
  if (found >= limit) return `The first ${limit} works`;
  return found === 0 ? 'No work found' : found === 1 ? '1 work' : `${found} works`;
}
