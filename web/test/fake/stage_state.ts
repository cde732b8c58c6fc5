/** A main job that seems to run: from the disc to the ports, in made-up time. The same steps each time. */
import { StageReceiverState, StepState, type StageReceiver, type StageState, type StageTrack, type StageTransfer, type StartRequest } from '../../src/gen/ghostlight/v1/stage';
import { fieldsOf, kDisc, kPianist, peaksOf, portsOf } from './stage_disc';

const kStepNames = ['grab', 'describe', 'distribute', 'verify', 'account'] as const;
const kStepMs = [12_000, 2500, 9000, 3000, 1500]; // how long each takes
const kAlbumBytes = 471_859_200;

/** What the job is to meet; may be changed while it runs. */
export interface Script {
  receivers: number;
  /** The step that fails once, half-way, and why. */
  fails?: { readonly step: number; readonly why: string };
  /** Receivers, by index, that fall silent in the transfer. */
  silent: ReadonlySet<number>;
  /** Instead of the disc's first title. */
  firstTitle?: string;
}

export class FakeStage {
  script: Script = { receivers: 3, silent: new Set() };
  /** Why Start, Resume and Cancel are refused, when they are. */
  refuse = '';
  /** The last request to start. */
  asked: StartRequest | undefined;
  private job = 0;
  private at = 0; // ms into the job, without what a failure cost
  private total = 0; // ms the job ran
  private stopped: 'no' | 'failed' | 'cancelled' = 'no';
  private failedAlready = false;

  start(request: StartRequest): number {
    this.asked = request;
    this.job += 1;
    this.at = 0;
    this.total = 0;
    this.stopped = 'no';
    this.failedAlready = false;
    return this.job;
  }

  resume(): number {
    this.stopped = 'no';
    return this.job;
  }

  cancel(): boolean {
    if (!this.running) return false;
    this.stopped = 'cancelled';
    return true;
  }

  get running(): boolean {
    return this.job > 0 && this.stopped === 'no' && this.at < kStepMs.reduce((sum, ms) => sum + ms, 0);
  }

  /** Lets `ms` pass. */
  advance(ms: number): void {
    if (!this.running) return;
    this.total += ms;
    const end = this.at + ms;
    const { fails } = this.script;
    const failsAt = fails === undefined || this.failedAlready ? Infinity : startOf(fails.step) + kStepMs[fails.step]! / 2;
    this.at = Math.min(end, failsAt);
    if (end < failsAt) return;
    this.stopped = 'failed';
    this.failedAlready = true;
  }

  /** Lets time pass until step `step` (0 … 4) is at `share`; 5 is the end. */
  advanceTo(step: number, share = 0): void {
    this.advance(startOf(step) + (kStepMs[step] ?? 0) * share - this.at);
  }

  state(): StageState {
    if (this.job === 0) return { ...kEmpty };
    const steps = kStepNames.map((name, i) => {
      const share = this.share(i);
      const total = i === 0 ? totalSectors : i === 4 ? 23 : kDisc.length;
      return { name, state: this.stepState(i), done: BigInt(Math.floor(share * total)), total: BigInt(total), seconds: (share * kStepMs[i]!) / 1000, detail: this.detail(i) };
    });
    return {
      job: BigInt(this.job),
      source: this.asked?.source || '/srv/discs/weidmann-recital.cue',
      title: 'Recital: Bach, Mozart, Beethoven',
      performer: 'Clara Weidmann',
      into: this.asked?.into || '/var/lib/ghostlight/albums/weidmann-recital',
      state: this.running ? StepState.running : this.stopped === 'no' ? StepState.done : StepState.failed,
      seconds: this.total / 1000,
      steps,
      tracks: kDisc.map((_, i) => this.track(i)),
      transfer: this.share(2) > 0 ? this.transfer() : undefined,
      ports: this.share(4) > 0 ? portsOf(this.script.receivers) : [],
      unseen: this.share(4) >= 1 ? ['Owners of 4 sockets of other users: run as root to see them', 'Network namespace net:[4026532771]: gone before it could be entered'] : [],
      message: this.message(),
      discId: 'Wn8eRBtfLDfM0qjYPdxrz.Zjs_U-',
    };
  }

  private share(step: number): number {
    return Math.min(1, Math.max(0, (this.at - startOf(step)) / kStepMs[step]!));
  }

  private stepState(step: number): StepState {
    if (this.share(step) >= 1) return StepState.done;
    if (this.at < startOf(step)) return StepState.waiting;
    return this.stopped === 'no' ? StepState.running : StepState.failed;
  }

  private detail(step: number): string {
    if (this.at < startOf(step)) return '';
    if (this.stepState(step) === StepState.failed) return this.stopped === 'cancelled' ? 'cancelled' : this.script.fails!.why;
    const done = this.share(step) >= 1;
    const verified = this.receivers().filter(({ state }) => state === StageReceiverState.verified).length;
    return [
      done ? `${kDisc.length} tracks, all of them bit for bit; 3 sectors in doubt were read again` : 'Each sector is read until two readings agree',
      done ? '7 of 9 tracks named, 1 to review, 1 left as it was' : 'Titles are matched with the catalogue',
      done ? '450 MiB sent once to all' : 'Sent once, to all at the same time',
      done ? `${verified} of ${this.script.receivers} signed for their copy` : 'Receipts are being checked',
      done ? 'Every port of ours is what the registry says' : 'Listeners are being asked who they are',
    ][step]!;
  }

