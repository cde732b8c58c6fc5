// Made by protoc-gen-b2 from ariascribe/v1/library.proto: change that, not this.
import * as b2 from '../../../b2/proto';
import { IdentificationCodec, type Identification } from '../../ariascribe/v1/catalogue';

export interface ProposeRequest {
  /** absolute; files and folders */
  paths: string[];
  /** also what the band "review" holds */
  withReview: boolean;
}
export const ProposeRequestCodec: b2.Codec<ProposeRequest> = b2.codec('ariascribe.v1.ProposeRequest', [
  b2.list(1, 'paths', 'string'),
  b2.plain(2, 'withReview', 'bool'),
]);
export const encodeProposeRequest = (message: b2.Init<ProposeRequest>): Uint8Array => ProposeRequestCodec.encode(message);
export const decodeProposeRequest = (bytes: Uint8Array): ProposeRequest => ProposeRequestCodec.decode(bytes);

export interface TagChange {
  /** "COMPOSER", as in Vorbis comments */
  tag: string;
  before: string[];
  after: string[];
  confidence: number;
  reason: string;
}
export const TagChangeCodec: b2.Codec<TagChange> = b2.codec('ariascribe.v1.TagChange', [
  b2.plain(1, 'tag', 'string'),
  b2.list(2, 'before', 'string'),
  b2.list(3, 'after', 'string'),
  b2.plain(4, 'confidence', 'double'),
  b2.plain(5, 'reason', 'string'),
]);
export const encodeTagChange = (message: b2.Init<TagChange>): Uint8Array => TagChangeCodec.encode(message);
export const decodeTagChange = (bytes: Uint8Array): TagChange => TagChangeCodec.decode(bytes);

export interface TrackProposal {
  path: string;
  identification?: Identification | undefined;
  changes: TagChange[];
  titleBefore: string;
  /** why this file can't be read; "" when it can */
  problem: string;
}
export const TrackProposalCodec: b2.Codec<TrackProposal> = b2.codec('ariascribe.v1.TrackProposal', [
  b2.plain(1, 'path', 'string'),
  b2.optional(2, 'identification', () => IdentificationCodec),
  b2.list(3, 'changes', () => TagChangeCodec),
  b2.plain(4, 'titleBefore', 'string'),
  b2.plain(5, 'problem', 'string'),
]);
export const encodeTrackProposal = (message: b2.Init<TrackProposal>): Uint8Array => TrackProposalCodec.encode(message);
export const decodeTrackProposal = (bytes: Uint8Array): TrackProposal => TrackProposalCodec.decode(bytes);

export interface Proposal {
  id: string;
  tracks: TrackProposal[];
}
export const ProposalCodec: b2.Codec<Proposal> = b2.codec('ariascribe.v1.Proposal', [
  b2.plain(1, 'id', 'string'),
  b2.list(2, 'tracks', () => TrackProposalCodec),
]);
export const encodeProposal = (message: b2.Init<Proposal>): Uint8Array => ProposalCodec.encode(message);
export const decodeProposal = (bytes: Uint8Array): Proposal => ProposalCodec.decode(bytes);

export interface CommitRequest {
  proposal: string;
  /** as the proposal has them: these files alone, and the others stay proposed; none: all files */
  paths: string[];
}
export const CommitRequestCodec: b2.Codec<CommitRequest> = b2.codec('ariascribe.v1.CommitRequest', [
  b2.plain(1, 'proposal', 'string'),
  b2.list(2, 'paths', 'string'),
]);
export const encodeCommitRequest = (message: b2.Init<CommitRequest>): Uint8Array => CommitRequestCodec.encode(message);
export const decodeCommitRequest = (bytes: Uint8Array): CommitRequest => CommitRequestCodec.decode(bytes);

