// Made by protoc-gen-b2 from ghostlight/v1/stage.proto: change that, not this.
import * as b2 from '../../../b2/proto';

export enum StepState {
  waiting = 0,
  running = 1,
  done = 2,
  failed = 3,
  skipped = 4,
}

export enum StageReceiverState {
  waiting = 0,
  receiving = 1,
  /** its signed receipt was checked */
  verified = 2,
  /** silent, or failed: see detail */
  missing = 3,
}

export interface StartRequest {
  /** absolute: FILE.cue, FILE.toc, a folder of audio files, /dev/sr0 */
  source: string;
  /** folder for the album; "" for one in the state */
  into: string;
  /** file with the titles, for a disc without CD-TEXT */
  titles: string;
  /** that must hold a verified copy */
  receivers: number;
  /** to distribute on */
  interfaces: string[];
  /** bit/s; 0: found by the sender */
  rate: bigint;
}
export const StartRequestCodec: b2.Codec<StartRequest> = b2.codec('ghostlight.v1.StartRequest', [
  b2.plain(1, 'source', 'string'),
  b2.plain(2, 'into', 'string'),
  b2.plain(3, 'titles', 'string'),
  b2.plain(4, 'receivers', 'uint32'),
  b2.list(5, 'interfaces', 'string'),
  b2.plain(6, 'rate', 'uint64'),
]);
export const encodeStartRequest = (message: b2.Init<StartRequest>): Uint8Array => StartRequestCodec.encode(message);
export const decodeStartRequest = (bytes: Uint8Array): StartRequest => StartRequestCodec.decode(bytes);

export interface StartResponse {
  job: bigint;
}
export const StartResponseCodec: b2.Codec<StartResponse> = b2.codec('ghostlight.v1.StartResponse', [
  b2.plain(1, 'job', 'uint64'),
]);
export const encodeStartResponse = (message: b2.Init<StartResponse>): Uint8Array => StartResponseCodec.encode(message);
export const decodeStartResponse = (bytes: Uint8Array): StartResponse => StartResponseCodec.decode(bytes);

export interface ResumeRequest {
}
export const ResumeRequestCodec: b2.Codec<ResumeRequest> = b2.codec('ghostlight.v1.ResumeRequest', [
]);
export const encodeResumeRequest = (message: b2.Init<ResumeRequest>): Uint8Array => ResumeRequestCodec.encode(message);
export const decodeResumeRequest = (bytes: Uint8Array): ResumeRequest => ResumeRequestCodec.decode(bytes);

export interface WatchRequest {
}
export const WatchRequestCodec: b2.Codec<WatchRequest> = b2.codec('ghostlight.v1.WatchRequest', [
]);
export const encodeWatchRequest = (message: b2.Init<WatchRequest>): Uint8Array => WatchRequestCodec.encode(message);
export const decodeWatchRequest = (bytes: Uint8Array): WatchRequest => WatchRequestCodec.decode(bytes);

export interface CancelRequest {
}
export const CancelRequestCodec: b2.Codec<CancelRequest> = b2.codec('ghostlight.v1.CancelRequest', [
]);
export const encodeCancelRequest = (message: b2.Init<CancelRequest>): Uint8Array => CancelRequestCodec.encode(message);
export const decodeCancelRequest = (bytes: Uint8Array): CancelRequest => CancelRequestCodec.decode(bytes);

export interface CancelResponse {
  found: boolean;
}
export const CancelResponseCodec: b2.Codec<CancelResponse> = b2.codec('ghostlight.v1.CancelResponse', [
  b2.plain(1, 'found', 'bool'),
]);
export const encodeCancelResponse = (message: b2.Init<CancelResponse>): Uint8Array => CancelResponseCodec.encode(message);
export const decodeCancelResponse = (bytes: Uint8Array): CancelResponse => CancelResponseCodec.decode(bytes);

