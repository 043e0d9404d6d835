import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, testSeed } from '../../../../core/testing/seededRandom.ts';
import { decodeRouterMessage, encodeRouterMessage, type RouterMessage } from './routerMessage.ts';

const NEAR = { mac: Uint8Array.of(2, 0, 0, 0, 0, 1), address: 'fe80::1' };
const FAR = { mac: Uint8Array.of(2, 0, 0, 0, 0, 2), address: 'fe80::2' };
/** Written out from RFC 4861 section 4.2: to all nodes, router lifetime 0, source link-layer address; checksum by hand. */
const ADVERTISEMENT = [
  '333300000001', '020000000001', '86dd',
  '60000000', '0018', '3a', 'ff', 'fe800000000000000000000000000001', 'ff020000000000000000000000000001',
].join('');

test('an advertisement to all nodes has the octets of the RFC', () => {
  const text = Buffer.from(encodeRouterMessage('advertisement', { from: NEAR, to: null })).toString('hex');
  assert.equal(text.slice(0, ADVERTISEMENT.length), ADVERTISEMENT);
  assert.match(text.slice(ADVERTISEMENT.length), /^8600[0-9a-f]{4}0{24}0101020000000001$/);
});

test('what is encoded is decoded, of both types, to all and to one', () => {
  for (const type of ['advertisement', 'solicitation'] as const) {
    for (const to of [null, FAR]) {
      const expected: RouterMessage = { type, ...NEAR };
      assert.deepEqual(decodeRouterMessage(encodeRouterMessage(type, { from: NEAR, to })), expected);
    }
  }
  assert.equal(decodeRouterMessage(encodeRouterMessage('solicitation', { from: { ...NEAR, address: '::' }, to: null }))?.address, '::');
});

test('what is cut, changed, comes through a router or from an address that is not link-local is no message', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const frame = encodeRouterMessage('advertisement', { from: NEAR, to: null });
  for (let length = 0; length < frame.length; length += 1) assert.equal(decodeRouterMessage(frame.subarray(0, length)), null);
  const relayed = frame.slice();
  relayed[21] = 254;
  assert.equal(decodeRouterMessage(relayed), null);
  assert.equal(decodeRouterMessage(encodeRouterMessage('advertisement', { from: { ...NEAR, address: '2001:db8::1' }, to: null })), null);
  assert.equal(decodeRouterMessage(encodeRouterMessage('advertisement', { from: { ...NEAR, address: '::' }, to: null })), null);
  for (let run = 0; run < 2_000; run += 1) {
    const spoilt = frame.slice();
    // Behind the Ethernet header: that one is not summed.
    const at = 22 + Math.floor(random() * (frame.length - 22));
    spoilt[at] = (spoilt[at] ?? 0) ^ (1 + Math.floor(random() * 255));
    assert.equal(decodeRouterMessage(spoilt), null, `seed ${seed}, octet ${at}`);
  }
});

test('an option of length zero, or longer than the message, spoils it', () => {
  for (const length of [0, 2, 255]) {
    const frame = encodeRouterMessage('advertisement', { from: NEAR, to: null });
    const before = frame[71] ?? 0;
    frame[71] = length;
    // The sum is kept right, so that nothing but the option is wrong.
    const sum = (((frame[56] ?? 0) << 8) | (frame[57] ?? 0)) - (length - before);
    frame.set([((sum + 0xffff) % 0xffff) >> 8, (sum + 0xffff) % 0xffff & 0xff], 56);
    assert.equal(decodeRouterMessage(frame), null, `length ${length}`);
  }
});
