import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../core/testing/seededRandom.ts';
import { ApiError, tooManyRequests } from './apiError.ts';

/** What a request is, for rules that pick some. */
export interface RequestKind {
  readonly method: string;
  readonly path: string;
  readonly verb: string;
  readonly resource: string;
}

/** How requests are refused. */
export interface FailureOptions {
  /** 429 with Retry-After, or any other status. Default 500. */
  readonly status?: number;
  /** Default 1. */
  readonly retryAfterSeconds?: number;
  /** Only these requests; default: all. */
  readonly match?: (request: RequestKind) => boolean;
}

/** What can be made to go wrong. */
export interface Faults {
  /** Ends every open watch now, as a broken connection does. */
  cutWatches(): void;
  /** The same again and again; 0: no more. */
  cutWatchesEvery(intervalMs: number): void;
  /** Refuses the next `count` requests. */
  failNext(count: number, options?: FailureOptions): void;
  /** Refuses that share of requests, drawn from `seed`; 0: none. */
  failFraction(fraction: number, options?: FailureOptions & { readonly seed?: number }): void;
  /** Every answer waits so long; 0: none does. */
  delay(delayMs: number): void;
  /** Requests are taken and not answered until `hang(false)`; those that wait are answered then. */
  hang(isHanging: boolean): void;
  /**
   * Forgets all history: older resourceVersions and continue tokens are answered 410. `expireWatches` ends open watches with an
   * ERROR event of 410.
   */
  compact(options?: { readonly expireWatches?: boolean }): void;
  /** A watch from a compacted revision is answered by status 410 instead of an ERROR event in a 200 answer. */
  answerGoneByStatus(isStatus: boolean): void;
  /** Every event of a watch waits so long, one after another; 0: none does. */
  slowWatches(delayMs: number): void;
  /** Ends all of the above. */
  clear(): void;
}

/** What the faults act on. */
export interface FaultTargets {
  readonly cutWatches: () => void;
  readonly expireWatches: () => void;
  readonly compact: () => void;
}

/** The faults, and what the server asks of them. */
export interface FaultState extends Faults {
  /** Before a request is answered: waits, and throws ApiError where it is to be refused. */
  before(request: RequestKind): Promise<void>;
  readonly watchDelayMs: () => number;
  readonly goneByStatus: () => boolean;
}

/** No faults yet. */
export function createFaults(targets: FaultTargets): FaultState {
  let next: { count: number; options: FailureOptions } = { count: 0, options: {} };
  let share: { fraction: number; options: FailureOptions; draw: () => number } = { fraction: 0, options: {}, draw: () => 1 };
  let [delayMs, watchDelayMs, goneByStatus] = [0, 0, false];
  let timer: NodeJS.Timeout | null = null;
  let waits = new AbortController();
  let hanging: { readonly until: Promise<void>; readonly release: () => void } | null = null;
  const faults: FaultState = {
    cutWatches: targets.cutWatches,
    cutWatchesEvery(intervalMs) {
      if (timer !== null) clearInterval(timer);
      timer = intervalMs > 0 ? setInterval(targets.cutWatches, intervalMs) : null;
    },
    failNext: (count, options = {}) => void (next = { count, options }),
    failFraction: (fraction, options = {}) => void (share = { fraction, options, draw: seededRandom(options.seed ?? 1) }),
    delay: (wanted) => void (delayMs = wanted),
    hang(isHanging) {
      if (!isHanging) {
        hanging?.release();
        hanging = null;
      } else if (hanging === null) {
        const { promise, resolve } = Promise.withResolvers<void>();
        hanging = { until: promise, release: resolve };
      }
    },
    compact({ expireWatches = false } = {}) {
      targets.compact();
      if (expireWatches) targets.expireWatches();
    },
    answerGoneByStatus: (isStatus) => void (goneByStatus = isStatus),
    slowWatches: (wanted) => void (watchDelayMs = wanted),
    clear() {
      faults.cutWatchesEvery(0);
      faults.failNext(0);
      faults.failFraction(0);
      faults.hang(false);
      // Whoever still waits is answered now.
      waits.abort();
      waits = new AbortController();
      [delayMs, watchDelayMs, goneByStatus] = [0, 0, false];
    },
    async before(request) {
      if (hanging !== null) await hanging.until;
      if (delayMs > 0) await sleep(delayMs, undefined, { signal: waits.signal }).catch(() => undefined);
      if (next.count > 0 && next.options.match?.(request) !== false) {
        next.count -= 1;
        throw failure(next.options);
      }
      if (share.fraction > 0 && share.options.match?.(request) !== false && share.draw() < share.fraction) throw failure(share.options);
    },
    watchDelayMs: () => watchDelayMs,
    goneByStatus: () => goneByStatus,
  };
  return faults;
}

function failure({ status = 500, retryAfterSeconds = 1 }: FailureOptions): ApiError {
  if (status === 429) return tooManyRequests(retryAfterSeconds);
  return new ApiError(status, 'InternalError', 'Internal error occurred: injected fault', { retryAfterSeconds: status === 503 ? retryAfterSeconds : 0 });
}