export interface Step {
  /** "grab", "describe", "distribute", "verify", "account" */
  name: string;
  state: StepState;
  done: bigint;
  total: bigint;
  seconds: number;
  /** one line for a person: what it does, what it found, or why it failed */
  detail: string;
}
export const StepCodec: b2.Codec<Step> = b2.codec('ghostlight.v1.Step', [
  b2.plain(1, 'name', 'string'),
  b2.plain(2, 'state', 'enum'),
  b2.plain(3, 'done', 'uint64'),
  b2.plain(4, 'total', 'uint64'),
  b2.plain(5, 'seconds', 'double'),
  b2.plain(6, 'detail', 'string'),
]);
export const encodeStep = (message: b2.Init<Step>): Uint8Array => StepCodec.encode(message);
export const decodeStep = (bytes: Uint8Array): Step => StepCodec.decode(bytes);

export interface StagePerformer {
  name: string;
  role: string;
  instrument: string;
}
export const StagePerformerCodec: b2.Codec<StagePerformer> = b2.codec('ghostlight.v1.StagePerformer', [
  b2.plain(1, 'name', 'string'),
  b2.plain(2, 'role', 'string'),
  b2.plain(3, 'instrument', 'string'),
]);
export const encodeStagePerformer = (message: b2.Init<StagePerformer>): Uint8Array => StagePerformerCodec.encode(message);
export const decodeStagePerformer = (bytes: Uint8Array): StagePerformer => StagePerformerCodec.decode(bytes);

export interface StageField {
  /** "composer", "work", "movement", "key", "catalogue", "performers" */
  field: string;
  before: string;
  after: string;
  /** 0 … 1 */
  confidence: number;
  reason: string;
}
export const StageFieldCodec: b2.Codec<StageField> = b2.codec('ghostlight.v1.StageField', [
  b2.plain(1, 'field', 'string'),
  b2.plain(2, 'before', 'string'),
  b2.plain(3, 'after', 'string'),
  b2.plain(4, 'confidence', 'double'),
  b2.plain(5, 'reason', 'string'),
]);
export const encodeStageField = (message: b2.Init<StageField>): Uint8Array => StageFieldCodec.encode(message);
export const decodeStageField = (bytes: Uint8Array): StageField => StageFieldCodec.decode(bytes);

export interface StageTrack {
  number: number;
  /** as the disc had it */
  titleBefore: string;
  /** as it is now */
  title: string;
  composer: string;
  work: string;
  movement: string;
  movementNo: number;
  key: string;
  catalogue: string[];
  performers: StagePerformer[];
  /** "apply", "review", "leave", "" while not described */
  band: string;
  fields: StageField[];
  seconds: number;
  sectors: number;
  sectorsDone: number;
  doubts: number;
  /** bit for bit against the disc */
  verified: boolean;
  crc32: number;
  /** 200 values 0 … 255 */
  peaks: Uint8Array;
  file: string;
}
export const StageTrackCodec: b2.Codec<StageTrack> = b2.codec('ghostlight.v1.StageTrack', [
  b2.plain(1, 'number', 'uint32'),
  b2.plain(2, 'titleBefore', 'string'),
  b2.plain(3, 'title', 'string'),
  b2.plain(4, 'composer', 'string'),
  b2.plain(5, 'work', 'string'),
  b2.plain(6, 'movement', 'string'),
  b2.plain(7, 'movementNo', 'uint32'),
  b2.plain(8, 'key', 'string'),
  b2.list(9, 'catalogue', 'string'),
  b2.list(10, 'performers', () => StagePerformerCodec),
  b2.plain(11, 'band', 'string'),
  b2.list(12, 'fields', () => StageFieldCodec),
  b2.plain(13, 'seconds', 'double'),
  b2.plain(14, 'sectors', 'uint32'),
  b2.plain(15, 'sectorsDone', 'uint32'),
  b2.plain(16, 'doubts', 'uint32'),
  b2.plain(17, 'verified', 'bool'),
  b2.plain(18, 'crc32', 'uint32'),
  b2.plain(19, 'peaks', 'bytes'),
  b2.plain(20, 'file', 'string'),
]);
export const encodeStageTrack = (message: b2.Init<StageTrack>): Uint8Array => StageTrackCodec.encode(message);
export const decodeStageTrack = (bytes: Uint8Array): StageTrack => StageTrackCodec.decode(bytes);

