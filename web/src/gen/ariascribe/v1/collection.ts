// Made by protoc-gen-b2 from ariascribe/v1/collection.proto: change that, not this.
import * as b2 from '../../../b2/proto';

export enum ExportFormat {
  jsonld = 0,
  csv = 1,
  marcxml = 2,
}

export interface ImportStart {
  /** "musicbrainz", "marc", "csv" … */
  format: string;
  /** of a table: "title=Werk,composer=Komponist" */
  mapping: string;
  /** who says it; "": what is usual for the format */
  source: string;
  /** as SPDX writes it */
  licence: string;
}
export const ImportStartCodec: b2.Codec<ImportStart> = b2.codec('ariascribe.v1.ImportStart', [
  b2.plain(1, 'format', 'string'),
  b2.plain(2, 'mapping', 'string'),
  b2.plain(3, 'source', 'string'),
  b2.plain(4, 'licence', 'string'),
]);
export const encodeImportStart = (message: b2.Init<ImportStart>): Uint8Array => ImportStartCodec.encode(message);
export const decodeImportStart = (bytes: Uint8Array): ImportStart => ImportStartCodec.decode(bytes);

export interface ImportPiece {
  /** of the first message only */
  start?: ImportStart | undefined;
  /** at most 256 KiB */
  data: Uint8Array;
}
export const ImportPieceCodec: b2.Codec<ImportPiece> = b2.codec('ariascribe.v1.ImportPiece', [
  b2.optional(1, 'start', () => ImportStartCodec),
  b2.plain(2, 'data', 'bytes'),
]);
export const encodeImportPiece = (message: b2.Init<ImportPiece>): Uint8Array => ImportPieceCodec.encode(message);
export const decodeImportPiece = (bytes: Uint8Array): ImportPiece => ImportPieceCodec.decode(bytes);

export interface ImportProblem {
  line: bigint;
  message: string;
}
export const ImportProblemCodec: b2.Codec<ImportProblem> = b2.codec('ariascribe.v1.ImportProblem', [
  b2.plain(1, 'line', 'uint64'),
  b2.plain(2, 'message', 'string'),
]);
export const encodeImportProblem = (message: b2.Init<ImportProblem>): Uint8Array => ImportProblemCodec.encode(message);
export const decodeImportProblem = (bytes: Uint8Array): ImportProblem => ImportProblemCodec.decode(bytes);

export interface ImportSummary {
  /** of the file, good and bad */
  records: bigint;
  /** passed by */
  problems: bigint;
  /** records that were there from a run before */
  resumedAt: bigint;
  /** subjects: works, people and others */
  fresh: bigint;
  changed: bigint;
  same: bigint;
  /** of the catalogue, with it */
  rev: bigint;
}
export const ImportSummaryCodec: b2.Codec<ImportSummary> = b2.codec('ariascribe.v1.ImportSummary', [
  b2.plain(1, 'records', 'uint64'),
  b2.plain(2, 'problems', 'uint64'),
  b2.plain(3, 'resumedAt', 'uint64'),
  b2.plain(4, 'fresh', 'uint64'),
  b2.plain(5, 'changed', 'uint64'),
  b2.plain(6, 'same', 'uint64'),
  b2.plain(7, 'rev', 'int64'),
]);
export const encodeImportSummary = (message: b2.Init<ImportSummary>): Uint8Array => ImportSummaryCodec.encode(message);
export const decodeImportSummary = (bytes: Uint8Array): ImportSummary => ImportSummaryCodec.decode(bytes);

export interface ImportEvent {
  /** bytes of the file that have come */
  received: bigint;
  /** bytes of them that are in the database */
  read: bigint;
  records: bigint;
  problem?: ImportProblem | undefined;
  /** the last message has it */
  summary?: ImportSummary | undefined;
}
export const ImportEventCodec: b2.Codec<ImportEvent> = b2.codec('ariascribe.v1.ImportEvent', [
  b2.plain(1, 'received', 'uint64'),
  b2.plain(2, 'read', 'uint64'),
  b2.plain(3, 'records', 'uint64'),
  b2.optional(4, 'problem', () => ImportProblemCodec),
  b2.optional(5, 'summary', () => ImportSummaryCodec),
]);
export const encodeImportEvent = (message: b2.Init<ImportEvent>): Uint8Array => ImportEventCodec.encode(message);
export const decodeImportEvent = (bytes: Uint8Array): ImportEvent => ImportEventCodec.decode(bytes);

