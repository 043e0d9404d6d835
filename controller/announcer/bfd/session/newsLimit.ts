import type { SessionEffect } from './bfdSession.ts';
import { RateLimit } from './rateLimit.ts';

/** A change of a session, as it is told. */
export type SessionNews = Extract<SessionEffect, { readonly type: 'changed' }>;

/** Ours: a session that comes up and goes down in earnest has four changes a second at most. */
const RATE = { burst: 20, intervalMs: 200 } as const;

/**
 * How often a session's changes are told. Who sends packets in the name of a peer can change its state with each of them, and whoever hears
 * of it has others to serve. What is last is never lost: it is told later, and what lay between is not told. Times are ms, monotonic.
 */
export class NewsLimit {
  readonly #rate = new RateLimit(RATE);
  #held: SessionNews | null = null;

  /** Answers what is to be told now; null: nothing, it is held back. */
  offer(news: SessionNews, nowMs: number): SessionNews | null {
    this.#held = news;
    return this.take(nowMs);
  }

  /** What was held back and can be told now; null: nothing. */
  take(nowMs: number): SessionNews | null {
    const news = this.#held;
    if (news === null || !this.#rate.take(nowMs)) return null;
    this.#held = null;
    return news;
  }

  /** When something is to be taken; null: nothing is held back. */
  dueMs(): number | null {
    return this.#held === null ? null : this.#rate.dueMs();
  }
}
