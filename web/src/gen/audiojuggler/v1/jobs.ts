// Made by protoc-gen-b2 from audiojuggler/v1/jobs.proto: change that, not this.
import * as b2 from '../../../b2/proto';

export enum JobState {
  unknown = 0,
  queued = 1,
  running = 2,
  done = 3,
  failed = 4,
  cancelled = 5,
}

export interface GrabRequest {
  /** absolute: FILE.cue, FILE.toc, /dev/sr0 */
  source: string;
  /** folder; made when missing; nothing in it is overwritten */
  into: string;
  /** "" flac; "wav" */
  format: string;
  /** read offset of the drive, in samples */
  offset: number;
  /** path of a file with one line a track (docs/guide); "" for none */
  titles: string;
  /** the same, given here; wins over CD-TEXT */
  titleLines: string[];
}
export const GrabRequestCodec: b2.Codec<GrabRequest> = b2.codec('audiojuggler.v1.GrabRequest', [
  b2.plain(1, 'source', 'string'),
  b2.plain(2, 'into', 'string'),
  b2.plain(3, 'format', 'string'),
  b2.plain(4, 'offset', 'int32'),
  b2.plain(5, 'titles', 'string'),
  b2.list(6, 'titleLines', 'string'),
]);
export const encodeGrabRequest = (message: b2.Init<GrabRequest>): Uint8Array => GrabRequestCodec.encode(message);
export const decodeGrabRequest = (bytes: Uint8Array): GrabRequest => GrabRequestCodec.decode(bytes);

export interface ConvertRequest {
  files: string[];
  /** wav, flac, opus, mp3 */
  to: string;
  into: string;
}
export const ConvertRequestCodec: b2.Codec<ConvertRequest> = b2.codec('audiojuggler.v1.ConvertRequest', [
  b2.list(1, 'files', 'string'),
  b2.plain(2, 'to', 'string'),
  b2.plain(3, 'into', 'string'),
]);
export const encodeConvertRequest = (message: b2.Init<ConvertRequest>): Uint8Array => ConvertRequestCodec.encode(message);
export const decodeConvertRequest = (bytes: Uint8Array): ConvertRequest => ConvertRequestCodec.decode(bytes);

export interface VerifyRequest {
  /** of a grab: rip.json is in it */
  folder: string;
  /** also compare with this disc or image; "" for none */
  source: string;
}
export const VerifyRequestCodec: b2.Codec<VerifyRequest> = b2.codec('audiojuggler.v1.VerifyRequest', [
  b2.plain(1, 'folder', 'string'),
  b2.plain(2, 'source', 'string'),
]);
export const encodeVerifyRequest = (message: b2.Init<VerifyRequest>): Uint8Array => VerifyRequestCodec.encode(message);
export const decodeVerifyRequest = (bytes: Uint8Array): VerifyRequest => VerifyRequestCodec.decode(bytes);

export interface DiscTrack {
  number: number;
  /** LBA of index 1 */
  start: number;
  /** sectors before it */
  pregap: number;
  sectors: number;
  audio: boolean;
  preEmphasis: boolean;
  /** CD-TEXT, as it is */
  title: string;
  performer: string;
  composer: string;
  isrc: string;
}
export const DiscTrackCodec: b2.Codec<DiscTrack> = b2.codec('audiojuggler.v1.DiscTrack', [
  b2.plain(1, 'number', 'uint32'),
  b2.plain(2, 'start', 'uint32'),
  b2.plain(3, 'pregap', 'uint32'),
  b2.plain(4, 'sectors', 'uint32'),
  b2.plain(5, 'audio', 'bool'),
  b2.plain(6, 'preEmphasis', 'bool'),
  b2.plain(7, 'title', 'string'),
  b2.plain(8, 'performer', 'string'),
  b2.plain(9, 'composer', 'string'),
  b2.plain(10, 'isrc', 'string'),
]);
export const encodeDiscTrack = (message: b2.Init<DiscTrack>): Uint8Array => DiscTrackCodec.encode(message);
export const decodeDiscTrack = (bytes: Uint8Array): DiscTrack => DiscTrackCodec.decode(bytes);

