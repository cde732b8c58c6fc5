/** What two endpoints promise each other in HELLO (docs/spec/b2.md §3, §7), and what they count. */
import type { Limits } from '../gen/b2/v1/hello';
import { kMaxFrameBytes } from './frame';
import { B2Error, Status } from './status';

export const kMaxWindow = 2 ** 31 - 1;
const kSmallest = 4096; // bytes; a frame or window below it is of no use

/** The console's own: wide enough for a page of many nodes, small enough for a phone. */
export const kOurLimits: Limits = {
  frameBytes: 256 * 1024,
  metadataBytes: 8192,
  streams: 256,
  messageBytes: 4 * 1024 * 1024,
  connectionWindow: 1024 * 1024,
  streamWindow: 512 * 1024,
};

/** Bytes of incomplete and unread long messages that one channel holds at most: its share of the receive budget. */
export const kReceiveBudget = 32 * 1024 * 1024;

/** A peer's limits with the defaults filled in. Throws B2Error when they cannot be worked with. */
export function limitsOf(told: Limits | undefined): Limits {
  const or = (value: number | undefined, otherwise: number) => value || otherwise;
  const limits: Limits = {
    frameBytes: Math.min(or(told?.frameBytes, 65_536), kMaxFrameBytes),
    metadataBytes: or(told?.metadataBytes, 8192),
    streams: or(told?.streams, 256),
    messageBytes: or(told?.messageBytes, 4 * 1024 * 1024),
    connectionWindow: or(told?.connectionWindow, 65_536),
    streamWindow: or(told?.streamWindow, 65_536),
  };
  for (const bytes of [limits.frameBytes, limits.connectionWindow, limits.streamWindow])
    if (bytes < kSmallest) throw new B2Error(Status.malformed, `HELLO names a limit of ${bytes} bytes; ${kSmallest} are the least`);
  return limits;
}

/** Bytes a peer may still send, and those used up that it has not been told are free again. */
export class ReceiveWindow {
  private left: number;
  private owed = 0;

  constructor(private readonly size: number) {
    this.left = size;
  }

  /** Takes `bytes` out of the window; false when the peer sent more than it may. */
  take(bytes: number): boolean {
    if (bytes > this.left) return false;
    this.left -= bytes;
    return true;
  }

  /** `bytes` taken earlier are free again. */
  release(bytes: number): void {
    this.owed += bytes;
  }

  /** Whether so much is owed that a frame of its own is worth it. */
  get due(): boolean {
    return this.owed >= this.size / 2;
  }

  /** All that is owed, to be written into a frame. */
  grant(): number {
    const bytes = this.owed;
    this.left += bytes;
    this.owed = 0;
    return bytes;
  }
}

/** Bytes we may still send. Throws B2Error when credit makes it larger than a window can be. */
export class SendWindow {
  constructor(public left: number) {}

  grow(bytes: number): void {
    this.left += bytes;
    if (this.left > kMaxWindow) throw new B2Error(Status.malformed, 'credit grew a window beyond 2^31 - 1 bytes');
  }
}

/** `burst` events at once, then `perSecond`. Answers rapid reset and its kin. */
export class TokenBucket {
  private tokens: number;
  private at: number;

  /** @param now  milliseconds */
  constructor(
    private readonly burst: number,
    private readonly perSecond: number,
    now: number,
  ) {
    this.tokens = burst;
    this.at = now;
  }

  take(now: number): boolean {
    this.tokens = Math.min(this.burst, this.tokens + ((now - this.at) / 1000) * this.perSecond);
    this.at = now;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}