export interface ExportRequest {
  format: ExportFormat;
}
export const ExportRequestCodec: b2.Codec<ExportRequest> = b2.codec('ariascribe.v1.ExportRequest', [
  b2.plain(1, 'format', 'enum'),
]);
export const encodeExportRequest = (message: b2.Init<ExportRequest>): Uint8Array => ExportRequestCodec.encode(message);
export const decodeExportRequest = (bytes: Uint8Array): ExportRequest => ExportRequestCodec.decode(bytes);

export interface ExportPiece {
  data: Uint8Array;
  /** written with it and before */
  works: bigint;
}
export const ExportPieceCodec: b2.Codec<ExportPiece> = b2.codec('ariascribe.v1.ExportPiece', [
  b2.plain(1, 'data', 'bytes'),
  b2.plain(2, 'works', 'uint64'),
]);
export const encodeExportPiece = (message: b2.Init<ExportPiece>): Uint8Array => ExportPieceCodec.encode(message);
export const decodeExportPiece = (bytes: Uint8Array): ExportPiece => ExportPieceCodec.decode(bytes);

export interface ChangesRequest {
  /** with id: where the last page ended; 0: from the beginning; -1: from now on */
  rev: bigint;
  id: string;
}
export const ChangesRequestCodec: b2.Codec<ChangesRequest> = b2.codec('ariascribe.v1.ChangesRequest', [
  b2.plain(1, 'rev', 'int64'),
  b2.plain(2, 'id', 'string'),
]);
export const encodeChangesRequest = (message: b2.Init<ChangesRequest>): Uint8Array => ChangesRequestCodec.encode(message);
export const decodeChangesRequest = (bytes: Uint8Array): ChangesRequest => ChangesRequestCodec.decode(bytes);

export interface ChangedSubject {
  id: string;
  /** "work", "agent", "performance", "recording", "track", "concept" */
  kind: string;
  rev: bigint;
  /** nobody says anything of it any more */
  gone: boolean;
}
export const ChangedSubjectCodec: b2.Codec<ChangedSubject> = b2.codec('ariascribe.v1.ChangedSubject', [
  b2.plain(1, 'id', 'string'),
  b2.plain(2, 'kind', 'string'),
  b2.plain(3, 'rev', 'int64'),
  b2.plain(4, 'gone', 'bool'),
]);
export const encodeChangedSubject = (message: b2.Init<ChangedSubject>): Uint8Array => ChangedSubjectCodec.encode(message);
export const decodeChangedSubject = (bytes: Uint8Array): ChangedSubject => ChangedSubjectCodec.decode(bytes);

export interface ChangesPage {
  /** none in the first page of a caller who has everything */
  changes: ChangedSubject[];
  /** with id: how far this goes; to go on from here, ask for these */
  rev: bigint;
  id: string;
}
export const ChangesPageCodec: b2.Codec<ChangesPage> = b2.codec('ariascribe.v1.ChangesPage', [
  b2.list(1, 'changes', () => ChangedSubjectCodec),
  b2.plain(2, 'rev', 'int64'),
  b2.plain(3, 'id', 'string'),
]);
export const encodeChangesPage = (message: b2.Init<ChangesPage>): Uint8Array => ChangesPageCodec.encode(message);
export const decodeChangesPage = (bytes: Uint8Array): ChangesPage => ChangesPageCodec.decode(bytes);

