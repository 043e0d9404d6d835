import type { Clock } from '../../../core/time/clock.ts';

/**
 * What a client may do on one connection beside what its requests need: `burst` at once, `perSecond` in the long run.
 * All ours, well above what browsers, gRPC libraries and h2load do, and far below what costs more than it does to send.
 */
export const FLOOD_LIMITS = {
  /** Requests ended by the client or by its error before their response had begun (CVE-2023-44487, CVE-2025-8671). Envoy: 500. */
  reset: { burst: 500, perSecond: 100 },
  /** Requests above SETTINGS_MAX_CONCURRENT_STREAMS: a client may send many before it has read that setting. */
  refused: { burst: 10_000, perSecond: 100 },
  /** SETTINGS (CVE-2019-9515). */
  settings: { burst: 100, perSecond: 5 },
  /** PING (CVE-2019-9512), RST_STREAM of answered requests, unknown frames. gRPC measures with pings while data flows. */
  control: { burst: 10_000, perSecond: 1_000 },
  /** PRIORITY (CVE-2019-9513). Envoy: 100 for each stream. */
  priority: { burst: 1_000, perSecond: 100 },
  /** DATA without octets and without an end (CVE-2019-9518). Envoy: 1 in a row. */
  empty: { burst: 100, perSecond: 10 },
  /** WINDOW_UPDATE; ten more for each DATA frame sent, as in Envoy. */
  windowUpdate: { burst: 2_000, perSecond: 100 },
  /** DATA cut below 256 octets by a window that the client keeps small (CVE-2019-9511). */
  crumb: { burst: 1_000, perSecond: 50 },
  /** Frames on streams that are over. */
  late: { burst: 1_000, perSecond: 100 },
} as const satisfies Record<string, { readonly burst: number; readonly perSecond: number }>;

export type Flood = keyof typeof FLOOD_LIMITS;

/** Entries of one SETTINGS frame (Node.js: 32, CVE-2020-11080). */
export const MAX_SETTINGS_ENTRIES = 32;
/** Frames that wait as answers while the client reads nothing (Envoy: 1000 control frames). */
export const MAX_UNREAD_FRAMES = 1_000;

interface Bucket {
  left: number;
  filledAtMs: number;
}

/** Counts what one client does against `FLOOD_LIMITS`. */
export class FloodGuard {
  readonly #clock: Clock;
  readonly #buckets = new Map<Flood, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** False: this was one too many. */
  take(flood: Flood): boolean {
    const { burst, perSecond } = FLOOD_LIMITS[flood];
    const nowMs = this.#clock.now();
    let bucket = this.#buckets.get(flood);
    if (bucket === undefined) {
      bucket = { left: burst, filledAtMs: nowMs };
      this.#buckets.set(flood, bucket);
    }
    bucket.left = Math.min(burst, bucket.left + ((nowMs - bucket.filledAtMs) * perSecond) / 1000);
    bucket.filledAtMs = nowMs;
    bucket.left -= 1;
    return bucket.left >= 0;
  }

  /** Gives `count` back. */
  give(flood: Flood, count: number): void {
    const bucket = this.#buckets.get(flood);
    if (bucket !== undefined) bucket.left = Math.min(FLOOD_LIMITS[flood].burst, bucket.left + count);
  }
}