export interface StageReceiver {
  name: string;
  /** node id as people read it */
  words: string;
  address: string;
  state: StageReceiverState;
  /** of the bytes it holds, 0 … 1 */
  share: number;
  loss: number;
  detail: string;
  /** short form of the receipt's signature, for people */
  receipt: string;
}
export const StageReceiverCodec: b2.Codec<StageReceiver> = b2.codec('ghostlight.v1.StageReceiver', [
  b2.plain(1, 'name', 'string'),
  b2.plain(2, 'words', 'string'),
  b2.plain(3, 'address', 'string'),
  b2.plain(4, 'state', 'enum'),
  b2.plain(5, 'share', 'double'),
  b2.plain(6, 'loss', 'double'),
  b2.plain(7, 'detail', 'string'),
  b2.plain(8, 'receipt', 'string'),
]);
export const encodeStageReceiver = (message: b2.Init<StageReceiver>): Uint8Array => StageReceiverCodec.encode(message);
export const decodeStageReceiver = (bytes: Uint8Array): StageReceiver => StageReceiverCodec.decode(bytes);

export interface StageTransfer {
  /** "announcing", "streaming", "draining", "settling", "done", … */
  phase: string;
  bytes: bigint;
  files: bigint;
  wireBytes: bigint;
  sourcePackets: bigint;
  sentPackets: bigint;
  repairSymbols: bigint;
  /** bit/s */
  rate: bigint;
  /** 0 … 1, sent once */
  share: number;
  receivers: StageReceiver[];
  /** content id, hex */
  content: string;
}
export const StageTransferCodec: b2.Codec<StageTransfer> = b2.codec('ghostlight.v1.StageTransfer', [
  b2.plain(1, 'phase', 'string'),
  b2.plain(2, 'bytes', 'uint64'),
  b2.plain(3, 'files', 'uint64'),
  b2.plain(4, 'wireBytes', 'uint64'),
  b2.plain(5, 'sourcePackets', 'uint64'),
  b2.plain(6, 'sentPackets', 'uint64'),
  b2.plain(7, 'repairSymbols', 'uint64'),
  b2.plain(8, 'rate', 'uint64'),
  b2.plain(9, 'share', 'double'),
  b2.list(10, 'receivers', () => StageReceiverCodec),
  b2.plain(11, 'content', 'string'),
]);
export const encodeStageTransfer = (message: b2.Init<StageTransfer>): Uint8Array => StageTransferCodec.encode(message);
export const decodeStageTransfer = (bytes: Uint8Array): StageTransfer => StageTransferCodec.decode(bytes);

export interface StagePort {
  port: number;
  protocol: string;
  address: string;
  /** "" the machine's own */
  netns: string;
  /** the registry's name, "" when unassigned */
  registered: string;
  /** "ariascribe 0.1.0 (b2)" */
  identity: string;
  /** "confirmed", … */
  status: string;
  /** "ariascribe, pid 812, root" */
  owner: string;
  /** ok, notice, warn, alert, unknown */
  verdict: string;
  why: string;
  ours: boolean;
}
export const StagePortCodec: b2.Codec<StagePort> = b2.codec('ghostlight.v1.StagePort', [
  b2.plain(1, 'port', 'uint32'),
  b2.plain(2, 'protocol', 'string'),
  b2.plain(3, 'address', 'string'),
  b2.plain(4, 'netns', 'string'),
  b2.plain(5, 'registered', 'string'),
  b2.plain(6, 'identity', 'string'),
  b2.plain(7, 'status', 'string'),
  b2.plain(8, 'owner', 'string'),
  b2.plain(9, 'verdict', 'string'),
  b2.plain(10, 'why', 'string'),
  b2.plain(11, 'ours', 'bool'),
]);
export const encodeStagePort = (message: b2.Init<StagePort>): Uint8Array => StagePortCodec.encode(message);
export const decodeStagePort = (bytes: Uint8Array): StagePort => StagePortCodec.decode(bytes);

