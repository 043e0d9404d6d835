import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_STATE_OCTETS } from './message.ts';
import { decodeState, encodeState, UNKNOWN_STATE } from './stateCodec.ts';
import { STATE } from './testing/messageCorpus.ts';

test('every state comes back as it was, in few octets', () => {
  for (const state of [STATE, UNKNOWN_STATE, { serving: true, unable: [''], held: [] }]) {
    const { octets, omitted } = encodeState(state);
    assert.deepEqual(decodeState(octets), state);
    assert.equal(omitted, 0);
  }
  assert.equal(encodeState(UNKNOWN_STATE).octets.length, 5);
  assert.equal(encodeState({ serving: true, unable: [], held: ['192.0.2.1'] }).octets.length, 10);
});

test('what does not fit 16 KiB is left out from the end, addresses first, and is counted', () => {
  const held = Array.from({ length: 4_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
  const { octets, omitted } = encodeState({ ...STATE, held });
  const decoded = decodeState(octets) ?? assert.fail();
  assert.ok(octets.length <= MAX_STATE_OCTETS && octets.length > MAX_STATE_OCTETS - 5);
  assert.deepEqual(decoded.unable, STATE.unable);
  assert.deepEqual(decoded.held, held.slice(0, decoded.held.length));
  assert.equal(decoded.held.length + omitted, 4_000);
  for (const length of [MAX_STATE_OCTETS, 70_000]) {
    const long = encodeState({ serving: true, unable: ['a', 'x'.repeat(length), 'b'], held: ['192.0.2.1'] });
    assert.deepEqual(decodeState(long.octets), { serving: true, unable: ['a'], held: ['192.0.2.1'] });
    assert.equal(long.omitted, 2);
  }
});

test('what is no address is not told', () => {
  const { octets, omitted } = encodeState({ serving: false, unable: [], held: ['name', '192.0.2.1', '1.2.3'] });
  assert.deepEqual(decodeState(octets)?.held, ['192.0.2.1']);
  assert.equal(omitted, 2);
});

test('a state that is cut anywhere, or goes on behind its end, is none', () => {
  const { octets } = encodeState(STATE);
  for (let end = 0; end < octets.length; end += 1) assert.equal(decodeState(octets.subarray(0, end)), null, `cut at ${end}`);
  assert.equal(decodeState(Buffer.concat([octets, Buffer.of(0)])), null);
  assert.equal(decodeState(Buffer.alloc(MAX_STATE_OCTETS + 1)), null);
});

test('counts beyond the end, unknown flags and families are refused', () => {
  assert.equal(decodeState(Buffer.of(0, 0xff, 0xff, 0, 0)), null);
  assert.equal(decodeState(Buffer.of(0, 0, 0, 0xff, 0xff)), null);
  assert.equal(decodeState(Buffer.of(2, 0, 0, 0, 0)), null);
  assert.equal(decodeState(Buffer.of(0, 0, 0, 0, 1, 5, 1, 2, 3, 4)), null);
});
