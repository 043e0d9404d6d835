import assert from 'node:assert/strict';
import { deserialize, serialize } from 'node:v8';
import { test } from 'node:test';
import { reportOf } from '../announcer/testing/announcerFacts.ts';
import { decodeFromAnnouncer } from './decodeFromAnnouncer.ts';

const REPORT = reportOf('192.0.2.1');
const MOVED = { type: 'moved', address: '192.0.2.1', from: null, to: 'a', reason: 'a, the only candidate', atMs: 1 };
const CONFLICT = { type: 'conflict', address: '2001:db8::1', interface: 'eth0', mac: '02:00:00:00:00:01', defended: true, atMs: 1 };
const WISHES = { type: 'leaseWishes', wishes: { heeded: 3, wanted: ['192.0.2.1', '2001:db8::1'] } };

/** Every leaf of a value, replaced by `undefined` in turn. */
function* withOneLeafGone(value: unknown): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return yield undefined;
  for (const [key, child] of Object.entries(value)) {
    for (const changed of withOneLeafGone(child)) {
      yield Array.isArray(value) ? value.with(Number(key), changed) : { ...value, [key]: changed };
    }
  }
}

test('every message of the protocol survives the channel', () => {
  const messages = [{ type: 'ready' }, { type: 'stopped' }, { type: 'report', report: REPORT }, { type: 'event', event: MOVED }, { type: 'event', event: CONFLICT }, WISHES];
  for (const message of messages) assert.deepEqual(decodeFromAnnouncer(deserialize(serialize(message))), message);
});

test('a message of which any one field is missing is none', () => {
  let count = 0;
  for (const message of [{ type: 'report', report: REPORT }, { type: 'event', event: MOVED }, { type: 'event', event: CONFLICT }, WISHES]) {
    for (const changed of withOneLeafGone(message)) {
      count += 1;
      assert.equal(decodeFromAnnouncer(changed), null, JSON.stringify(changed));
    }
  }
  assert.ok(count > 35, String(count));
});

test('what is no message at all is none', () => {
  for (const value of [null, undefined, 7, 'ready', [], {}, new Map(), { type: 'start' }, { type: 'report' }, { type: 'event', event: { ...MOVED, address: 'web' } }]) {
    assert.equal(decodeFromAnnouncer(value), null);
  }
});