export interface ShowRequest {
  id: string;
}
export const ShowRequestCodec: b2.Codec<ShowRequest> = b2.codec('ariascribe.v1.ShowRequest', [
  b2.plain(1, 'id', 'string'),
]);
export const encodeShowRequest = (message: b2.Init<ShowRequest>): Uint8Array => ShowRequestCodec.encode(message);
export const decodeShowRequest = (bytes: Uint8Array): ShowRequest => ShowRequestCodec.decode(bytes);

export interface SubjectClaim {
  field: string;
  value: string;
  /** the name of what the value names; the value where it names nothing */
  text: string;
  detail: string;
  source: string;
  licence: string;
  confidence: number;
  standing: boolean;
  shown: boolean;
}
export const SubjectClaimCodec: b2.Codec<SubjectClaim> = b2.codec('ariascribe.v1.SubjectClaim', [
  b2.plain(1, 'field', 'string'),
  b2.plain(2, 'value', 'string'),
  b2.plain(3, 'text', 'string'),
  b2.plain(4, 'detail', 'string'),
  b2.plain(5, 'source', 'string'),
  b2.plain(6, 'licence', 'string'),
  b2.plain(7, 'confidence', 'double'),
  b2.plain(8, 'standing', 'bool'),
  b2.plain(9, 'shown', 'bool'),
]);
export const encodeSubjectClaim = (message: b2.Init<SubjectClaim>): Uint8Array => SubjectClaimCodec.encode(message);
export const decodeSubjectClaim = (bytes: Uint8Array): SubjectClaim => SubjectClaimCodec.decode(bytes);

export interface Subject {
  id: string;
  kind: string;
  rev: bigint;
  gone: boolean;
  refs: string[];
  claims: SubjectClaim[];
}
export const SubjectCodec: b2.Codec<Subject> = b2.codec('ariascribe.v1.Subject', [
  b2.plain(1, 'id', 'string'),
  b2.plain(2, 'kind', 'string'),
  b2.plain(3, 'rev', 'int64'),
  b2.plain(4, 'gone', 'bool'),
  b2.list(5, 'refs', 'string'),
  b2.list(6, 'claims', () => SubjectClaimCodec),
]);
export const encodeSubject = (message: b2.Init<Subject>): Uint8Array => SubjectCodec.encode(message);
export const decodeSubject = (bytes: Uint8Array): Subject => SubjectCodec.decode(bytes);

export interface Correction {
  /** as ShowRequest has it */
  subject: string;
  /** one that has one value: "title", "composer", "year", "musical_key" … */
  field: string;
  /** "": what was said before is taken back */
  value: string;
}
export const CorrectionCodec: b2.Codec<Correction> = b2.codec('ariascribe.v1.Correction', [
  b2.plain(1, 'subject', 'string'),
  b2.plain(2, 'field', 'string'),
  b2.plain(3, 'value', 'string'),
]);
export const encodeCorrection = (message: b2.Init<Correction>): Uint8Array => CorrectionCodec.encode(message);
export const decodeCorrection = (bytes: Uint8Array): Correction => CorrectionCodec.decode(bytes);

export interface CorrectionsRequest {
  corrections: Correction[];
}
export const CorrectionsRequestCodec: b2.Codec<CorrectionsRequest> = b2.codec('ariascribe.v1.CorrectionsRequest', [
  b2.list(1, 'corrections', () => CorrectionCodec),
]);
export const encodeCorrectionsRequest = (message: b2.Init<CorrectionsRequest>): Uint8Array => CorrectionsRequestCodec.encode(message);
export const decodeCorrectionsRequest = (bytes: Uint8Array): CorrectionsRequest => CorrectionsRequestCodec.decode(bytes);

export interface CorrectedValue {
  /** its id */
  subject: string;
  field: string;
  /** as it is shown */
  before: string;
  /** "" with a correction that takes back: what the others say */
  after: string;
}
export const CorrectedValueCodec: b2.Codec<CorrectedValue> = b2.codec('ariascribe.v1.CorrectedValue', [
  b2.plain(1, 'subject', 'string'),
  b2.plain(2, 'field', 'string'),
  b2.plain(3, 'before', 'string'),
  b2.plain(4, 'after', 'string'),
]);
export const encodeCorrectedValue = (message: b2.Init<CorrectedValue>): Uint8Array => CorrectedValueCodec.encode(message);
export const decodeCorrectedValue = (bytes: Uint8Array): CorrectedValue => CorrectedValueCodec.decode(bytes);

