import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveTicketKeys, ticketEpoch } from './ticketKeys.ts';

const SECRET = Buffer.alloc(32, 1);
const SCOPE = { fingerprint: 'ab', epoch: 7 };

test('equal secrets and scopes give equal keys of 48 octets, whoever derives them', () => {
  const keys = deriveTicketKeys(SECRET, SCOPE);
  assert.equal(keys.length, 48);
  assert.deepEqual(deriveTicketKeys(Buffer.from(SECRET), { ...SCOPE }), keys);
});

test('another secret, certificate or half day gives other keys', () => {
  const all = [
    deriveTicketKeys(SECRET, SCOPE),
    deriveTicketKeys(Buffer.alloc(32, 2), SCOPE),
    deriveTicketKeys(SECRET, { ...SCOPE, fingerprint: 'ac' }),
    deriveTicketKeys(SECRET, { ...SCOPE, epoch: 8 }),
    // The parts do not run into each other.
    deriveTicketKeys(SECRET, { fingerprint: 'ab,7', epoch: 7 }),
  ];
  assert.equal(new Set(all.map((keys) => keys.toString('hex'))).size, all.length);
});

test('the epoch changes twice a day', () => {
  assert.equal(ticketEpoch(0), 0);
  assert.equal(ticketEpoch(12 * 3_600_000 - 1), 0);
  assert.equal(ticketEpoch(12 * 3_600_000), 1);
  assert.equal(ticketEpoch(24 * 3_600_000), 2);
});
