import assert from 'node:assert/strict';
import type { Source, SourceBatch } from '../../sources/source.ts';

/** A source that says what a test has it say. */
export class FakeSource implements Source {
  readonly #first: Partial<SourceBatch>;
  #onBatch: (batch: SourceBatch) => void = () => assert.fail('not started');
  stops = 0;

  constructor(first: Partial<SourceBatch> = {}) {
    this.#first = first;
  }

  start(onBatch: (batch: SourceBatch) => void): Promise<void> {
    this.#onBatch = onBatch;
    this.send(this.#first);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.stops += 1;
    return Promise.resolve();
  }

  send(batch: Partial<SourceBatch>): void {
    this.#onBatch({ upserts: [], deletes: [], problems: [], ...batch });
  }
}
