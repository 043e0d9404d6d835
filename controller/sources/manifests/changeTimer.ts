/** When a burst of changes is acted on. Times are ms. */
export interface ChangeTimes {
  /** After this long without a further change. */
  readonly quietMs: number;
  /** At the latest, however often changes come. */
  readonly maxDelayMs: number;
}

/** Turns bursts of changes into single calls. */
export class ChangeTimer {
  readonly #times: ChangeTimes;
  readonly #act: () => void;
  #quiet: NodeJS.Timeout | null = null;
  #latest: NodeJS.Timeout | null = null;

  constructor(times: ChangeTimes, act: () => void) {
    this.#times = times;
    this.#act = act;
  }

  /** A change was seen. */
  touch(): void {
    this.#latest ??= setTimeout(() => this.#fire(), this.#times.maxDelayMs);
    if (this.#quiet === null) this.#quiet = setTimeout(() => this.#fire(), this.#times.quietMs);
    else this.#quiet.refresh();
  }

  /** Forgets what was not acted on. */
  stop(): void {
    if (this.#quiet !== null) clearTimeout(this.#quiet);
    if (this.#latest !== null) clearTimeout(this.#latest);
    this.#quiet = null;
    this.#latest = null;
  }

  #fire(): void {
    this.stop();
    this.#act();
  }
}