export interface Disc {
  source: string;
  /** CD-TEXT */
  title: string;
  performer: string;
  mcn: string;
  /** lead-out */
  sectors: number;
  /** HTOA before track 1 */
  hiddenSectors: number;
  musicbrainzId: string;
  freedbId: string;
  accurateripId: string;
  tracks: DiscTrack[];
}
export const DiscCodec: b2.Codec<Disc> = b2.codec('audiojuggler.v1.Disc', [
  b2.plain(1, 'source', 'string'),
  b2.plain(2, 'title', 'string'),
  b2.plain(3, 'performer', 'string'),
  b2.plain(4, 'mcn', 'string'),
  b2.plain(5, 'sectors', 'uint32'),
  b2.plain(6, 'hiddenSectors', 'uint32'),
  b2.plain(7, 'musicbrainzId', 'string'),
  b2.plain(8, 'freedbId', 'string'),
  b2.plain(9, 'accurateripId', 'string'),
  b2.list(10, 'tracks', () => DiscTrackCodec),
]);
export const encodeDisc = (message: b2.Init<Disc>): Uint8Array => DiscCodec.encode(message);
export const decodeDisc = (bytes: Uint8Array): Disc => DiscCodec.decode(bytes);

export interface TrackResult {
  number: number;
  /** absolute, "" until written */
  file: string;
  sectors: number;
  sectorsDone: number;
  /** of the samples */
  crc32: number;
  accurateripV1: number;
  accurateripV2: number;
  /** sectors that are not certain */
  doubts: number;
  /** what is in the file decodes to the samples that were read */
  verified: boolean;
  /** 200 values 0 … 255: a small picture of the track */
  peaks: Uint8Array;
  /** of the samples, hex */
  sha256: string;
  title: string;
  /** of sound, known once the file is written */
  seconds: number;
}
export const TrackResultCodec: b2.Codec<TrackResult> = b2.codec('audiojuggler.v1.TrackResult', [
  b2.plain(1, 'number', 'uint32'),
  b2.plain(2, 'file', 'string'),
  b2.plain(3, 'sectors', 'uint32'),
  b2.plain(4, 'sectorsDone', 'uint32'),
  b2.plain(5, 'crc32', 'uint32'),
  b2.plain(6, 'accurateripV1', 'uint32'),
  b2.plain(7, 'accurateripV2', 'uint32'),
  b2.plain(8, 'doubts', 'uint32'),
  b2.plain(9, 'verified', 'bool'),
  b2.plain(10, 'peaks', 'bytes'),
  b2.plain(11, 'sha256', 'string'),
  b2.plain(12, 'title', 'string'),
  b2.plain(13, 'seconds', 'double'),
]);
export const encodeTrackResult = (message: b2.Init<TrackResult>): Uint8Array => TrackResultCodec.encode(message);
export const decodeTrackResult = (bytes: Uint8Array): TrackResult => TrackResultCodec.decode(bytes);

export interface Job {
  id: bigint;
  /** "grab", "convert", "verify" */
  kind: string;
  state: JobState;
  /** of this state: rises with every change */
  number: bigint;
  source: string;
  into: string;
  /** grab and verify */
  disc?: Disc | undefined;
  /** sectors of a grab, bytes of the others */
  done: bigint;
  total: bigint;
  seconds: number;
  tracks: TrackResult[];
  ctdbCrc: number;
  /** "" unless it failed */
  error: string;
  /** with all re-reads */
  sectorsRead: bigint;
}
export const JobCodec: b2.Codec<Job> = b2.codec('audiojuggler.v1.Job', [
  b2.plain(1, 'id', 'uint64'),
  b2.plain(2, 'kind', 'string'),
  b2.plain(3, 'state', 'enum'),
  b2.plain(4, 'number', 'uint64'),
  b2.plain(5, 'source', 'string'),
  b2.plain(6, 'into', 'string'),
  b2.optional(7, 'disc', () => DiscCodec),
  b2.plain(8, 'done', 'uint64'),
  b2.plain(9, 'total', 'uint64'),
  b2.plain(10, 'seconds', 'double'),
  b2.list(11, 'tracks', () => TrackResultCodec),
  b2.plain(12, 'ctdbCrc', 'uint32'),
  b2.plain(13, 'error', 'string'),
  b2.plain(14, 'sectorsRead', 'uint64'),
]);
export const encodeJob = (message: b2.Init<Job>): Uint8Array => JobCodec.encode(message);
export const decodeJob = (bytes: Uint8Array): Job => JobCodec.decode(bytes);

