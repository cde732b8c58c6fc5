import { useState } from 'preact/hooks';
import type { StagePort } from '../gen/ghostlight/v1/stage';
import { Chip } from './chip';
import { sortPorts } from './figures';
import { verdictLook } from './looks';

const kOthersShown = 8;
const kTitles = ['Port', 'Registered', 'What answers', 'Verdict', 'Owner', 'Why'];

/** Every listening port: what the registry says, what answers, whose it is, and the verdict; ours first. */
export function Ports({ ports, unseen }: { ports: readonly StagePort[]; unseen: readonly string[] }) {
  const [all, setAll] = useState(false);
  const sorted = sortPorts(ports);
  const ours = ports.filter((port) => port.ours).length;
  const shown = all ? sorted : sorted.slice(0, ours + kOthersShown);
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
            {shown.map((port) => (
              <PortRow key={`${port.port}/${port.protocol} ${port.address} ${port.netns}`} port={port} />
            ))}
          </tbody>
        </table>
      )}
      {sorted.length > ours + kOthersShown && (
        <button type="button" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? 'Show fewer' : `Show all ${sorted.length}`}
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

function PortRow({ port: { port, protocol, address, netns, registered, identity, status, owner, verdict, why, ours } }: { port: StagePort }) {
  const none = <span class="nothing">–</span>;
  return (
    <tr role="row" class={ours ? 'ours' : undefined}>
      <th role="rowheader" scope="row">
        <span class="port-number">
          {port}/{protocol}
        </span>
        <code class="port-place">
          {address}
          {netns !== '' && ` in ${netns}`}
        </code>
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
        {owner || none}
      </td>
      <td role="cell" data-label="Why">
        {why || none}
      </td>
    </tr>
  );
}
