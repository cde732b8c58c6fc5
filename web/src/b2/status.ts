/** How a call ended (docs/spec/b2.md §5). The numbers are gRPC's, the names Ghostlight's. */
export const Status = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  malformed: 3,
  timedOut: 4,
  notFound: 5,
  exists: 6,
  refused: 7,
  exhausted: 8,
  conflict: 9,
  aborted: 10,
  outOfRange: 11,
  unsupported: 12,
  io: 13,
  busy: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;
export type Status = (typeof Status)[keyof typeof Status];

/** A code from the wire; one that the table does not have is `unknown`. */
export function statusOf(code: number): Status {
  return code <= Status.unauthenticated ? (code as Status) : Status.unknown;
}

/** A call, or a connection, that failed: `status` for the program, `message` for the person. */
export class B2Error extends Error {
  constructor(
    readonly status: Status,
    message: string,
  ) {
    super(message);
    this.name = 'B2Error';
  }
}