export interface StageState {
  /** 0: none yet */
  job: bigint;
  source: string;
  /** of the disc */
  title: string;
  performer: string;
  into: string;
  /** of the whole */
  state: StepState;
  seconds: number;
  steps: Step[];
  tracks: StageTrack[];
  transfer?: StageTransfer | undefined;
  ports: StagePort[];
  unseen: string[];
  /** the last line: what was done, or why not and what to do */
  message: string;
  discId: string;
}
export const StageStateCodec: b2.Codec<StageState> = b2.codec('ghostlight.v1.StageState', [
  b2.plain(1, 'job', 'uint64'),
  b2.plain(2, 'source', 'string'),
  b2.plain(3, 'title', 'string'),
  b2.plain(4, 'performer', 'string'),
  b2.plain(5, 'into', 'string'),
  b2.plain(6, 'state', 'enum'),
  b2.plain(7, 'seconds', 'double'),
  b2.list(8, 'steps', () => StepCodec),
  b2.list(9, 'tracks', () => StageTrackCodec),
  b2.optional(10, 'transfer', () => StageTransferCodec),
  b2.list(11, 'ports', () => StagePortCodec),
  b2.list(12, 'unseen', 'string'),
  b2.plain(13, 'message', 'string'),
  b2.plain(14, 'discId', 'string'),
]);
export const encodeStageState = (message: b2.Init<StageState>): Uint8Array => StageStateCodec.encode(message);
export const decodeStageState = (bytes: Uint8Array): StageState => StageStateCodec.decode(bytes);

/** What is kept on disk of the last job, so that it can be shown, and resumed, by another process. */
export interface StageRecord {
  request?: StartRequest | undefined;
  state?: StageState | undefined;
  /** of the tags, for undo */
  commit: string;
  /** signed, one for each of state.transfer.receivers; empty where there is none */
  receipts: Uint8Array[];
}
export const StageRecordCodec: b2.Codec<StageRecord> = b2.codec('ghostlight.v1.StageRecord', [
  b2.optional(1, 'request', () => StartRequestCodec),
  b2.optional(2, 'state', () => StageStateCodec),
  b2.plain(3, 'commit', 'string'),
  b2.list(4, 'receipts', 'bytes'),
]);
export const encodeStageRecord = (message: b2.Init<StageRecord>): Uint8Array => StageRecordCodec.encode(message);
export const decodeStageRecord = (bytes: Uint8Array): StageRecord => StageRecordCodec.decode(bytes);

/** The main job: disc, grabbed, described, distributed, verified, every port accounted for. */
export const Stage = {
  start: {
    service: 'ghostlight.v1.Stage', name: 'Start', kind: 'unary', idempotent: false, needs: 'admin',
    request: StartRequestCodec, response: StartResponseCodec,
  } satisfies b2.Method<StartRequest, StartResponse>,
  /** Goes on with the last job where it stopped. */
  resume: {
    service: 'ghostlight.v1.Stage', name: 'Resume', kind: 'unary', idempotent: false, needs: 'admin',
    request: ResumeRequestCodec, response: StartResponseCodec,
  } satisfies b2.Method<ResumeRequest, StartResponse>,
  /** The whole state at once, then again whenever it changes, at most ten times a second. */
  watch: {
    service: 'ghostlight.v1.Stage', name: 'Watch', kind: 'server_stream', idempotent: false, needs: '',
    request: WatchRequestCodec, response: StageStateCodec,
  } satisfies b2.Method<WatchRequest, StageState>,
  cancel: {
    service: 'ghostlight.v1.Stage', name: 'Cancel', kind: 'unary', idempotent: false, needs: 'admin',
    request: CancelRequestCodec, response: CancelResponseCodec,
  } satisfies b2.Method<CancelRequest, CancelResponse>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'ghostlight.v1.StartRequest': StartRequestCodec,
  'ghostlight.v1.StartResponse': StartResponseCodec,
  'ghostlight.v1.ResumeRequest': ResumeRequestCodec,
  'ghostlight.v1.WatchRequest': WatchRequestCodec,
  'ghostlight.v1.CancelRequest': CancelRequestCodec,
  'ghostlight.v1.CancelResponse': CancelResponseCodec,
  'ghostlight.v1.Step': StepCodec,
  'ghostlight.v1.StagePerformer': StagePerformerCodec,
  'ghostlight.v1.StageField': StageFieldCodec,
  'ghostlight.v1.StageTrack': StageTrackCodec,
  'ghostlight.v1.StageReceiver': StageReceiverCodec,
  'ghostlight.v1.StageTransfer': StageTransferCodec,
  'ghostlight.v1.StagePort': StagePortCodec,
  'ghostlight.v1.StageState': StageStateCodec,
  'ghostlight.v1.StageRecord': StageRecordCodec,
};
