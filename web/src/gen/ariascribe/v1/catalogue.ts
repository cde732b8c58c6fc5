// Made by protoc-gen-b2 from ariascribe/v1/catalogue.proto: change that, not this.
import * as b2 from '../../../b2/proto';

export enum Band {
  unknown = 0,
  apply = 1,
  review = 2,
  leave = 3,
}

export interface TrackInput {
  title: string;
  album: string;
  artist: string;
  composer: string;
  trackNumber: number;
  durationMs: number;
  performer: string;
  conductor: string;
  ensemble: string;
}
export const TrackInputCodec: b2.Codec<TrackInput> = b2.codec('ariascribe.v1.TrackInput', [
  b2.plain(1, 'title', 'string'),
  b2.plain(2, 'album', 'string'),
  b2.plain(3, 'artist', 'string'),
  b2.plain(4, 'composer', 'string'),
  b2.plain(5, 'trackNumber', 'uint32'),
  b2.plain(6, 'durationMs', 'uint32'),
  b2.plain(7, 'performer', 'string'),
  b2.plain(8, 'conductor', 'string'),
  b2.plain(9, 'ensemble', 'string'),
]);
export const encodeTrackInput = (message: b2.Init<TrackInput>): Uint8Array => TrackInputCodec.encode(message);
export const decodeTrackInput = (bytes: Uint8Array): TrackInput => TrackInputCodec.decode(bytes);

export interface Performer {
  name: string;
  /** conductor, orchestra, ensemble, choir, soloist */
  role: string;
  /** or voice; "" when unknown */
  instrument: string;
}
export const PerformerCodec: b2.Codec<Performer> = b2.codec('ariascribe.v1.Performer', [
  b2.plain(1, 'name', 'string'),
  b2.plain(2, 'role', 'string'),
  b2.plain(3, 'instrument', 'string'),
]);
export const encodePerformer = (message: b2.Init<Performer>): Uint8Array => PerformerCodec.encode(message);
export const decodePerformer = (bytes: Uint8Array): Performer => PerformerCodec.decode(bytes);

/** How sure a field is, and why. */
export interface FieldReason {
  /** "composer", "work", "catalogue", "key", "movement_no", "movement", "performers", "arranger" */
  field: string;
  /** 0 … 1 */
  confidence: number;
  /** "Op. 27 no. 2 stands in the title; one work of 2,104 fits" */
  reason: string;
}
export const FieldReasonCodec: b2.Codec<FieldReason> = b2.codec('ariascribe.v1.FieldReason', [
  b2.plain(1, 'field', 'string'),
  b2.plain(2, 'confidence', 'double'),
  b2.plain(3, 'reason', 'string'),
]);
export const encodeFieldReason = (message: b2.Init<FieldReason>): Uint8Array => FieldReasonCodec.encode(message);
export const decodeFieldReason = (bytes: Uint8Array): FieldReason => FieldReasonCodec.decode(bytes);

export interface Identification {
  composer: string;
  arranger: string;
  work: string;
  /** "op:27/2", "k:467" */
  catalogue: string[];
  /** "C# minor" */
  key: string;
  /** 0: none */
  movementNo: number;
  movement: string;
  movementCount: number;
  performers: Performer[];
  band: Band;
  reasons: FieldReason[];
  /** in this catalogue; "" when the work is not in it */
  workId: string;
}
export const IdentificationCodec: b2.Codec<Identification> = b2.codec('ariascribe.v1.Identification', [
  b2.plain(1, 'composer', 'string'),
  b2.plain(2, 'arranger', 'string'),
  b2.plain(3, 'work', 'string'),
  b2.list(4, 'catalogue', 'string'),
  b2.plain(5, 'key', 'string'),
  b2.plain(6, 'movementNo', 'uint32'),
  b2.plain(7, 'movement', 'string'),
  b2.plain(8, 'movementCount', 'uint32'),
  b2.list(9, 'performers', () => PerformerCodec),
  b2.plain(10, 'band', 'enum'),
  b2.list(11, 'reasons', () => FieldReasonCodec),
  b2.plain(12, 'workId', 'string'),
]);
export const encodeIdentification = (message: b2.Init<Identification>): Uint8Array => IdentificationCodec.encode(message);
export const decodeIdentification = (bytes: Uint8Array): Identification => IdentificationCodec.decode(bytes);