export interface CorrectionsProposal {
  id: string;
  values: CorrectedValue[];
}
export const CorrectionsProposalCodec: b2.Codec<CorrectionsProposal> = b2.codec('ariascribe.v1.CorrectionsProposal', [
  b2.plain(1, 'id', 'string'),
  b2.list(2, 'values', () => CorrectedValueCodec),
]);
export const encodeCorrectionsProposal = (message: b2.Init<CorrectionsProposal>): Uint8Array => CorrectionsProposalCodec.encode(message);
export const decodeCorrectionsProposal = (bytes: Uint8Array): CorrectionsProposal => CorrectionsProposalCodec.decode(bytes);

export interface CommitCorrectionsRequest {
  proposal: string;
}
export const CommitCorrectionsRequestCodec: b2.Codec<CommitCorrectionsRequest> = b2.codec('ariascribe.v1.CommitCorrectionsRequest', [
  b2.plain(1, 'proposal', 'string'),
]);
export const encodeCommitCorrectionsRequest = (message: b2.Init<CommitCorrectionsRequest>): Uint8Array => CommitCorrectionsRequestCodec.encode(message);
export const decodeCommitCorrectionsRequest = (bytes: Uint8Array): CommitCorrectionsRequest => CommitCorrectionsRequestCodec.decode(bytes);

export interface CommitCorrectionsResponse {
  /** for Undo */
  commit: string;
  values: number;
}
export const CommitCorrectionsResponseCodec: b2.Codec<CommitCorrectionsResponse> = b2.codec('ariascribe.v1.CommitCorrectionsResponse', [
  b2.plain(1, 'commit', 'string'),
  b2.plain(2, 'values', 'uint32'),
]);
export const encodeCommitCorrectionsResponse = (message: b2.Init<CommitCorrectionsResponse>): Uint8Array => CommitCorrectionsResponseCodec.encode(message);
export const decodeCommitCorrectionsResponse = (bytes: Uint8Array): CommitCorrectionsResponse => CommitCorrectionsResponseCodec.decode(bytes);

export interface UndoCorrectionsRequest {
  commit: string;
}
export const UndoCorrectionsRequestCodec: b2.Codec<UndoCorrectionsRequest> = b2.codec('ariascribe.v1.UndoCorrectionsRequest', [
  b2.plain(1, 'commit', 'string'),
]);
export const encodeUndoCorrectionsRequest = (message: b2.Init<UndoCorrectionsRequest>): Uint8Array => UndoCorrectionsRequestCodec.encode(message);
export const decodeUndoCorrectionsRequest = (bytes: Uint8Array): UndoCorrectionsRequest => UndoCorrectionsRequestCodec.decode(bytes);

export interface UndoCorrectionsResponse {
  values: number;
}
export const UndoCorrectionsResponseCodec: b2.Codec<UndoCorrectionsResponse> = b2.codec('ariascribe.v1.UndoCorrectionsResponse', [
  b2.plain(1, 'values', 'uint32'),
]);
export const encodeUndoCorrectionsResponse = (message: b2.Init<UndoCorrectionsResponse>): Uint8Array => UndoCorrectionsResponseCodec.encode(message);
export const decodeUndoCorrectionsResponse = (bytes: Uint8Array): UndoCorrectionsResponse => UndoCorrectionsResponseCodec.decode(bytes);

