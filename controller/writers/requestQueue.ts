import type { Clock } from '../../core/time/clock.ts';
import type { Schedule } from './schedule.ts';
import { fullBucket, takeToken, tokenWaitMs, type TokenRate } from '../../core/time/tokenBucket.ts';

/** What became of one piece of work: null: done; else when to try it again, and whether all others are to wait as long. */
export type WorkOutcome = { readonly againInMs: number; readonly pauseAll: boolean } | null;

export interface RequestQueueOptions {
  /** Does what there is to do for the key, with the newest facts. Does not throw. `signal`: nobody wants it any more. */
  readonly work: (key: string, signal: AbortSignal) => Promise<WorkOutcome>;
  /** Asked before each piece of work; while it is false nothing starts. */
  readonly mayWork: () => boolean;
  readonly maxInFlight: number;
  readonly rate: TokenRate;
  readonly clock: Clock;
  readonly schedule: Schedule;
}

/** Keys that something is to be done for, each at most once at a time, oldest first. */
export interface RequestQueue {
  /** To be done now; what waits to be tried again is cut short. While it is being done: once more afterwards. */
  add(key: string): void;
  /** Looks again whether something may start: for when `mayWork` has changed. */
  wake(): void;
  /** Not to be done any more, nor tried again. What is under way ends by itself. */
  delete(key: string): void;
  /** Forgets everything and gives up what is under way. */
  clear(): void;
  /** True when the key waits to be tried again, or for its turn. */
  has(key: string): boolean;
  /** Keys waiting or under way. */
  readonly size: number;
  /** `clear`, for good; resolves when nothing is under way. */
  stop(): Promise<void>;
}

/** Makes a queue; it has a timer only while something waits. */
export function createRequestQueue(options: RequestQueueOptions): RequestQueue {
  return new Queue(options);
}

class Queue implements RequestQueue {
  readonly #options: RequestQueueOptions;
  readonly #ready = new Set<string>();
  /** key → when it is due, ms of the clock. */
  readonly #delayed = new Map<string, number>();
  readonly #inFlight = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();
  /** Keys added while they were under way. */
  readonly #again = new Set<string>();
  #bucket;
  #pausedUntilMs = 0;
  #cancelTimer: (() => void) | null = null;
  #stopped = false;

  constructor(options: RequestQueueOptions) {
    this.#options = options;
    this.#bucket = fullBucket(options.rate, options.clock.now());
  }

  get size(): number {
    return this.#ready.size + this.#delayed.size + this.#inFlight.size;
  }

  add(key: string): void {
    if (this.#stopped) return;
    this.#delayed.delete(key);
    if (this.#inFlight.has(key)) this.#again.add(key);
    else this.#ready.add(key);
    this.#pump();
  }

  wake(): void {
    this.#pump();
  }

  delete(key: string): void {
    this.#ready.delete(key);
    this.#delayed.delete(key);
    this.#again.delete(key);
  }

  clear(): void {
    this.#ready.clear();
    this.#delayed.clear();
    this.#again.clear();
    this.#pausedUntilMs = 0;
    for (const { abort } of this.#inFlight.values()) abort.abort();
    this.#setTimer(null);
  }

  has(key: string): boolean {
    return this.#ready.has(key) || this.#delayed.has(key) || this.#inFlight.has(key);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.clear();
    await Promise.all([...this.#inFlight.values()].map(({ done }) => done));
  }

  #pump(): void {
    if (this.#stopped) return;
    const nowMs = this.#options.clock.now();
    for (const [key, dueMs] of this.#delayed) {
      if (dueMs > nowMs) continue;
      this.#delayed.delete(key);
      this.#ready.add(key);
    }
    while (this.#mayStart(nowMs)) this.#startNext();
    this.#setTimer(this.#nextWakeMs(nowMs));
  }

  #mayStart(nowMs: number): boolean {
    const { maxInFlight, mayWork, rate } = this.#options;
    if (this.#ready.size === 0 || this.#inFlight.size >= maxInFlight || this.#pausedUntilMs > nowMs || !mayWork()) return false;
    const bucket = takeToken(this.#bucket, rate, nowMs);
    if (bucket !== null) this.#bucket = bucket;
    return bucket !== null;
  }

  #startNext(): void {
    const [key] = this.#ready;
    if (key === undefined) return;
    this.#ready.delete(key);
    const abort = new AbortController();
    this.#inFlight.set(key, { abort, done: this.#run(key, abort.signal) });
  }

  async #run(key: string, signal: AbortSignal): Promise<void> {
    const outcome = await this.#options.work(key, signal);
    this.#inFlight.delete(key);
    if (this.#again.delete(key)) this.#ready.add(key);
    else if (outcome !== null && !signal.aborted) this.#delayed.set(key, this.#options.clock.now() + outcome.againInMs);
    if (outcome?.pauseAll === true && !signal.aborted) this.#pausedUntilMs = this.#options.clock.now() + outcome.againInMs;
    this.#pump();
  }

  /** When something can start that cannot now; null: only a call or the end of what is under way changes anything. */
  #nextWakeMs(nowMs: number): number | null {
    const { maxInFlight, clock, rate, mayWork } = this.#options;
    if (this.#inFlight.size >= maxInFlight || !mayWork()) return null;
    const wait = Math.max(this.#pausedUntilMs - nowMs, tokenWaitMs(this.#bucket, rate, clock.now()));
    if (this.#ready.size > 0) return Math.max(0, wait);
    let dueMs = Infinity;
    for (const due of this.#delayed.values()) dueMs = Math.min(dueMs, due);
    return dueMs === Infinity ? null : Math.max(0, dueMs - nowMs);
  }

  #setTimer(delayMs: number | null): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (delayMs === null) return;
    this.#cancelTimer = this.#options.schedule(() => {
      this.#cancelTimer = null;
      this.#pump();
    }, Math.ceil(delayMs));
  }
}
