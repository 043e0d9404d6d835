import type { Clock } from '../../core/time/clock.ts';

/** Told as things happen to the proxy; answers how far it has come. */
export class ProxyProgress {
  readonly #clock: Clock;
  readonly #onApplied: (durationMs: number) => void;
  readonly #firstReady = Promise.withResolvers<void>();
  #waiting: readonly { readonly generation: number; readonly resolve: () => void }[] = [];
  /** Published and not yet applied, oldest first. */
  #pending: readonly { readonly generation: number; readonly publishedAtMs: number }[] = [];
  #serving = false;
  #appliedGeneration = 0;

  /** `onApplied` is told how long each published generation took until every worker served it. */
  constructor(clock: Clock, onApplied: (durationMs: number) => void) {
    this.#clock = clock;
    this.#onApplied = onApplied;
  }

  /** Every worker listens and serves a snapshot. */
  get ready(): boolean {
    return this.#serving && this.#appliedGeneration > 0;
  }

  /** Of the newest snapshot that every worker serves; 0: none. */
  get appliedGeneration(): number {
    return this.#appliedGeneration;
  }

  /** Resolves when it is ready for the first time. */
  get firstReady(): Promise<void> {
    return this.#firstReady.promise;
  }

  /** Resolves when every worker serves this generation or a later one; at once when they do. */
  whenApplied(generation: number): Promise<void> {
    if (this.#serving && this.#appliedGeneration >= generation) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = [...this.#waiting, { generation, resolve }];
    return promise;
  }

  published(generation: number): void {
    this.#pending = [...this.#pending, { generation, publishedAtMs: this.#clock.now() }];
  }

  serving(): void {
    this.#serving = true;
    this.#announce();
  }

  /** Generations may be left out, and come again after a restart. */
  applied(generation: number): void {
    this.#appliedGeneration = generation;
    for (const { publishedAtMs } of this.#pending.filter((one) => one.generation <= generation)) {
      this.#onApplied(this.#clock.now() - publishedAtMs);
    }
    this.#pending = this.#pending.filter((one) => one.generation > generation);
    this.#announce();
  }

  /** The process is gone: nothing is served until the next one says so. */
  exited(): void {
    this.#serving = false;
    this.#appliedGeneration = 0;
  }

  #announce(): void {
    if (!this.ready) return;
    this.#firstReady.resolve();
    for (const { generation, resolve } of this.#waiting) if (generation <= this.#appliedGeneration) resolve();
    this.#waiting = this.#waiting.filter(({ generation }) => generation > this.#appliedGeneration);
  }
}
