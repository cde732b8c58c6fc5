import type { Work } from '../gen/ariascribe/v1/catalogue';
import { CopyButton } from '../ui/copy_button';
import { Fact } from '../ui/fact';
import { count } from '../ui/format';
import { catalogueName, keyName, roman } from '../ui/music';
import type { Asking } from '../ui/use_answer';

interface WorkCardProps {
  readonly id: string;
  readonly asked: Asking<Work>;
  readonly onComposer: (name: string) => void; // looks for all of theirs
  readonly onBack: () => void; // to the results, where only one of both has room
}

export function WorkCard({ id, asked, onComposer, onBack }: WorkCardProps) {
  const { answer, failure, fresh, slow } = asked;
  return (
    <section class="card work" aria-label="Work" aria-busy={!fresh}>
      <button type="button" class="work-back" onClick={onBack}>
        ‹ Results
      </button>
      {fresh && failure !== undefined ? (
        <div class="results-failed" role="alert">
          <p>
            <code>{id}</code> cannot be shown: <bdi>{failure}</bdi>
          </p>
          <button type="button" onClick={asked.again}>
            Try again
          </button>
        </div>
      ) : answer === undefined ? (
        <p class="nothing">{slow ? 'Reading the work…' : ''}</p>
      ) : (
        <div class={fresh ? '' : 'results-old'}>
          <Tree work={answer} onComposer={onComposer} />
        </div>
      )}
    </section>
  );
}

/** Composer, work, movements, each below the one it belongs to. */
function Tree({ work, onComposer }: { work: Work; onComposer: (name: string) => void }) {
  const { summary, movements } = work;
  if (summary === undefined) return <p class="nothing">The catalogue says nothing of this work.</p>;
  return (
    <ul class="tree" aria-label="Composer, work and movements">
      <li>
        <button type="button" class="tree-composer" title="All works found under this name" onClick={() => onComposer(summary.composer)}>
          <bdi>{summary.composer}</bdi>
        </button>
        <ul>
          <li>
            <h2>
              <bdi>{summary.title}</bdi>
            </h2>
            <Facts work={work} />
            {movements.length > 0 && (
              <ol aria-label={movements.length === 1 ? '1 movement' : `${count(movements.length)} movements`}>
                {movements.map((each) => (
                  <li key={each.number}>
                    <span class="movement-number">{each.number > 0 && each.number < 50 ? roman(each.number) : each.number}</span>
                    <bdi class="movement-title">{each.title}</bdi>
                    {each.key !== '' && <bdi class="tag">{keyName(each.key)}</bdi>}
                  </li>
                ))}
              </ol>
            )}
          </li>
        </ul>
      </li>
    </ul>
  );
}

function Facts({ work: { summary, also, medium, period } }: { work: Work }) {
  const { id, catalogue, key, year } = summary!;
  return (
    <dl class="facts">
      {catalogue.length > 0 && <Fact name="Catalogue">{catalogue.map(catalogueName).join(' · ')}</Fact>}
      {key !== '' && <Fact name="Key">{keyName(key)}</Fact>}
      {year > 0 && <Fact name="Year">{year}</Fact>}
      {medium !== '' && <Fact name="For">{medium}</Fact>}
      {period !== '' && <Fact name="Period">{period}</Fact>}
      <Fact name="Id">
        <code>{id}</code> <CopyButton text={id} what="id of the work" />
      </Fact>
      {also.length > 0 && (
        <Fact name="Also called">
          {also.map((name, i) => (
            <span key={name}>
              {i > 0 && ' · '}
              <bdi>{name}</bdi>
            </span>
          ))}
        </Fact>
      )}
    </dl>
  );
}
