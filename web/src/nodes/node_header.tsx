import { toHex } from '../b2/bytes';
import type { HostState } from '../gen/b2/v1/host';
import { CopyButton } from '../ui/copy_button';
import { Fact } from '../ui/fact';
import { bytes, count, duration, rate, shortId } from '../ui/format';
import { totalsOf, type Program } from './programs';

export function NodeHeader({ state, programs, perSecond }: { state: HostState; programs: readonly Program[]; perSecond: number | undefined }) {
  const id = toHex(state.nodeId);
  const totals = totalsOf(programs);
  return (
    <section class="card node-header" aria-labelledby="node-name">
      <div class="node-title">
        <p class="eyebrow">This node</p>
        <h1 id="node-name">{state.nodeName || 'unnamed'}</h1>
        {state.nodeWords !== '' && <p class="words">{state.nodeWords}</p>}
      </div>
      <dl class="totals">
        <Fact name="Calls / s">{perSecond === undefined ? '–' : rate(perSecond)}</Fact>
        <Fact name="Open calls">{count(totals.open)}</Fact>
        <Fact name="Calls">{count(totals.calls)}</Fact>
        <Fact name="Failed">
          <span class={totals.failed > 0 ? 'some-failed' : ''}>{count(totals.failed)}</span>
        </Fact>
        <Fact name="Connections">{count(totals.connections)}</Fact>
        <Fact name="Memory">{bytes(totals.residentBytes)}</Fact>
      </dl>
      <dl class="node-facts">
        {id !== '' && (
          <Fact name="Id">
            <code title={id}>{shortId(id)}</code>
            <CopyButton text={id} what="node id" />
          </Fact>
        )}
        <Fact name="House">{state.house || 'none: serves this machine only'}</Fact>
        <Fact name="Version">{state.version || 'unknown'}</Fact>
        <Fact name="Up">{duration(Number(state.uptimeMs))}</Fact>
        <Fact name="Listens on">
          {state.addresses.length === 0 ? 'nothing' : state.addresses.map((address) => <code key={address}>{address}</code>)}
        </Fact>
      </dl>
    </section>
  );
}
