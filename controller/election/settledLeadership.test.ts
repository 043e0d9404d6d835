import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Leadership } from './leadership.ts';
import { createSettledLeadership } from './settledLeadership.ts';

class FakeLeadership implements Leadership {
  leads = false;
  readonly #listeners = new Set<() => void>();

  isLeader(): boolean {
    return this.leads;
  }

  holder(): string | null {
    return this.leads ? 'one' : null;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  change(leads: boolean): void {
    this.leads = leads;
    for (const listener of this.#listeners) listener();
  }
}

interface Bench {
  readonly inner: FakeLeadership;
  readonly settled: Leadership;
  readonly changes: boolean[];
  /** Ends the reading of a term, counted from 0. */
  readonly answer: (term: number) => Promise<void>;
}

function bench(): Bench {
  const inner = new FakeLeadership();
  const readings: PromiseWithResolvers<void>[] = [];
  const settled = createSettledLeadership(inner, () => {
    const reading = Promise.withResolvers<void>();
    readings.push(reading);
    return reading.promise;
  });
  const changes: boolean[] = [];
  settled.onChange(() => changes.push(settled.isLeader()));
  const answer = async (term: number): Promise<void> => {
    readings[term]?.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { inner, settled, changes, answer };
}

test('who has the Lease leads when it has read anew what the one before it wrote, and says so', async () => {
  const { inner, settled, changes, answer } = bench();
  inner.change(true);
  assert.equal(settled.isLeader(), false);
  assert.equal(settled.holder(), 'one');
  await answer(0);
  assert.equal(settled.isLeader(), true);
  assert.deepEqual(changes, [false, true]);
});

test('leadership ends at once, also when nobody has said so yet', async () => {
  const { inner, settled, answer } = bench();
  inner.change(true);
  await answer(0);
  inner.leads = false;
  assert.equal(settled.isLeader(), false);
});

test('what was read for an earlier term does not count for a later one', async () => {
  const { inner, settled, answer } = bench();
  inner.change(true);
  inner.change(false);
  inner.change(true);
  await answer(0);
  assert.equal(settled.isLeader(), false);
  await answer(1);
  assert.equal(settled.isLeader(), true);
});

test('a reading that ends when the Lease is gone changes nothing', async () => {
  const { inner, settled, changes, answer } = bench();
  inner.change(true);
  inner.leads = false;
  await answer(0);
  assert.deepEqual([settled.isLeader(), changes], [false, [false]]);
});