export interface ListRequest {
}
export const ListRequestCodec: b2.Codec<ListRequest> = b2.codec('audiojuggler.v1.ListRequest', [
]);
export const encodeListRequest = (message: b2.Init<ListRequest>): Uint8Array => ListRequestCodec.encode(message);
export const decodeListRequest = (bytes: Uint8Array): ListRequest => ListRequestCodec.decode(bytes);

export interface ListResponse {
  jobs: Job[];
}
export const ListResponseCodec: b2.Codec<ListResponse> = b2.codec('audiojuggler.v1.ListResponse', [
  b2.list(1, 'jobs', () => JobCodec),
]);
export const encodeListResponse = (message: b2.Init<ListResponse>): Uint8Array => ListResponseCodec.encode(message);
export const decodeListResponse = (bytes: Uint8Array): ListResponse => ListResponseCodec.decode(bytes);

export interface WatchRequest {
  id: bigint;
}
export const WatchRequestCodec: b2.Codec<WatchRequest> = b2.codec('audiojuggler.v1.WatchRequest', [
  b2.plain(1, 'id', 'uint64'),
]);
export const encodeWatchRequest = (message: b2.Init<WatchRequest>): Uint8Array => WatchRequestCodec.encode(message);
export const decodeWatchRequest = (bytes: Uint8Array): WatchRequest => WatchRequestCodec.decode(bytes);

export interface CancelRequest {
  id: bigint;
}
export const CancelRequestCodec: b2.Codec<CancelRequest> = b2.codec('audiojuggler.v1.CancelRequest', [
  b2.plain(1, 'id', 'uint64'),
]);
export const encodeCancelRequest = (message: b2.Init<CancelRequest>): Uint8Array => CancelRequestCodec.encode(message);
export const decodeCancelRequest = (bytes: Uint8Array): CancelRequest => CancelRequestCodec.decode(bytes);

export interface CancelResponse {
  found: boolean;
}
export const CancelResponseCodec: b2.Codec<CancelResponse> = b2.codec('audiojuggler.v1.CancelResponse', [
  b2.plain(1, 'found', 'bool'),
]);
export const encodeCancelResponse = (message: b2.Init<CancelResponse>): Uint8Array => CancelResponseCodec.encode(message);
export const decodeCancelResponse = (bytes: Uint8Array): CancelResponse => CancelResponseCodec.decode(bytes);

export interface DevicesRequest {
}
export const DevicesRequestCodec: b2.Codec<DevicesRequest> = b2.codec('audiojuggler.v1.DevicesRequest', [
]);
export const encodeDevicesRequest = (message: b2.Init<DevicesRequest>): Uint8Array => DevicesRequestCodec.encode(message);
export const decodeDevicesRequest = (bytes: Uint8Array): DevicesRequest => DevicesRequestCodec.decode(bytes);

export interface Device {
  /** "/dev/sr0" */
  path: string;
  vendor: string;
  model: string;
  revision: string;
  disc: boolean;
}
export const DeviceCodec: b2.Codec<Device> = b2.codec('audiojuggler.v1.Device', [
  b2.plain(1, 'path', 'string'),
  b2.plain(2, 'vendor', 'string'),
  b2.plain(3, 'model', 'string'),
  b2.plain(4, 'revision', 'string'),
  b2.plain(5, 'disc', 'bool'),
]);
export const encodeDevice = (message: b2.Init<Device>): Uint8Array => DeviceCodec.encode(message);
export const decodeDevice = (bytes: Uint8Array): Device => DeviceCodec.decode(bytes);

export interface DevicesResponse {
  devices: Device[];
}
export const DevicesResponseCodec: b2.Codec<DevicesResponse> = b2.codec('audiojuggler.v1.DevicesResponse', [
  b2.list(1, 'devices', () => DeviceCodec),
]);
export const encodeDevicesResponse = (message: b2.Init<DevicesResponse>): Uint8Array => DevicesResponseCodec.encode(message);
export const decodeDevicesResponse = (bytes: Uint8Array): DevicesResponse => DevicesResponseCodec.decode(bytes);

