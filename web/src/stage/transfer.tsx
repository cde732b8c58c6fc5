import { StageReceiverState, type StageTransfer } from '../gen/ghostlight/v1/stage';
import { Bar } from '../ui/bar';
import { Chip } from '../ui/chip';
import { CopyButton } from '../ui/copy_button';
import { Fact } from '../ui/fact';
import { bytes, count, percent, shortId } from '../ui/format';
import { bitRate, countReceivers, repairShare, wirePerByte } from './figures';
import { receiverLook } from './looks';
import { Receivers } from './receivers';

const { verified, receiving, waiting, missing } = StageReceiverState;

export function Transfer({ transfer }: { transfer: StageTransfer }) {
  const { phase, receivers, content } = transfer;
  const counts = countReceivers(receivers);
  const ratio = wirePerByte(transfer);
  return (
    <section class="card transfer" aria-labelledby="transfer-title">
      <div class="section-head">
        <h2 id="transfer-title">Transfer</h2>
        <span class="section-note">{phase}</span>
        <span class="counts">
          <strong class={counts.get(verified) === receivers.length ? 'tone-good' : ''}>
            {count(counts.get(verified) ?? 0)} of {count(receivers.length)} verified
          </strong>
          {[receiving, waiting, missing].map((state) => {
            const number = counts.get(state) ?? 0;
            return number > 0 && <Chip key={state} look={{ ...receiverLook(state), text: `${count(number)} ${receiverLook(state).text}` }} />;
          })}
        </span>
      </div>
      <Bar share={transfer.share} label="Sent once" />
      <dl class="facts">
        <Fact name="Sent once">{percent(transfer.share * 100)}</Fact>
        <Fact name="Files">
          {bytes(Number(transfer.bytes))} in {count(Number(transfer.files))}
        </Fact>
        <Fact name="On the wire">{bytes(Number(transfer.wireBytes))}</Fact>
        <Fact name="Wire over files">{ratio === undefined ? '–' : `${ratio.toFixed(3)} ×`}</Fact>
        <Fact name="Repair">{percent(repairShare(transfer) * 100)}</Fact>
        <Fact name="Rate">{transfer.rate === 0n ? '–' : bitRate(Number(transfer.rate))}</Fact>
        {content !== '' && (
          <Fact name="Content">
            <code title={content}>{shortId(content)}</code> <CopyButton text={content} what="content id" />
          </Fact>
        )}
      </dl>
      {receivers.length > 0 ? <Receivers receivers={receivers} /> : <p class="nothing">No receiver has joined yet.</p>}
    </section>
  );
}
