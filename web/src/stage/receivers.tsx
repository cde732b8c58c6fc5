import { Component } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { StageReceiverState, type StageReceiver } from '../gen/ghostlight/v1/stage';
import { percent } from '../ui/format';
import { Fact } from '../ui/fact';
import { cellAfter } from './figures';
import { receiverLook } from './looks';

const kNamed = 24; // up to so many cells have room for a name
const kLarge = 240; // beyond, cells are as small as can be told apart
const kMissingNamed = 6;

const kCoarse = 5; // percent: a smaller step of a small cell cannot be seen, and a thousand would be drawn again for each

const shareText = (share: number): string => `${Math.floor(Math.min(1, share) * 100)} %`;

/** A cell per receiver; the one pointed at, or chosen by arrow keys, is told of in full below. */
export function Receivers({ receivers }: { receivers: readonly StageReceiver[] }) {
  const [chosen, setChosen] = useState(0);
  const [hovered, setHovered] = useState<number>();
  const list = useRef<HTMLDivElement>(null);
  const at = Math.min(chosen, receivers.length - 1);
  const shown = receivers[hovered ?? at];
  const size = receivers.length <= kNamed ? 'named' : receivers.length <= kLarge ? 'large' : 'small';
  const move = (event: KeyboardEvent) => {
    const to = cellAfter(event.key, at, receivers.length, columnsOf(list.current!));
    if (to === undefined) return;
    event.preventDefault();
    setHovered(undefined);
    setChosen(to);
    list.current!.children[to]?.scrollIntoView({ block: 'nearest' });
  };
  return (
    <>
      <Missing receivers={receivers} />
      <div
        ref={list}
        class={`cells cells-${size}`}
        role="listbox"
        aria-label="Receivers"
        aria-activedescendant={`receiver-${at}`}
        tabIndex={0}
        onKeyDown={move}
        onClick={(event) => setChosen(indexOf(event) ?? at)}
        onMouseOver={(event) => setHovered(indexOf(event))}
        onMouseLeave={() => setHovered(undefined)}
      >
        {receivers.map((receiver, i) => (
          <Cell key={i} receiver={receiver} index={i} named={size === 'named'} chosen={i === at} />
        ))}
      </div>
      {shown !== undefined && <ReceiverDetail receiver={shown} />}
    </>
  );
}

const indexOf = (event: Event): number | undefined => {
  const cell = (event.target as Element).closest<HTMLElement>('.cell');
  return cell === null ? undefined : Number(cell.dataset['index']);
};

/** Cells in the first row, as the browser has laid them out. */
function columnsOf(list: HTMLElement): number {
  const cells = [...list.children] as HTMLElement[];
  const second = cells.findIndex(({ offsetTop }) => offsetTop > cells[0]!.offsetTop);
  return second < 0 ? cells.length : second;
}

interface CellProps {
  readonly receiver: StageReceiver;
  readonly index: number;
  readonly named: boolean;
  readonly chosen: boolean;
}

/** What the cell says of a share, in percent. */
function percentOf({ receiver: { share }, named }: CellProps): number {
  const exact = Math.floor(Math.min(1, share) * 100);
  return named ? exact : Math.floor(exact / kCoarse) * kCoarse;
}

/** Drawn again only when it looks different: there may be a thousand, told ten times a second. */
class Cell extends Component<CellProps> {
  override shouldComponentUpdate(next: CellProps): boolean {
    const { receiver, chosen, named } = this.props;
    return receiver.state !== next.receiver.state || receiver.name !== next.receiver.name || percentOf(this.props) !== percentOf(next) || chosen !== next.chosen || named !== next.named;
  }

  override render(props: CellProps) {
    const { receiver, index, named, chosen } = props;
    const look = receiverLook(receiver.state);
    const filled = percentOf(props);
    const share = `${filled} %`;
    const told = receiver.state === StageReceiverState.receiving ? [share, look.text] : [look.text, share]; // what is seen comes first
    return (
      <div id={`receiver-${index}`} class={`cell cell-${look.text}`} role="option" aria-selected={chosen} aria-label={`${receiver.name} ${told.join(', ')}`} data-index={index} style={{ backgroundSize: `100% ${filled}%` }}>
        <b aria-hidden="true">{look.sign}</b>
        {named && (
          <span class="cell-name">
            {receiver.name} <span class="cell-share">{told[0]}</span>
          </span>
        )}
      </div>
    );
  }
}

function ReceiverDetail({ receiver: { name, words, address, state, share, loss, detail, receipt } }: { receiver: StageReceiver }) {
  return (
    <dl class="facts receiver-detail">
      <Fact name="Receiver">{name}</Fact>
      <Fact name="State">
        {receiverLook(state).text}
        {detail !== '' && `: ${detail}`}
      </Fact>
      <Fact name="Holds">{shareText(share)}</Fact>
      <Fact name="Loss">{percent(loss * 100)}</Fact>
      <Fact name="Address">
        <code>{address || '–'}</code>
      </Fact>
      <Fact name="Node">
        <span class="words">{words || '–'}</span>
      </Fact>
      <Fact name="Receipt">{receipt === '' ? 'none yet' : <code>{receipt}</code>}</Fact>
    </dl>
  );
}

/** Who lacks the album, by name: cells alone would have to be searched. */
function Missing({ receivers }: { receivers: readonly StageReceiver[] }) {
  const missing = receivers.filter(({ state }) => state === StageReceiverState.missing);
  if (missing.length === 0) return null;
  return (
    <ul class="missing" aria-label="Receivers that lack it">
      {missing.slice(0, kMissingNamed).map(({ name, detail, share }) => (
        <li key={name}>
          <strong>{name}</strong> has {shareText(share)}
          {detail !== '' && `: ${detail}`}
        </li>
      ))}
      {missing.length > kMissingNamed && <li>and {missing.length - kMissingNamed} more</li>}
    </ul>
  );
}
