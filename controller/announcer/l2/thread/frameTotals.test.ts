import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFrameTotals } from './frameTotals.ts';

const counts = (requestsReceived: number) => ({ requestsReceived, repliesSent: 2, gratuitousSent: 3, conflictsSeen: 4 });

test('what one thread counted replaces what it said before, and adds to what earlier threads counted', () => {
  const totals = createFrameTotals();
  totals.update(new Map([['192.0.2.1', counts(1)]]));
  totals.update(new Map([['192.0.2.1', counts(5)], ['192.0.2.2', counts(7)]]));
  assert.equal(totals.read().get('192.0.2.1')?.requestsReceived, 5);
  totals.keep();
  assert.equal(totals.read().get('192.0.2.1')?.requestsReceived, 5);
  totals.update(new Map([['192.0.2.1', counts(10)]]));
  assert.deepEqual(totals.read(), new Map([
    ['192.0.2.1', { requestsReceived: 15, repliesSent: 4, gratuitousSent: 6, conflictsSeen: 8 }], ['192.0.2.2', counts(7)],
  ]));
});