/** What is imported, in the database: works, people and recordings, each value with who says it. Reading is for members, writing for the role "describe". */
export const Collection = {
  /**
   * The first message says what the file is, the others are its bytes. Back come problems and progress, and once, last, the summary. One import at a
   * time. The same bytes again go on where they were stopped, or change nothing.
   */
  import: {
    service: 'ariascribe.v1.Collection', name: 'Import', kind: 'bidirectional', idempotent: false, needs: 'describe',
    request: ImportPieceCodec, response: ImportEventCodec,
  } satisfies b2.Method<ImportPiece, ImportEvent>,
  /** The works with sources and licences, piece by piece. */
  export: {
    service: 'ariascribe.v1.Collection', name: 'Export', kind: 'server_stream', idempotent: false, needs: '',
    request: ExportRequestCodec, response: ExportPieceCodec,
  } satisfies b2.Method<ExportRequest, ExportPiece>,
  /** What was changed behind a revision, and then whatever changes, in the order of (rev, id). */
  subscribe: {
    service: 'ariascribe.v1.Collection', name: 'Subscribe', kind: 'server_stream', idempotent: false, needs: '',
    request: ChangesRequestCodec, response: ChangesPageCodec,
  } satisfies b2.Method<ChangesRequest, ChangesPage>,
  /** One subject with all that is said of it. */
  show: {
    service: 'ariascribe.v1.Collection', name: 'Show', kind: 'unary', idempotent: true, needs: '',
    request: ShowRequestCodec, response: SubjectCodec,
  } satisfies b2.Method<ShowRequest, Subject>,
  /** Corrections, as `ariascribe correct` makes them: what would be shown otherwise. Changes no subject. */
  propose: {
    service: 'ariascribe.v1.Collection', name: 'Propose', kind: 'unary', idempotent: false, needs: 'describe',
    request: CorrectionsRequestCodec, response: CorrectionsProposalCodec,
  } satisfies b2.Method<CorrectionsRequest, CorrectionsProposal>,
  /** Writes them, all or none; where a value is shown otherwise since they were proposed, none. */
  commit: {
    service: 'ariascribe.v1.Collection', name: 'Commit', kind: 'unary', idempotent: false, needs: 'describe',
    request: CommitCorrectionsRequestCodec, response: CommitCorrectionsResponseCodec,
  } satisfies b2.Method<CommitCorrectionsRequest, CommitCorrectionsResponse>,
  /** Says again what was said before a commit. */
  undo: {
    service: 'ariascribe.v1.Collection', name: 'Undo', kind: 'unary', idempotent: false, needs: 'describe',
    request: UndoCorrectionsRequestCodec, response: UndoCorrectionsResponseCodec,
  } satisfies b2.Method<UndoCorrectionsRequest, UndoCorrectionsResponse>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'ariascribe.v1.ImportStart': ImportStartCodec,
  'ariascribe.v1.ImportPiece': ImportPieceCodec,
  'ariascribe.v1.ImportProblem': ImportProblemCodec,
  'ariascribe.v1.ImportSummary': ImportSummaryCodec,
  'ariascribe.v1.ImportEvent': ImportEventCodec,
  'ariascribe.v1.ExportRequest': ExportRequestCodec,
  'ariascribe.v1.ExportPiece': ExportPieceCodec,
  'ariascribe.v1.ChangesRequest': ChangesRequestCodec,
  'ariascribe.v1.ChangedSubject': ChangedSubjectCodec,
  'ariascribe.v1.ChangesPage': ChangesPageCodec,
  'ariascribe.v1.ShowRequest': ShowRequestCodec,
  'ariascribe.v1.SubjectClaim': SubjectClaimCodec,
  'ariascribe.v1.Subject': SubjectCodec,
  'ariascribe.v1.Correction': CorrectionCodec,
  'ariascribe.v1.CorrectionsRequest': CorrectionsRequestCodec,
  'ariascribe.v1.CorrectedValue': CorrectedValueCodec,
  'ariascribe.v1.CorrectionsProposal': CorrectionsProposalCodec,
  'ariascribe.v1.CommitCorrectionsRequest': CommitCorrectionsRequestCodec,
  'ariascribe.v1.CommitCorrectionsResponse': CommitCorrectionsResponseCodec,
  'ariascribe.v1.UndoCorrectionsRequest': UndoCorrectionsRequestCodec,
  'ariascribe.v1.UndoCorrectionsResponse': UndoCorrectionsResponseCodec,
};