export interface IdentifyRequest {
  track?: TrackInput | undefined;
}
export const IdentifyRequestCodec: b2.Codec<IdentifyRequest> = b2.codec('ariascribe.v1.IdentifyRequest', [
  b2.optional(1, 'track', () => TrackInputCodec),
]);
export const encodeIdentifyRequest = (message: b2.Init<IdentifyRequest>): Uint8Array => IdentifyRequestCodec.encode(message);
export const decodeIdentifyRequest = (bytes: Uint8Array): IdentifyRequest => IdentifyRequestCodec.decode(bytes);

export interface IdentifyAlbumRequest {
  tracks: TrackInput[];
  album: string;
  artist: string;
}
export const IdentifyAlbumRequestCodec: b2.Codec<IdentifyAlbumRequest> = b2.codec('ariascribe.v1.IdentifyAlbumRequest', [
  b2.list(1, 'tracks', () => TrackInputCodec),
  b2.plain(2, 'album', 'string'),
  b2.plain(3, 'artist', 'string'),
]);
export const encodeIdentifyAlbumRequest = (message: b2.Init<IdentifyAlbumRequest>): Uint8Array => IdentifyAlbumRequestCodec.encode(message);
export const decodeIdentifyAlbumRequest = (bytes: Uint8Array): IdentifyAlbumRequest => IdentifyAlbumRequestCodec.decode(bytes);

export interface IdentifyAlbumResponse {
  tracks: Identification[];
}
export const IdentifyAlbumResponseCodec: b2.Codec<IdentifyAlbumResponse> = b2.codec('ariascribe.v1.IdentifyAlbumResponse', [
  b2.list(1, 'tracks', () => IdentificationCodec),
]);
export const encodeIdentifyAlbumResponse = (message: b2.Init<IdentifyAlbumResponse>): Uint8Array => IdentifyAlbumResponseCodec.encode(message);
export const decodeIdentifyAlbumResponse = (bytes: Uint8Array): IdentifyAlbumResponse => IdentifyAlbumResponseCodec.decode(bytes);

export interface ExplainRequest {
  /** one, or those of an album in order */
  tracks: TrackInput[];
  album: string;
  artist: string;
  /** which of them is to be explained, from 0 */
  track: number;
}
export const ExplainRequestCodec: b2.Codec<ExplainRequest> = b2.codec('ariascribe.v1.ExplainRequest', [
  b2.list(1, 'tracks', () => TrackInputCodec),
  b2.plain(2, 'album', 'string'),
  b2.plain(3, 'artist', 'string'),
  b2.plain(4, 'track', 'uint32'),
]);
export const encodeExplainRequest = (message: b2.Init<ExplainRequest>): Uint8Array => ExplainRequestCodec.encode(message);
export const decodeExplainRequest = (bytes: Uint8Array): ExplainRequest => ExplainRequestCodec.decode(bytes);

export interface WorkSummary {
  id: string;
  composer: string;
  title: string;
  catalogue: string[];
  key: string;
  year: number;
  movements: number;
}
export const WorkSummaryCodec: b2.Codec<WorkSummary> = b2.codec('ariascribe.v1.WorkSummary', [
  b2.plain(1, 'id', 'string'),
  b2.plain(2, 'composer', 'string'),
  b2.plain(3, 'title', 'string'),
  b2.list(4, 'catalogue', 'string'),
  b2.plain(5, 'key', 'string'),
  b2.plain(6, 'year', 'uint32'),
  b2.plain(7, 'movements', 'uint32'),
]);
export const encodeWorkSummary = (message: b2.Init<WorkSummary>): Uint8Array => WorkSummaryCodec.encode(message);
export const decodeWorkSummary = (bytes: Uint8Array): WorkSummary => WorkSummaryCodec.decode(bytes);

