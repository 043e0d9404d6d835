import type { SessionEffect } from './bfdSession.ts';
import { fullBucket, takeToken, tokenWaitMs, type TokenBucket, type TokenRate } from '../../../../core/time/tokenBucket.ts';

/** A change of a session, as it is told. */
export type SessionNews = Extract<SessionEffect, { readonly type: 'changed' }>;

/** Ours: a session that comes up and goes down in earnest has four changes a second at most. */
const RATE: TokenRate = { burst: 20, refillMs: 200 };

/**
 * How often a session's changes are told. Who sends packets in the name of a peer can change its state with each of them, and whoever hears
 * of it has others to serve. What is last is never lost: it is told later, and what lay between is not told. Times are ms, monotonic.
 */
export class NewsLimit {
  #bucket: TokenBucket;
  #held: SessionNews | null = null;

  constructor(nowMs: number) {
    this.#bucket = fullBucket(RATE, nowMs);
  }

  /** Answers what is to be told now; null: nothing, it is held back. */
  offer(news: SessionNews, nowMs: number): SessionNews | null {
    this.#held = news;
    return this.take(nowMs);
  }

  /** What was held back and can be told now; null: nothing. */
  take(nowMs: number): SessionNews | null {
    const news = this.#held;
    const bucket = news === null ? null : takeToken(this.#bucket, RATE, nowMs);
    if (bucket === null) return null;
    this.#bucket = bucket;
    this.#held = null;
    return news;
  }

  /** When something is to be taken; null: nothing is held back. */
  dueMs(): number | null {
    const { atMs } = this.#bucket;
    return this.#held === null ? null : atMs + tokenWaitMs(this.#bucket, RATE, atMs);
  }
}
