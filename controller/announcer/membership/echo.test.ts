import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeEcho, encodeEcho, groupOf, type Echo } from './echo.ts';
import { createOpen, createSeal, decodeMembershipKeys } from './envelope.ts';

const ECHO: Echo = { type: 'request', cookie: '0123456789abcdef', group: 'a1b2c3d4' };

test('an echo comes back as it was, a reply is as long as its request, and nothing else is one', () => {
  for (const type of ['request', 'reply'] as const) assert.deepEqual(decodeEcho(encodeEcho({ ...ECHO, type })), { ...ECHO, type });
  assert.equal(encodeEcho(ECHO).length, encodeEcho({ ...ECHO, type: 'reply' }).length);
  const octets = encodeEcho(ECHO);
  for (let end = 0; end < octets.length; end += 1) assert.equal(decodeEcho(octets.subarray(0, end)), null);
  assert.equal(decodeEcho(Buffer.concat([octets, Buffer.of(0)])), null);
  for (let at = 0; at < 5; at += 1) {
    const changed = Buffer.from(octets);
    changed[at] = 0xff;
    assert.equal(decodeEcho(changed), null);
  }
  assert.equal(decodeEcho(createSeal(null, '0011223344556677')(Buffer.alloc(0))), null);
});

test('the name of a key is the same for the same key only, and that of none comes last', () => {
  const [one, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  assert.equal(groupOf(one), groupOf(Buffer.from(one)));
  assert.notEqual(groupOf(one), groupOf(other));
  assert.match(groupOf(one), /^[0-9a-f]{8}$/);
  assert.equal(groupOf(null), 'ffffffff');
});

test('of several keys the first seals, and all open', () => {
  const [old, next] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const open = createOpen([next, old]);
  for (const key of [old, next]) assert.equal(open(createSeal(key, '0011223344556677')(Buffer.from('x'))).type, key === old ? 'opened' : 'fault', 'a boot has one key');
  assert.equal(open(createSeal(next, '8899aabbccddeeff')(Buffer.from('x'))).type, 'opened');
  assert.deepEqual(open(createSeal(Buffer.alloc(32, 3), '0000000000000001')(Buffer.from('x'))), { type: 'fault', fault: 'authentication' });
});

test('keys are separated by spaces, and of a bounded number', () => {
  const key = Buffer.alloc(16, 7).toString('base64');
  assert.deepEqual(decodeMembershipKeys(`${key} ${key}`), [Buffer.alloc(16, 7), Buffer.alloc(16, 7)]);
  assert.throws(() => decodeMembershipKeys(Array.from({ length: 5 }, () => key).join(' ')), RangeError);
  assert.throws(() => decodeMembershipKeys(`${key} c2hvcnQ=`), /5 octets/);
});
