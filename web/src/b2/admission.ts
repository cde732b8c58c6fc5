/** What is taken from a peer and what is refused before a handler hears of it (docs/spec/b2.md §3, §5). Pure. */
import { decodeHello, type Hello } from '../gen/b2/v1/hello';
import type { Bytes } from './bytes';
import type { ReadExtensions } from './extensions';
import { Flag, type Frame } from './frame';
import { readMetadata, type Metadata } from './metadata';
import type { MethodTable } from './method_table';
import { B2Error, Status } from './status';

/** HELLO as the peer sent it. Throws B2Error when it is no protobuf of that message, or its node id has another length than one has. */
export function readHello(payload: Bytes): Hello {
  let hello: Hello;
  try {
    hello = decodeHello(payload);
  } catch (error) {
    throw new B2Error(Status.malformed, `malformed HELLO: ${(error as Error).message}`);
  }
  if (hello.nodeId.length !== 0 && hello.nodeId.length !== 32) throw new B2Error(Status.malformed, `malformed HELLO: a node id of ${hello.nodeId.length} bytes`);
  return hello;
}

export interface Callee {
  readonly served: MethodTable;
  readonly bootEpoch: bigint;
  readonly full: boolean; // as many calls are open as are taken
}

/** Metadata and message of a CALL. Throws B2Error when the call, not the connection, is to be refused. */
export function judgeCall(frame: Frame, { known, critical }: ReadExtensions, callee: Callee): { metadata: Metadata; message: Bytes } {
  const refused = (status: Status, why: string) => new B2Error(status, why);
  if (critical !== undefined) throw refused(Status.unsupported, `extension ${critical} is not known here`);
  if (frame.flags & Flag.compressed) throw refused(Status.unsupported, 'no compression was agreed on');
  if (known.epoch !== undefined && known.epoch !== callee.bootEpoch) throw refused(Status.unknown, 'this endpoint has been started again since');
  if (callee.served.name(frame.code) === undefined) throw refused(Status.unsupported, `no method has the index ${frame.code}`);
  if (known.timeoutMs === 0) throw refused(Status.timedOut, 'the deadline had passed');
  const streams = callee.served.takesStream(frame.code);
  if (!streams && (frame.flags & (Flag.end | Flag.more)) === 0) throw refused(Status.unsupported, 'the request must be complete: END is missing');
  if (callee.full) throw refused(Status.exhausted, 'as many calls are open as are taken');
  const told = frame.flags & Flag.meta ? readMetadata(frame.payload) : { metadata: [], message: frame.payload };
  if (streams && (told.message.length > 0 || frame.flags & Flag.more)) throw refused(Status.malformed, 'the method takes a stream, and its CALL carries a message');
  return told;
}