  private message(): string {
    if (this.stopped === 'cancelled') return 'Cancelled. Resume goes on where it stopped.';
    if (this.stopped === 'failed') return `${this.script.fails!.why}. Resume goes on where it stopped.`;
    const step = kStepNames.findIndex((_, i) => this.share(i) < 1);
    return step < 0 ? 'Disc grabbed, described, distributed, verified; every port accounted for.' : this.detail(step);
  }

  private track(i: number): StageTrack {
    const spec = kDisc[i]!;
    const before = kDisc.slice(0, i).reduce((sum, { seconds }) => sum + seconds * 75, 0);
    const sectors = spec.seconds * 75;
    const sectorsDone = Math.round(Math.min(sectors, Math.max(0, this.share(0) * totalSectors - before)));
    const grabbed = sectorsDone === sectors;
    const described = this.share(1) > i / kDisc.length;
    const title = (i === 0 ? this.script.firstTitle : undefined) ?? spec.before;
    const band = spec.band ?? 'apply';
    const named = described && band !== 'leave';
    const after = [spec.work, spec.movement].filter((part) => part !== '').join(': ');
    return {
      number: i + 1,
      titleBefore: title,
      title: described && band === 'apply' ? after : title,
      composer: named ? spec.composer : '',
      work: named ? spec.work : '',
      movement: named ? spec.movement : '',
      movementNo: named ? spec.movementNo : 0,
      key: named ? spec.key : '',
      catalogue: named && spec.catalogue !== '' ? [spec.catalogue] : [],
      performers: named ? [kPianist] : [],
      band: described ? band : '',
      fields: described ? fieldsOf(spec) : [],
      seconds: spec.seconds,
      sectors,
      sectorsDone,
      doubts: grabbed ? (spec.doubts ?? 0) : 0,
      verified: grabbed,
      crc32: grabbed ? (0x5ad1_20f3 ^ Math.imul(i + 1, 0x9e37_79b9)) >>> 0 : 0,
      peaks: sectorsDone > 0 ? peaksOf(i) : new Uint8Array(0),
      file: grabbed ? `${String(i + 1).padStart(2, '0')} - ${title.replaceAll('/', '-') || 'Track'}.flac` : '',
    };
  }

  private transfer(): StageTransfer {
    const share = Math.min(1, this.share(2) * 1.15);
    const phase = this.share(3) >= 1 ? 'done' : this.share(2) >= 1 ? 'settling' : share >= 1 ? 'draining' : this.share(2) < 0.04 ? 'announcing' : 'streaming';
    const source = Math.floor((kAlbumBytes * share) / 1340);
    const repair = Math.floor(source * 0.043);
    return {
      phase,
      bytes: BigInt(kAlbumBytes),
      files: 14n,
      wireBytes: BigInt((source + repair) * 1400),
      sourcePackets: BigInt(source),
      sentPackets: BigInt(source + repair),
      repairSymbols: BigInt(repair),
      rate: phase === 'streaming' ? 412_300_000n : 0n,
      share,
      receivers: this.receivers(),
      content: '3f2a91c07be4d5521a90cc137f02e86b4d1f5a2290e7713c8cb30a559c41d2aa',
    };
  }

  private receivers(): StageReceiver[] {
    return Array.from({ length: this.script.receivers }, (_, i) => {
      const late = ((i * 7919) % 101) / 101; // some are later than others
      const share = Math.min(1, Math.max(0, this.share(2) * 1.3 - late * 0.3));
      const silent = this.script.silent.has(i) && this.share(2) > 0.5;
      const verified = !silent && this.share(3) > late * 0.99;
      const state = silent ? StageReceiverState.missing : verified ? StageReceiverState.verified : share > 0 ? StageReceiverState.receiving : StageReceiverState.waiting;
      return {
        name: `receiver-${i + 1}`,
        words: kWords[i % kWords.length]!,
        address: `10.9.${Math.floor(i / 250)}.${(i % 250) + 2}`,
        state,
        share: silent ? Math.min(share, 0.41) : share,
        loss: 0.02 + 0.004 * late,
        detail: silent ? 'not heard of for 30 s; it may come back' : '',
        receipt: verified ? `9c41 ${(4096 + i).toString(16)} 77ad` : '',
      };
    });
  }
}

const kWords = ['amber-lilac-otter-seven', 'cedar-violet-heron-two', 'slate-olive-marten-nine', 'copper-azure-finch-four'];
const startOf = (step: number): number => kStepMs.slice(0, step).reduce((sum, ms) => sum + ms, 0);
const totalSectors = kDisc.reduce((sum, { seconds }) => sum + seconds * 75, 0);
const kEmpty: StageState = { job: 0n, source: '', title: '', performer: '', into: '', state: StepState.waiting, seconds: 0, steps: [], tracks: [], transfer: undefined, ports: [], unseen: [], message: '', discId: '' };
