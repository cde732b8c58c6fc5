import { useState } from 'preact/hooks';
import type { StagePort } from '../gen/ghostlight/v1/stage';
import { Chip } from '../ui/chip';
import { groupPorts, sortPorts } from './figures';
import { verdictLook } from './looks';

const kOthersShown = 8;
const kTitles = ['Port', 'Registered', 'What answers', 'Verdict', 'Owner', 'Why'];

/** Every listening port: what the registry says, what answers, whose it is, and the verdict; ours first. */
export function Ports({ ports, unseen }: { ports: readonly StagePort[]; unseen: readonly string[] }) {
  const [all, setAll] = useState(false);
  const groups = groupPorts(sortPorts(ports));
  const ours = ports.filter((port) => port.ours).length;
  const few = groups.filter(([port]) => port!.ours).length + kOthersShown;
  const shown = all ? groups : groups.slice(0, few);
  return (
    <section class="card ports" aria-labelledby="ports-title">
      <div class="section-head">
        <h2 id="ports-title">Ports</h2>
        <span class="section-note">
          {ours} of ours, {ports.length - ours} others
        </span>
      </div>
      {ports.length > 0 && (
        <table role="table" class="table">
          <thead role="rowgroup">
            <tr role="row">
              {kTitles.map((title) => (
                <th key={title} role="columnheader" scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {shown.map((group) => (
              <PortRow key={`${group[0]!.port}/${group[0]!.protocol} ${placeOf(group[0]!)}`} group={group} />
            ))}
          </tbody>
        </table>
      )}
      {groups.length > few && (
        <button type="button" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? 'Show fewer' : `Show all ${groups.length}`}
        </button>
      )}
      {unseen.length > 0 && (
        <div class="unseen">
          <h3>What could not be seen</h3>
          <ul>
            {unseen.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

const placeOf = ({ address, netns }: StagePort) => address + (netns === '' ? '' : ` in ${netns}`);

const more = (count: number) => (count > 1 ? `and ${count - 1} more` : '');

function PortRow({ group }: { group: readonly StagePort[] }) {
  const first = group[0]!;
  const { port, protocol, registered, identity, status, owner, verdict, why, ours } = first;
  const none = <span class="nothing">–</span>;
  return (
    <tr role="row" class={ours ? 'ours' : undefined}>
      <th role="rowheader" scope="row">
        <span class="port-number">
          {port}/{protocol}
        </span>
        <code class="port-place">{placeOf(first)}</code>
        <span class="port-status">{more(group.length)}</span>
      </th>
      <td role="cell" data-label="Registered">
        {registered || <span class="nothing">unassigned</span>}
      </td>
      <td role="cell" data-label="What answers">
        {identity || none} {status !== '' && <span class="port-status">{status.replaceAll('_', ' ')}</span>}
      </td>
      <td role="cell" data-label="Verdict">
        <Chip look={verdictLook(verdict)} />
      </td>
      <td role="cell" data-label="Owner">
        {owner || none} <span class="port-status">{more(new Set(group.map((each) => each.owner)).size)}</span>
      </td>
      <td role="cell" data-label="Why">
        {group.length === 1 ? why || none : <Places group={group} />}
      </td>
    </tr>
  );
}

/** The reason for the first of a group, and on request the place and owner of each. */
function Places({ group }: { group: readonly StagePort[] }) {
  return (
    <details class="port-places">
      <summary>{group[0]!.why}</summary>
      <ul>
        {group.map((each) => (
          <li key={placeOf(each)} title={each.why}>
            <code>{placeOf(each)}</code> {each.owner}
          </li>
        ))}
      </ul>
    </details>
  );
}
