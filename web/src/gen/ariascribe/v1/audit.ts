// Made by protoc-gen-b2 from ariascribe/v1/audit.proto: change that, not this.
import * as b2 from '../../../b2/proto';

export interface AuditRequest {
  /** absolute; files and folders */
  paths: string[];
}
export const AuditRequestCodec: b2.Codec<AuditRequest> = b2.codec('ariascribe.v1.AuditRequest', [
  b2.list(1, 'paths', 'string'),
]);
export const encodeAuditRequest = (message: b2.Init<AuditRequest>): Uint8Array => AuditRequestCodec.encode(message);
export const decodeAuditRequest = (bytes: Uint8Array): AuditRequest => AuditRequestCodec.decode(bytes);

export interface AuditFinding {
  /** "missing_composer", "movement_gap", "two_names", "wrong_field" */
  kind: string;
  /** the file or folder; where it is about many, one that shows it */
  path: string;
  /** how many it is about */
  files: bigint;
  /** a sentence for a person */
  message: string;
}
export const AuditFindingCodec: b2.Codec<AuditFinding> = b2.codec('ariascribe.v1.AuditFinding', [
  b2.plain(1, 'kind', 'string'),
  b2.plain(2, 'path', 'string'),
  b2.plain(3, 'files', 'uint64'),
  b2.plain(4, 'message', 'string'),
]);
export const encodeAuditFinding = (message: b2.Init<AuditFinding>): Uint8Array => AuditFindingCodec.encode(message);
export const decodeAuditFinding = (bytes: Uint8Array): AuditFinding => AuditFindingCodec.decode(bytes);

export interface UnreadFile {
  path: string;
  reason: string;
}
export const UnreadFileCodec: b2.Codec<UnreadFile> = b2.codec('ariascribe.v1.UnreadFile', [
  b2.plain(1, 'path', 'string'),
  b2.plain(2, 'reason', 'string'),
]);
export const encodeUnreadFile = (message: b2.Init<UnreadFile>): Uint8Array => UnreadFileCodec.encode(message);
export const decodeUnreadFile = (bytes: Uint8Array): UnreadFile => UnreadFileCodec.decode(bytes);

export interface AuditSummary {
  files: bigint;
  findings: bigint;
  unread: bigint;
}
export const AuditSummaryCodec: b2.Codec<AuditSummary> = b2.codec('ariascribe.v1.AuditSummary', [
  b2.plain(1, 'files', 'uint64'),
  b2.plain(2, 'findings', 'uint64'),
  b2.plain(3, 'unread', 'uint64'),
]);
export const encodeAuditSummary = (message: b2.Init<AuditSummary>): Uint8Array => AuditSummaryCodec.encode(message);
export const decodeAuditSummary = (bytes: Uint8Array): AuditSummary => AuditSummaryCodec.decode(bytes);

export interface AuditEvent {
  /** looked at so far */
  files: bigint;
  finding?: AuditFinding | undefined;
  unread?: UnreadFile | undefined;
  /** the last message has it */
  summary?: AuditSummary | undefined;
}
export const AuditEventCodec: b2.Codec<AuditEvent> = b2.codec('ariascribe.v1.AuditEvent', [
  b2.plain(1, 'files', 'uint64'),
  b2.optional(2, 'finding', () => AuditFindingCodec),
  b2.optional(3, 'unread', () => UnreadFileCodec),
  b2.optional(4, 'summary', () => AuditSummaryCodec),
]);
export const encodeAuditEvent = (message: b2.Init<AuditEvent>): Uint8Array => AuditEventCodec.encode(message);
export const decodeAuditEvent = (bytes: Uint8Array): AuditEvent => AuditEventCodec.decode(bytes);

/** What a library's tags leave open or contradict. Reads files of the machine where it runs, and writes nothing. */
export const Auditor = {
  /** Findings as they are made, files that cannot be read, how far it is, and last the summary. Without a file of music there it is not_found. */
  audit: {
    service: 'ariascribe.v1.Auditor', name: 'Audit', kind: 'server_stream', idempotent: false, needs: 'describe',
    request: AuditRequestCodec, response: AuditEventCodec,
  } satisfies b2.Method<AuditRequest, AuditEvent>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'ariascribe.v1.AuditRequest': AuditRequestCodec,
  'ariascribe.v1.AuditFinding': AuditFindingCodec,
  'ariascribe.v1.UnreadFile': UnreadFileCodec,
  'ariascribe.v1.AuditSummary': AuditSummaryCodec,
  'ariascribe.v1.AuditEvent': AuditEventCodec,
};
