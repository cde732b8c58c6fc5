import type { ComponentChildren } from 'preact';
import type { Identification } from '../gen/ariascribe/v1/catalogue';
import type { TagChange } from '../gen/ariascribe/v1/library';
import { Bar } from '../ui/bar';
import { catalogueName, keyName } from '../ui/music';

/** What stands in a file's tags, and what would. */
export function TagTable({ changes, of }: { changes: readonly TagChange[]; of: string }) {
  return (
    <Table titles={['Tag', 'Before', 'After', 'Sure', 'Why']} label={`Tags of ${of}`}>
      {changes.map(({ tag, before, after, confidence, reason }) => (
        <tr key={tag} role="row">
          <th role="rowheader" scope="row">
            <bdi>{tag}</bdi>
          </th>
          <Cell name="Before">{values(before, 'del')}</Cell>
          <Cell name="After">{values(after, 'ins')}</Cell>
          <Sure of={tag} confidence={confidence} />
          <Cell name="Why">
            <bdi>{reason}</bdi>
          </Cell>
        </tr>
      ))}
    </Table>
  );
}

/** What the track was found to be, field by field. */
export function FoundTable({ found, of }: { found: Identification; of: string }) {
  return (
    <Table titles={['Found', 'Is', 'Sure', 'Why']} label={`Fields of ${of}`}>
      {found.reasons.map(({ field, confidence, reason }) => (
        <tr key={field} role="row">
          <th role="rowheader" scope="row">
            <bdi>{field.replace('_no', ' number')}</bdi>
          </th>
          <Cell name="Is">
            <bdi>{valueOf(found, field) || '–'}</bdi>
          </Cell>
          <Sure of={field} confidence={confidence} />
          <Cell name="Why">
            <bdi>{reason}</bdi>
          </Cell>
        </tr>
      ))}
    </Table>
  );
}

function Table({ titles, label, children }: { titles: readonly string[]; label: string; children: ComponentChildren }) {
  return (
    <table role="table" class="table fields" aria-label={label}>
      <thead role="rowgroup">
        <tr role="row">
          {titles.map((title) => (
            <th key={title} role="columnheader" scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">{children}</tbody>
    </table>
  );
}

const Cell = ({ name, children }: { name: string; children: ComponentChildren }) => (
  <td role="cell" data-label={name}>
    {children}
  </td>
);

const Sure = ({ of, confidence }: { of: string; confidence: number }) => (
  <td role="cell" data-label="Sure" class="sure">
    {Math.floor(confidence * 100)} % <Bar share={confidence} role="meter" label={`How sure ${of} is`} />
  </td>
);

/** The values of a tag, one a line, with the sign of a diff: colour is not what tells. */
function values(list: readonly string[], As: 'del' | 'ins'): ComponentChildren {
  if (list.length === 0) return <span class="nothing">–</span>;
  return list.map((value, i) => (
    <As key={i} class="diff">
      <span aria-hidden="true">{As === 'del' ? '− ' : '+ '}</span>
      <bdi>{value}</bdi>
    </As>
  ));
}

function valueOf(found: Identification, field: string): string {
  switch (field) {
    case 'composer':
      return found.composer;
    case 'arranger':
      return found.arranger;
    case 'work':
      return found.work;
    case 'catalogue':
      return found.catalogue.map(catalogueName).join(', ');
    case 'key':
      return keyName(found.key);
    case 'movement_no':
      return found.movementNo === 0 ? '' : `${found.movementNo}${found.movementCount > 0 ? ` of ${found.movementCount}` : ''}`;
    case 'movement':
      return found.movement;
    case 'performers':
      return found.performers.map(({ name, role, instrument }) => [name, instrument || role].filter((part) => part !== '').join(', ')).join('; ');
    default:
      return '';
  }
}