export interface ConsideredWork {
  work?: WorkSummary | undefined;
  /** from the track's own texts, among all that were weighed and "none of these" */
  probability: number;
  chosen: boolean;
  /** "Op. 27 No. 2 stands in the title" */
  fits: string[];
  /** "it is in E flat major, and the title says C sharp minor" */
  lostBy: string[];
}
export const ConsideredWorkCodec: b2.Codec<ConsideredWork> = b2.codec('ariascribe.v1.ConsideredWork', [
  b2.optional(1, 'work', () => WorkSummaryCodec),
  b2.plain(2, 'probability', 'double'),
  b2.plain(3, 'chosen', 'bool'),
  b2.list(4, 'fits', 'string'),
  b2.list(5, 'lostBy', 'string'),
]);
export const encodeConsideredWork = (message: b2.Init<ConsideredWork>): Uint8Array => ConsideredWorkCodec.encode(message);
export const decodeConsideredWork = (bytes: Uint8Array): ConsideredWork => ConsideredWorkCodec.decode(bytes);

export interface AlbumChange {
  field: string;
  /** as the track by itself has it; "" where it has none */
  alone: string;
  together: string;
  reason: string;
}
export const AlbumChangeCodec: b2.Codec<AlbumChange> = b2.codec('ariascribe.v1.AlbumChange', [
  b2.plain(1, 'field', 'string'),
  b2.plain(2, 'alone', 'string'),
  b2.plain(3, 'together', 'string'),
  b2.plain(4, 'reason', 'string'),
]);
export const encodeAlbumChange = (message: b2.Init<AlbumChange>): Uint8Array => AlbumChangeCodec.encode(message);
export const decodeAlbumChange = (bytes: Uint8Array): AlbumChange => AlbumChangeCodec.decode(bytes);

export interface Explanation {
  /** with its reasons, field by field */
  found?: Identification | undefined;
  /** the likeliest first, 10 at most */
  considered: ConsideredWork[];
  /** the probability that it is none of those weighed */
  none: number;
  changed: AlbumChange[];
}
export const ExplanationCodec: b2.Codec<Explanation> = b2.codec('ariascribe.v1.Explanation', [
  b2.optional(1, 'found', () => IdentificationCodec),
  b2.list(2, 'considered', () => ConsideredWorkCodec),
  b2.plain(3, 'none', 'double'),
  b2.list(4, 'changed', () => AlbumChangeCodec),
]);
export const encodeExplanation = (message: b2.Init<Explanation>): Uint8Array => ExplanationCodec.encode(message);
export const decodeExplanation = (bytes: Uint8Array): Explanation => ExplanationCodec.decode(bytes);

export interface SearchRequest {
  text: string;
  /** 0: 20; at most 200 */
  limit: number;
}
export const SearchRequestCodec: b2.Codec<SearchRequest> = b2.codec('ariascribe.v1.SearchRequest', [
  b2.plain(1, 'text', 'string'),
  b2.plain(2, 'limit', 'uint32'),
]);
export const encodeSearchRequest = (message: b2.Init<SearchRequest>): Uint8Array => SearchRequestCodec.encode(message);
export const decodeSearchRequest = (bytes: Uint8Array): SearchRequest => SearchRequestCodec.decode(bytes);

export interface SearchResponse {
  works: WorkSummary[];
}
export const SearchResponseCodec: b2.Codec<SearchResponse> = b2.codec('ariascribe.v1.SearchResponse', [
  b2.list(1, 'works', () => WorkSummaryCodec),
]);
export const encodeSearchResponse = (message: b2.Init<SearchResponse>): Uint8Array => SearchResponseCodec.encode(message);
export const decodeSearchResponse = (bytes: Uint8Array): SearchResponse => SearchResponseCodec.decode(bytes);

export interface GetRequest {
  id: string;
}
export const GetRequestCodec: b2.Codec<GetRequest> = b2.codec('ariascribe.v1.GetRequest', [
  b2.plain(1, 'id', 'string'),
]);
export const encodeGetRequest = (message: b2.Init<GetRequest>): Uint8Array => GetRequestCodec.encode(message);
export const decodeGetRequest = (bytes: Uint8Array): GetRequest => GetRequestCodec.decode(bytes);

