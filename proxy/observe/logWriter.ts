import type { Writable } from 'node:stream';
import type { LogBatch } from './accessLog.ts';
import type { LogBudget } from './logBudget.ts';

/**
 * Writes the batches of all workers of a process to one stream, from one thread. One writer, because a full pipe cuts
 * the writes of several in the middle of lines. Bounded by the budgets of the workers; nothing ever waits for it.
 */
export class LogWriter {
  readonly #stream: Writable;
  readonly #onDropped: (lines: number) => void;
  #pendingLines = 0;
  #whenIdle: (() => void) | null = null;
  #ended = false;

  constructor(stream: Writable, dependencies: { readonly onDropped: (lines: number) => void }) {
    this.#stream = stream;
    this.#onDropped = dependencies.onDropped;
    // The reader may go away (EPIPE): every write then fails in its own callback, where its lines are counted.
    stream.on('error', () => undefined);
  }

  /** Writes a batch and gives its octets back to the budget once the operating system has them, or never will. */
  write(batch: LogBatch, budget: LogBudget): void {
    if (this.#ended) {
      budget.give(batch.bytes.length);
      this.#onDropped(batch.lines);
      return;
    }
    this.#pendingLines += batch.lines;
    this.#stream.write(batch.bytes, (error) => {
      budget.give(batch.bytes.length);
      this.#pendingLines -= batch.lines;
      if (error !== null && error !== undefined) this.#onDropped(batch.lines);
      if (this.#pendingLines === 0) this.#whenIdle?.();
    });
  }

  /** Lines handed over and not yet taken by the operating system. */
  get pendingLines(): number {
    return this.#pendingLines;
  }

  /**
   * Takes nothing more and waits until all is written, but no longer than `timeoutMs`. Tells how many lines were not.
   * The stream is left open: it is the process's own.
   */
  async end(timeoutMs: number): Promise<number> {
    this.#ended = true;
    if (this.#pendingLines === 0) return 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    this.#whenIdle = resolve;
    await promise;
    clearTimeout(timer);
    return this.#pendingLines;
  }
}
