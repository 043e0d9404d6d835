import type { Clock } from '../../core/time/clock.ts';

/** Something that ends when its time is over. */
export interface Deadline {
  /** Clock reading, ms, at which `expire` is called; Infinity: never. The owner moves it freely at no cost. */
  at: number;
  expire(): void;
}

/**
 * Many deadlines under one timer. Moving a deadline is one assignment, so a connection can push its own back with every
 * packet; the price is that a deadline may be up to one sweep interval late.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #all = new Set<Deadline>();
  #timer: NodeJS.Timeout | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(deadline: Deadline): void {
    this.#all.add(deadline);
  }

  delete(deadline: Deadline): void {
    this.#all.delete(deadline);
  }

  /** Expires all that are due. Each is set to Infinity first, so it expires once. */
  sweep(): void {
    const now = this.#clock.now();
    for (const deadline of this.#all) {
      if (deadline.at > now) continue;
      deadline.at = Infinity;
      deadline.expire();
    }
  }

  start(intervalMs: number): void {
    this.#timer ??= setInterval(() => this.sweep(), intervalMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