export interface Movement {
  number: number;
  title: string;
  key: string;
}
export const MovementCodec: b2.Codec<Movement> = b2.codec('ariascribe.v1.Movement', [
  b2.plain(1, 'number', 'uint32'),
  b2.plain(2, 'title', 'string'),
  b2.plain(3, 'key', 'string'),
]);
export const encodeMovement = (message: b2.Init<Movement>): Uint8Array => MovementCodec.encode(message);
export const decodeMovement = (bytes: Uint8Array): Movement => MovementCodec.decode(bytes);

export interface Work {
  summary?: WorkSummary | undefined;
  /** nicknames and titles in other languages */
  also: string[];
  movements: Movement[];
  medium: string;
  period: string;
}
export const WorkCodec: b2.Codec<Work> = b2.codec('ariascribe.v1.Work', [
  b2.optional(1, 'summary', () => WorkSummaryCodec),
  b2.list(2, 'also', 'string'),
  b2.list(3, 'movements', () => MovementCodec),
  b2.plain(4, 'medium', 'string'),
  b2.plain(5, 'period', 'string'),
]);
export const encodeWork = (message: b2.Init<Work>): Uint8Array => WorkCodec.encode(message);
export const decodeWork = (bytes: Uint8Array): Work => WorkCodec.decode(bytes);

/** Look-ups in the catalogue of works, and what a messy title means. */
export const Catalogue = {
  identify: {
    service: 'ariascribe.v1.Catalogue', name: 'Identify', kind: 'unary', idempotent: true, needs: 'public',
    request: IdentifyRequestCodec, response: IdentificationCodec,
  } satisfies b2.Method<IdentifyRequest, Identification>,
  /** The tracks of one disc, in order, judged together: they share composer, work and performers, and movement numbers rise. */
  identifyAlbum: {
    service: 'ariascribe.v1.Catalogue', name: 'IdentifyAlbum', kind: 'unary', idempotent: true, needs: 'public',
    request: IdentifyAlbumRequestCodec, response: IdentifyAlbumResponseCodec,
  } satisfies b2.Method<IdentifyAlbumRequest, IdentifyAlbumResponse>,
  /** Why a track is what Identify or IdentifyAlbum says: the works that were weighed, what each has for it and lost by, and what its album changed. */
  explain: {
    service: 'ariascribe.v1.Catalogue', name: 'Explain', kind: 'unary', idempotent: true, needs: 'public',
    request: ExplainRequestCodec, response: ExplanationCodec,
  } satisfies b2.Method<ExplainRequest, Explanation>,
  /** Words may be begun only: "bee 5 symp". */
  search: {
    service: 'ariascribe.v1.Catalogue', name: 'Search', kind: 'unary', idempotent: true, needs: 'public',
    request: SearchRequestCodec, response: SearchResponseCodec,
  } satisfies b2.Method<SearchRequest, SearchResponse>,
  get: {
    service: 'ariascribe.v1.Catalogue', name: 'Get', kind: 'unary', idempotent: true, needs: 'public',
    request: GetRequestCodec, response: WorkCodec,
  } satisfies b2.Method<GetRequest, Work>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'ariascribe.v1.TrackInput': TrackInputCodec,
  'ariascribe.v1.Performer': PerformerCodec,
  'ariascribe.v1.FieldReason': FieldReasonCodec,
  'ariascribe.v1.Identification': IdentificationCodec,
  'ariascribe.v1.IdentifyRequest': IdentifyRequestCodec,
  'ariascribe.v1.IdentifyAlbumRequest': IdentifyAlbumRequestCodec,
  'ariascribe.v1.IdentifyAlbumResponse': IdentifyAlbumResponseCodec,
  'ariascribe.v1.ExplainRequest': ExplainRequestCodec,
  'ariascribe.v1.WorkSummary': WorkSummaryCodec,
  'ariascribe.v1.ConsideredWork': ConsideredWorkCodec,
  'ariascribe.v1.AlbumChange': AlbumChangeCodec,
  'ariascribe.v1.Explanation': ExplanationCodec,
  'ariascribe.v1.SearchRequest': SearchRequestCodec,
  'ariascribe.v1.SearchResponse': SearchResponseCodec,
  'ariascribe.v1.GetRequest': GetRequestCodec,
  'ariascribe.v1.Movement': MovementCodec,
  'ariascribe.v1.Work': WorkCodec,
};
