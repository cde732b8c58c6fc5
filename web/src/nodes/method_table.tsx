import { useState } from 'preact/hooks';
import { count, micros, rate } from '../ui/format';
import type { MethodRow } from './programs';

interface Column {
  readonly id: string;
  readonly title: string;
  readonly hint?: string;
  readonly order: (a: MethodRow, b: MethodRow) => number; // ascending
  readonly cell: (row: MethodRow) => preact.ComponentChildren;
}

const text = (of: (row: MethodRow) => string) => (a: MethodRow, b: MethodRow) => of(a).localeCompare(of(b), 'en');
const figure = (of: (row: MethodRow) => number) => (a: MethodRow, b: MethodRow) => of(a) - of(b);
const quiet = (value: number, shown: string) => <span class={value === 0 ? 'nothing' : ''}>{shown}</span>;
const time = (row: MethodRow, us: number) => (row.calls === 0 ? <span class="nothing">–</span> : micros(us));

const kColumns: readonly Column[] = [
  {
    id: 'method',
    title: 'Method',
    order: text((row) => `${row.service}/${row.method} ${row.program}`),
    cell: (row) => (
      <>
        <span class="method-service">{row.service}/</span>
        <wbr />
        <span class="method-name">{row.method}</span>
      </>
    ),
  },
  { id: 'program', title: 'Program', order: text((row) => row.program), cell: (row) => row.program },
  { id: 'rate', title: 'Per s', hint: 'calls a second', order: figure((row) => row.perSecond), cell: (row) => quiet(row.perSecond, rate(row.perSecond)) },
  { id: 'calls', title: 'Calls', order: figure((row) => row.calls), cell: (row) => quiet(row.calls, count(row.calls)) },
  { id: 'failed', title: 'Failed', order: figure((row) => row.failed), cell: (row) => <span class={row.failed > 0 ? 'some-failed' : 'nothing'}>{count(row.failed)}</span> },
  { id: 'open', title: 'Open', hint: 'being handled at this moment', order: figure((row) => row.open), cell: (row) => quiet(row.open, count(row.open)) },
  { id: 'mean', title: 'Mean', order: figure((row) => row.meanUs), cell: (row) => time(row, row.meanUs) },
  { id: 'p99', title: 'p99', hint: '99 of 100 calls took at most this long', order: figure((row) => row.p99Us), cell: (row) => time(row, row.p99Us) },
];
const kTextColumns = 2;

interface Sorting {
  readonly column: Column;
  readonly descending: boolean;
}

export function MethodTable({ rows }: { rows: readonly MethodRow[] }) {
  const [{ column, descending }, setSorting] = useState<Sorting>({ column: kColumns[0]!, descending: false });
  const [calledOnly, setCalledOnly] = useState(true); // what nobody calls would hide what is called
  const sign = descending ? -1 : 1;
  const byName = kColumns[0]!.order;
  const shown = rows.filter((row) => !calledOnly || row.calls > 0).sort((a, b) => sign * column.order(a, b) || byName(a, b));
  // Figures are most often wanted from the largest down, names from A on.
  const sortBy = (wanted: Column) => setSorting({ column: wanted, descending: wanted === column ? !descending : kColumns.indexOf(wanted) >= kTextColumns });
  return (
    <section class="card methods" aria-labelledby="methods-title">
      <div class="section-head">
        <h2 id="methods-title">Methods</h2>
        <label class="check">
          <input type="checkbox" checked={calledOnly} onChange={(event) => setCalledOnly(event.currentTarget.checked)} /> called only
        </label>
      </div>
      <table role="table">
        <thead role="rowgroup">
          <tr role="row">
            {kColumns.map((each) => (
              <th key={each.id} role="columnheader" scope="col" class={`col-${each.id}`} aria-sort={each !== column ? undefined : descending ? 'descending' : 'ascending'}>
                <button type="button" onClick={() => sortBy(each)} title={each.hint}>
                  {each.title}
                  <span class="sort-mark" aria-hidden="true">
                    {each !== column ? '' : descending ? '↓' : '↑'}
                  </span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {shown.map((row) => (
            <tr key={row.key} role="row">
              {kColumns.map((each) => (
                <td key={each.id} role="cell" class={`col-${each.id}`} data-label={each.title}>
                  {each.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length === 0 && <p class="nothing">{calledOnly ? 'No method has been called yet.' : 'No method has been counted yet.'}</p>}
    </section>
  );
}
