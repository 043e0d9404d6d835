import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeMessage } from './codec.ts';
import { createMessageFramer } from './framer.ts';
import { PLAIN_CODEC, type BgpMessage, type CodecOptions } from './message.ts';
import { MODERN_CODEC } from './testing/codecOptions.ts';
import { rawMessage, rawUpdate } from './testing/rawMessage.ts';

const OPEN: BgpMessage = { type: 'open', asn: 64_512, holdTimeS: 90, routerId: '192.0.2.1', capabilities: [{ type: 'routeRefresh' }] };
const MESSAGES: readonly BgpMessage[] = [
  OPEN, { type: 'keepalive' }, { type: 'routeRefresh', family: 'ipv6', subtype: 'request' }, { type: 'keepalive' },
  { type: 'notification', code: 6, subcode: 2, data: Uint8Array.of(2, 104, 105) },
];
const STREAM = Buffer.concat(MESSAGES.map((message) => encodeMessage(message, PLAIN_CODEC)));
const EXTENDED: CodecOptions = { ...MODERN_CODEC, extendedMessages: true };
const KEEPALIVE = rawMessage(4, []);

/** What comes out of the parts, one behind the other. */
function framed(parts: readonly Uint8Array[], options = PLAIN_CODEC): readonly unknown[] {
  const framer = createMessageFramer(options);
  return parts.flatMap((part) => [...framer.messages(part)]).map((decoded) => (decoded.ok ? decoded.message : decoded.fault.subcode));
}

test('Messages come out of a stream cut in two at every place', () => {
  for (let cut = 0; cut <= STREAM.length; cut += 1) assert.deepEqual(framed([STREAM.subarray(0, cut), STREAM.subarray(cut)]), MESSAGES, `cut at ${cut}`);
});

test('Messages come out of a stream cut in three at every two places', () => {
  const stream = STREAM.subarray(0, 75);
  for (let first = 0; first <= stream.length; first += 1) {
    for (let second = first; second <= stream.length; second += 1) {
      assert.equal(framed([stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)]).length, 3);
    }
  }
});

test('Messages come out octet by octet, and none before its last octet', () => {
  const framer = createMessageFramer(PLAIN_CODEC);
  const first = encodeMessage(OPEN, PLAIN_CODEC).length;
  for (const [index, octet] of STREAM.entries()) {
    const found = [...framer.messages(Uint8Array.of(octet))];
    assert.equal(found.length === 1, [first, first + 19, first + 42, first + 61, first + 85].includes(index + 1), `octet ${index}`);
  }
  assert.equal(framer.pendingOctets(), 0);
});

test('A header that cannot be one is refused with its nineteenth octet', () => {
  for (const header of [KEEPALIVE.with(0, 0), rawMessage(2, [], 4097), rawMessage(9, [], 23), rawMessage(1, [], 20), rawMessage(4, [], 20)]) {
    const framer = createMessageFramer(PLAIN_CODEC);
    assert.deepEqual([...framer.messages(header.subarray(0, 18))], []);
    const [decoded] = framer.messages(header.subarray(18));
    assert.ok(decoded !== undefined && !decoded.ok);
  }
});

test('After a fault nothing more comes, of these octets or later ones', () => {
  const framer = createMessageFramer(PLAIN_CODEC);
  const octets = Buffer.concat([KEEPALIVE, rawMessage(9, []), KEEPALIVE]);
  assert.deepEqual([...framer.messages(octets)].map((decoded) => decoded.ok), [true, false]);
  assert.deepEqual([...framer.messages(KEEPALIVE)], []);
});

test('No more than the beginning of one message is kept', () => {
  const framer = createMessageFramer(EXTENDED);
  const longest = rawMessage(3, Array.from({ length: 65_516 }, () => 6));
  assert.deepEqual([...framer.messages(longest.subarray(0, 65_534))], []);
  assert.equal(framer.pendingOctets(), 65_534);
  assert.equal([...framer.messages(Buffer.concat([longest.subarray(65_534), KEEPALIVE, KEEPALIVE.subarray(0, 5)]))].length, 2);
  assert.equal(framer.pendingOctets(), 5);
});

test('Options that change behind an OPEN count for what comes behind it in the same octets', () => {
  const update = rawUpdate({ withdrawn: Array.from({ length: 5000 }, () => 0) });
  const parts = Buffer.concat([encodeMessage(OPEN, PLAIN_CODEC), update]);
  assert.deepEqual([...createMessageFramer(PLAIN_CODEC).messages(parts)].map((decoded) => decoded.ok), [true, false]);
  const framer = createMessageFramer(PLAIN_CODEC);
  const types: string[] = [];
  for (const decoded of framer.messages(parts)) {
    assert.ok(decoded.ok);
    types.push(decoded.message.type);
    framer.setOptions(EXTENDED);
  }
  assert.deepEqual(types, ['open', 'update']);
});

test('A header that came before the options changed is judged by those it ends under', () => {
  const framer = createMessageFramer(EXTENDED);
  const octets = rawMessage(3, Array.from({ length: 5000 }, () => 6));
  assert.deepEqual([...framer.messages(octets.subarray(0, 100))], []);
  framer.setOptions(MODERN_CODEC);
  assert.deepEqual([...framer.messages(octets.subarray(100))].map((decoded) => decoded.ok), [false]);
});
