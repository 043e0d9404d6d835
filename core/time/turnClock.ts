import type { Clock } from './clock.ts';

/**
 * A monotonic clock that is read once per turn of the event loop, ms. A busy worker asks for the time ten times per
 * request; all of one turn happens within a millisecond or two, which is as exact as timeouts and logs need.
 */
export class TurnClock implements Clock {
  readonly #clock: Clock;
  #nowMs = 0;
  #isCurrent = false;
  readonly #endTurn = (): void => {
    this.#isCurrent = false;
  };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    if (!this.#isCurrent) {
      this.#isCurrent = true;
      this.#nowMs = this.#clock.now();
      setImmediate(this.#endTurn);
    }
    return this.#nowMs;
  }
}
