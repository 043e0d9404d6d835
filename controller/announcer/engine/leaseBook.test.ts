import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTROLLER_SILENT_MS, LeaseBook } from './leaseBook.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';

const at = (monotonicMs: number, wallMs = monotonicMs) => ({ monotonicMs, wallMs });
const right = (untilMs: number) => ({ untilMonotonicMs: untilMs, untilWallMs: untilMs });

test('what is gained or lost is told, and what is renewed in time is neither', () => {
  const book = new LeaseBook();
  assert.deepEqual(book.take({ sequence: 1, reachable: true, rights: new Map([[A, right(100)], [B, right(100)]]) }, at(0)), { gained: [A, B], hasLost: false });
  assert.deepEqual(book.take({ sequence: 2, reachable: true, rights: new Map([[A, right(200)]]) }, at(50)), { gained: [], hasLost: true });
  assert.deepEqual([...book.rights], [[A, right(200)]]);
  assert.equal(book.heeded, 2);
});

test('a right that is renewed too late is a new one: others may have had the VIP in between', () => {
  const book = new LeaseBook();
  book.take({ sequence: 1, reachable: true, rights: new Map([[A, right(100)]]) }, at(0));
  assert.deepEqual(book.take({ sequence: 2, reachable: true, rights: new Map([[A, right(200)]]) }, at(100)).gained, [A]);
});

test('a right that comes too late is none, and one ends by itself by whichever clock is first', () => {
  const book = new LeaseBook();
  book.take({ sequence: 1, reachable: true, rights: new Map([[A, right(100)], [B, right(300)]]) }, at(100));
  assert.deepEqual([...book.rights.keys()], [B]);
  book.expire(at(100));
  assert.equal(book.expire(at(150)), false);
  assert.equal(book.expire(at(150, 300)), true);
  assert.equal(book.rights.size, 0);
});

test('a node could hold Leases while its controller speaks and reaches the API server', () => {
  const book = new LeaseBook();
  const nothing = new Map<string, never>();
  assert.equal(book.canHold, false);
  book.take({ sequence: 1, reachable: true, rights: nothing }, at(0));
  assert.equal(book.expire(at(0)), true);
  assert.equal(book.canHold, true);
  book.expire(at(CONTROLLER_SILENT_MS));
  assert.equal(book.canHold, false);
  book.take({ sequence: 2, reachable: false, rights: nothing }, at(CONTROLLER_SILENT_MS));
  assert.equal(book.expire(at(CONTROLLER_SILENT_MS)), false);
  assert.equal(book.canHold, false);
});