export interface SkippedFile {
  path: string;
  /** "nothing would change", "an MP4 in fragments …" */
  reason: string;
}
export const SkippedFileCodec: b2.Codec<SkippedFile> = b2.codec('ariascribe.v1.SkippedFile', [
  b2.plain(1, 'path', 'string'),
  b2.plain(2, 'reason', 'string'),
]);
export const encodeSkippedFile = (message: b2.Init<SkippedFile>): Uint8Array => SkippedFileCodec.encode(message);
export const decodeSkippedFile = (bytes: Uint8Array): SkippedFile => SkippedFileCodec.decode(bytes);

export interface CommitResponse {
  /** for Undo */
  commit: string;
  files: number;
  tags: number;
  /** files that were to be written and were not; where no paths were given, those with changes only */
  skipped: SkippedFile[];
}
export const CommitResponseCodec: b2.Codec<CommitResponse> = b2.codec('ariascribe.v1.CommitResponse', [
  b2.plain(1, 'commit', 'string'),
  b2.plain(2, 'files', 'uint32'),
  b2.plain(3, 'tags', 'uint32'),
  b2.list(4, 'skipped', () => SkippedFileCodec),
]);
export const encodeCommitResponse = (message: b2.Init<CommitResponse>): Uint8Array => CommitResponseCodec.encode(message);
export const decodeCommitResponse = (bytes: Uint8Array): CommitResponse => CommitResponseCodec.decode(bytes);

export interface UndoRequest {
  commit: string;
}
export const UndoRequestCodec: b2.Codec<UndoRequest> = b2.codec('ariascribe.v1.UndoRequest', [
  b2.plain(1, 'commit', 'string'),
]);
export const encodeUndoRequest = (message: b2.Init<UndoRequest>): Uint8Array => UndoRequestCodec.encode(message);
export const decodeUndoRequest = (bytes: Uint8Array): UndoRequest => UndoRequestCodec.decode(bytes);

export interface UndoResponse {
  files: number;
}
export const UndoResponseCodec: b2.Codec<UndoResponse> = b2.codec('ariascribe.v1.UndoResponse', [
  b2.plain(1, 'files', 'uint32'),
]);
export const encodeUndoResponse = (message: b2.Init<UndoResponse>): Uint8Array => UndoResponseCodec.encode(message);
export const decodeUndoResponse = (bytes: Uint8Array): UndoResponse => UndoResponseCodec.decode(bytes);

/** Tags in files: proposed, written with a journal, undone byte for byte. */
export const Library = {
  /** Reads the tags of a folder's files, taken as one album in the order of track numbers, and says what would change. Writes nothing. */
  propose: {
    service: 'ariascribe.v1.Library', name: 'Propose', kind: 'unary', idempotent: false, needs: 'describe',
    request: ProposeRequestCodec, response: ProposalCodec,
  } satisfies b2.Method<ProposeRequest, Proposal>,
  /** Writes what was proposed, of all files or some; a file that changed since is refused, and then nothing is written. */
  commit: {
    service: 'ariascribe.v1.Library', name: 'Commit', kind: 'unary', idempotent: false, needs: 'describe',
    request: CommitRequestCodec, response: CommitResponseCodec,
  } satisfies b2.Method<CommitRequest, CommitResponse>,
  /** Puts every file of a commit back as it was, byte for byte. */
  undo: {
    service: 'ariascribe.v1.Library', name: 'Undo', kind: 'unary', idempotent: false, needs: 'describe',
    request: UndoRequestCodec, response: UndoResponseCodec,
  } satisfies b2.Method<UndoRequest, UndoResponse>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'ariascribe.v1.ProposeRequest': ProposeRequestCodec,
  'ariascribe.v1.TagChange': TagChangeCodec,
  'ariascribe.v1.TrackProposal': TrackProposalCodec,
  'ariascribe.v1.Proposal': ProposalCodec,
  'ariascribe.v1.CommitRequest': CommitRequestCodec,
  'ariascribe.v1.SkippedFile': SkippedFileCodec,
  'ariascribe.v1.CommitResponse': CommitResponseCodec,
  'ariascribe.v1.UndoRequest': UndoRequestCodec,
  'ariascribe.v1.UndoResponse': UndoResponseCodec,
};
