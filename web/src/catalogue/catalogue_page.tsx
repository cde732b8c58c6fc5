/** The catalogue of works: searched as one types, and one work with its movements. What is shown stands in the address. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Link, LinkState } from '../b2/link';
import { Catalogue } from '../gen/ariascribe/v1/catalogue';
import { Banner } from '../ui/banner';
import { hashOf, routeOf } from '../ui/route';
import type { Staleness } from '../ui/staleness';
import { useAnswer } from '../ui/use_answer';
import { Results } from './results';
import { stepFrom } from './steps';
import { WorkCard } from './work_card';

export const kCataloguePath = '#/catalogue';
const kLimit = 50; // works shown; who wants others types more
const kTypingMs = 120; // a pause that long is worth a question
const kExamples = ['moonlight', 'op 27', 'BWV 846', 'Dvořák cello concerto', 'Лунная соната'];

interface CataloguePageProps {
  readonly link: Link;
  readonly linkState: LinkState;
  readonly trouble: Staleness | undefined;
  readonly hash: string;
}

export function CataloguePage({ link, linkState, trouble, hash }: CataloguePageProps) {
  const { query } = routeOf(hash);
  const opened = query.get('work') ?? '';
  const [text, setText] = useState(query.get('q') ?? '');
  const input = useRef<HTMLInputElement>(null);
  const [at, setAt] = useState(-1); // the result that the arrow keys stand on
  const endpoint = linkState.kind === 'open' ? linkState.endpoint : undefined;
  const wanted = text.trim().replace(/\s+/g, ' ');
  const search = useAnswer(endpoint, Catalogue.search, wanted, { text: wanted, limit: kLimit }, kTypingMs);
  const work = useAnswer(endpoint, Catalogue.get, opened, { id: opened });
  const works = wanted === '' ? [] : (search.answer?.works ?? []);
  const active = at < works.length ? at : -1;

  // Another address, by a link or the way back, brings its own text; what is typed only goes the other way.
  useEffect(() => setText(query.get('q') ?? ''), [hash]);
  useEffect(() => setAt(-1), [wanted]);
  useEffect(() => {
    if (opened === '') input.current?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    const heading = work.fresh ? work.answer?.summary?.title : undefined;
    document.title = `${heading ?? 'Catalogue'} – Ghostlight`;
    return () => void (document.title = 'Ghostlight');
  }, [work.answer, work.fresh]);

  const type = (typed: string) => {
    setText(typed);
    history.replaceState(null, '', hashOf(kCataloguePath, { q: typed.trim(), work: opened }));
  };
  const open = (id: string) => (location.hash = hashOf(kCataloguePath, { q: wanted, work: id }));
  const look = (for_: string) => {
    location.hash = hashOf(kCataloguePath, { q: for_ });
    input.current?.focus();
  };
  const press = (event: KeyboardEvent) => {
    const to = stepFrom(event.key, active, works.length);
    if (to !== undefined) setAt(to);
    else if (event.key === 'Enter' && works.length > 0 && search.fresh) open(works[Math.max(0, active)]!.id);
    else if (event.key === 'Escape' && text !== '') type('');
    else return;
    event.preventDefault();
  };

  return (
    <>
      <Banner link={link} state={linkState} trouble={trouble} asOf={undefined} />
      <div class={`page catalogue${opened === '' ? '' : ' has-work'}`}>
        <div class="catalogue-search card">
          <h1>Catalogue</h1>
          <form role="search" onSubmit={(event) => event.preventDefault()}>
            <label for="search">Work, composer, number or nickname</label>
            <input
              id="search"
              ref={input}
              type="text"
              inputMode="search"
              role="combobox"
              aria-expanded={works.length > 0}
              aria-controls="results"
              aria-autocomplete="list"
              aria-activedescendant={active < 0 ? undefined : `result-${active}`}
              value={text}
              maxLength={500}
              autoComplete="off"
              spellcheck={false}
              onInput={(event) => type(event.currentTarget.value)}
              onKeyDown={press}
            />
          </form>
          {wanted === '' ? (
            <p class="examples">
              For example{' '}
              {kExamples.map((each) => (
                <button key={each} type="button" onClick={() => look(each)}>
                  {each}
                </button>
              ))}
            </p>
          ) : (
            <Results search={search} wanted={wanted} works={works} active={active} opened={opened} limit={kLimit} onOpen={open} />
          )}
        </div>
        <div class="catalogue-work">
          {opened === '' ? (
            <p class="card nothing catalogue-empty">Open a work to see its movements, its key and what else it is called.</p>
          ) : (
            <WorkCard id={opened} asked={work} onComposer={look} onBack={() => look(wanted)} />
          )}
        </div>
      </div>
    </>
  );
}
