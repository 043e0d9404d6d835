import { LRUCache } from 'lru-cache';
import { fullBucket, takeToken, tokenWaitMs, type TokenBucket, type TokenRate } from '../../core/time/tokenBucket.ts';

/** What somebody has undone is written again at once so often, as a slip of the hand, then once a minute (ours). */
const RATE: TokenRate = { burst: 5, refillMs: 60_000 };
/** Objects remembered; one that is forgotten is defended anew. */
const MAX_REMEMBERED = 4096;

/**
 * Keeps two writers of one status from undoing each other's work as fast as the API server can: another load balancer that takes
 * the same Services is likely to write at once whenever we do.
 */
export class Contention {
  readonly #buckets = new LRUCache<string, TokenBucket>({ max: MAX_REMEMBERED });

  /** Time until the object may be defended, ms; 0: now. */
  waitMs(key: string, nowMs: number): number {
    const bucket = this.#buckets.get(key);
    return bucket === undefined ? 0 : tokenWaitMs(bucket, RATE, nowMs);
  }

  /** What somebody had undone stands again. */
  defended(key: string, nowMs: number): void {
    const bucket = takeToken(this.#buckets.get(key) ?? fullBucket(RATE, nowMs), RATE, nowMs);
    if (bucket !== null) this.#buckets.set(key, bucket);
  }

  clear(): void {
    this.#buckets.clear();
  }
}