export interface DiscRequest {
  source: string;
}
export const DiscRequestCodec: b2.Codec<DiscRequest> = b2.codec('audiojuggler.v1.DiscRequest', [
  b2.plain(1, 'source', 'string'),
]);
export const encodeDiscRequest = (message: b2.Init<DiscRequest>): Uint8Array => DiscRequestCodec.encode(message);
export const decodeDiscRequest = (bytes: Uint8Array): DiscRequest => DiscRequestCodec.decode(bytes);

/** Long work on audio: started, watched, cancelled. Jobs go on without the one who started them. */
export const Jobs = {
  grab: {
    service: 'audiojuggler.v1.Jobs', name: 'Grab', kind: 'unary', idempotent: false, needs: 'grab',
    request: GrabRequestCodec, response: JobCodec,
  } satisfies b2.Method<GrabRequest, Job>,
  convert: {
    service: 'audiojuggler.v1.Jobs', name: 'Convert', kind: 'unary', idempotent: false, needs: 'grab',
    request: ConvertRequestCodec, response: JobCodec,
  } satisfies b2.Method<ConvertRequest, Job>,
  /** Compares the files of a grab with their rip.json and, where given, with the disc. */
  verify: {
    service: 'audiojuggler.v1.Jobs', name: 'Verify', kind: 'unary', idempotent: false, needs: 'grab',
    request: VerifyRequestCodec, response: JobCodec,
  } satisfies b2.Method<VerifyRequest, Job>,
  list: {
    service: 'audiojuggler.v1.Jobs', name: 'List', kind: 'unary', idempotent: true, needs: '',
    request: ListRequestCodec, response: ListResponseCodec,
  } satisfies b2.Method<ListRequest, ListResponse>,
  /** The whole job at once, then again whenever it changes, at most ten times a second; ends with the job. */
  watch: {
    service: 'audiojuggler.v1.Jobs', name: 'Watch', kind: 'server_stream', idempotent: false, needs: '',
    request: WatchRequestCodec, response: JobCodec,
  } satisfies b2.Method<WatchRequest, Job>,
  cancel: {
    service: 'audiojuggler.v1.Jobs', name: 'Cancel', kind: 'unary', idempotent: false, needs: 'grab',
    request: CancelRequestCodec, response: CancelResponseCodec,
  } satisfies b2.Method<CancelRequest, CancelResponse>,
} as const;

/** Drives and images. */
export const Devices = {
  list: {
    service: 'audiojuggler.v1.Devices', name: 'List', kind: 'unary', idempotent: true, needs: '',
    request: DevicesRequestCodec, response: DevicesResponseCodec,
  } satisfies b2.Method<DevicesRequest, DevicesResponse>,
  /** What the disc in a drive, or an image, says of itself. */
  read: {
    service: 'audiojuggler.v1.Devices', name: 'Read', kind: 'unary', idempotent: true, needs: '',
    request: DiscRequestCodec, response: DiscCodec,
  } satisfies b2.Method<DiscRequest, Disc>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'audiojuggler.v1.GrabRequest': GrabRequestCodec,
  'audiojuggler.v1.ConvertRequest': ConvertRequestCodec,
  'audiojuggler.v1.VerifyRequest': VerifyRequestCodec,
  'audiojuggler.v1.DiscTrack': DiscTrackCodec,
  'audiojuggler.v1.Disc': DiscCodec,
  'audiojuggler.v1.TrackResult': TrackResultCodec,
  'audiojuggler.v1.Job': JobCodec,
  'audiojuggler.v1.ListRequest': ListRequestCodec,
  'audiojuggler.v1.ListResponse': ListResponseCodec,
  'audiojuggler.v1.WatchRequest': WatchRequestCodec,
  'audiojuggler.v1.CancelRequest': CancelRequestCodec,
  'audiojuggler.v1.CancelResponse': CancelResponseCodec,
  'audiojuggler.v1.DevicesRequest': DevicesRequestCodec,
  'audiojuggler.v1.Device': DeviceCodec,
  'audiojuggler.v1.DevicesResponse': DevicesResponseCodec,
  'audiojuggler.v1.DiscRequest': DiscRequestCodec,
};
