import { LRUCache } from 'lru-cache';
import { eventKey, type EventWish } from './eventWish.ts';
import { fullBucket, takeToken, type TokenBucket, type TokenRate } from '../../core/time/tokenBucket.ts';

/** client-go's EventSourceObjectSpamFilter: 25 Events of one object at once, then one each 5 minutes. */
const OBJECT_RATE: TokenRate = { burst: 25, refillMs: 300_000 };
/** Events and objects remembered; client-go's maxLruCacheEntries. */
const MAX_REMEMBERED = 4096;

/** An Event as it should stand: a new one, or an earlier one that is counted up. */
export interface EventRecord {
  readonly key: string;
  readonly wish: EventWish;
  /** `metadata.name` of the Event. */
  readonly name: string;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** When something happened, and the name of an Event about it, if it is to be a new one. */
export interface EventMoment {
  readonly name: string;
  /** Since the epoch. */
  readonly nowMs: number;
  /** Of the monotonic clock. */
  readonly monotonicMs: number;
}

/**
 * Decides which Events are written: one that is the same as an earlier one counts that one up, as client-go's EventCorrelator does,
 * and no object has more than its share.
 */
export class EventLog {
  readonly #records = new LRUCache<string, EventRecord>({ max: MAX_REMEMBERED });
  /** uid → bucket. */
  readonly #buckets = new LRUCache<string, TokenBucket>({ max: MAX_REMEMBERED });

  /** The Event to write; null: the object has had too many. */
  take(wish: EventWish, { name, nowMs, monotonicMs }: EventMoment): EventRecord | null {
    const { uid } = wish.object;
    const bucket = takeToken(this.#buckets.get(uid) ?? fullBucket(OBJECT_RATE, monotonicMs), OBJECT_RATE, monotonicMs);
    if (bucket === null) return null;
    this.#buckets.set(uid, bucket);
    const key = eventKey(wish);
    const last = this.#records.get(key);
    const record =
      last === undefined
        ? { key, wish, name, count: 1, firstMs: nowMs, lastMs: nowMs }
        : { ...last, wish, count: last.count + 1, lastMs: nowMs };
    this.#records.set(key, record);
    return record;
  }
}
