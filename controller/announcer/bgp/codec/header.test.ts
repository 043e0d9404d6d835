import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessage, encodeMessage } from './codec.ts';
import { PLAIN_CODEC, type CodecOptions } from './message.ts';
import { MODERN_CODEC } from './testing/codecOptions.ts';
import { rawMessage } from './testing/rawMessage.ts';

const KEEPALIVE = rawMessage(4, []);
const EXTENDED: CodecOptions = { ...MODERN_CODEC, extendedMessages: true };

interface Row {
  readonly line: string;
  readonly octets: Uint8Array;
  readonly fault: readonly [code: number, subcode: number];
  readonly data: readonly number[];
  readonly options?: CodecOptions;
}

const zeros = (length: number): readonly number[] => Array.from({ length }, () => 0);

const ROWS: readonly Row[] = [
  { line: 'first octet of the marker is not all ones', octets: KEEPALIVE.with(0, 0xfe), fault: [1, 1], data: [] },
  { line: 'last octet of the marker is not all ones', octets: KEEPALIVE.with(15, 0), fault: [1, 1], data: [] },
  { line: 'length 0', octets: rawMessage(4, [], 0), fault: [1, 2], data: [0, 0] },
  { line: 'length 18', octets: rawMessage(4, [], 18), fault: [1, 2], data: [0, 18] },
  { line: 'length 4097', octets: rawMessage(2, zeros(4078)), fault: [1, 2], data: [0x10, 0x01] },
  { line: 'OPEN of 28 octets', octets: rawMessage(1, zeros(9)), fault: [1, 2], data: [0, 28] },
  { line: 'OPEN of 4097 octets in spite of extended messages', octets: rawMessage(1, zeros(4078)), fault: [1, 2], data: [0x10, 0x01], options: EXTENDED },
  { line: 'UPDATE of 22 octets', octets: rawMessage(2, zeros(3)), fault: [1, 2], data: [0, 22] },
  { line: 'NOTIFICATION of 20 octets', octets: rawMessage(3, [6]), fault: [1, 2], data: [0, 20] },
  { line: 'KEEPALIVE of 20 octets', octets: rawMessage(4, [0]), fault: [1, 2], data: [0, 20] },
  { line: 'KEEPALIVE of 4097 octets in spite of extended messages', octets: rawMessage(4, zeros(4078)), fault: [1, 2], data: [0x10, 0x01], options: EXTENDED },
  { line: 'ROUTE-REFRESH of 22 octets', octets: rawMessage(5, zeros(3)), fault: [1, 2], data: [0, 22] },
  { line: 'type 0', octets: rawMessage(0, []), fault: [1, 3], data: [0] },
  { line: 'type 6', octets: rawMessage(6, []), fault: [1, 3], data: [6] },
  { line: 'type 255', octets: rawMessage(255, []), fault: [1, 3], data: [255] },
  { line: 'fewer octets than it says', octets: KEEPALIVE.subarray(0, 18), fault: [1, 2], data: [0, 18] },
  { line: 'more octets than it says', octets: rawMessage(2, zeros(10), 23), fault: [1, 2], data: [0, 23] },
  { line: 'no octets', octets: new Uint8Array(0), fault: [1, 1], data: [] },
];

for (const { line, octets, fault, data, options = PLAIN_CODEC } of ROWS) {
  test(`Header with ${line}: ${fault.join('/')}`, () => {
    const decoded = decodeMessage(octets, options);
    assert.ok(!decoded.ok);
    assert.deepEqual([decoded.fault.code, decoded.fault.subcode], fault);
    assert.deepEqual([...decoded.fault.data], data);
  });
}

test('A keepalive is 19 octets', () => {
  assert.deepEqual(encodeMessage({ type: 'keepalive' }, PLAIN_CODEC), KEEPALIVE);
  assert.deepEqual(decodeMessage(KEEPALIVE, PLAIN_CODEC), { ok: true, message: { type: 'keepalive' } });
});

test('NOTIFICATION and UPDATE may be 65,535 octets long after extended messages were negotiated, and 4096 before', () => {
  const longest = rawMessage(3, [6, 2, ...zeros(65_514)]);
  assert.ok(decodeMessage(longest, EXTENDED).ok);
  assert.ok(!decodeMessage(longest, MODERN_CODEC).ok);
  const notification = { type: 'notification', code: 6, subcode: 2, data: new Uint8Array(4076) } as const;
  assert.throws(() => encodeMessage(notification, MODERN_CODEC), RangeError);
  assert.equal(encodeMessage(notification, EXTENDED).length, 4097);
});

test('ROUTE-REFRESH is read as it was written, of each family and subtype', () => {
  for (const family of ['ipv4', 'ipv6'] as const) {
    for (const subtype of ['request', 'begin', 'end'] as const) {
      const message = { type: 'routeRefresh', family, subtype } as const;
      assert.deepEqual(decodeMessage(encodeMessage(message, PLAIN_CODEC), PLAIN_CODEC), { ok: true, message });
    }
  }
  assert.deepEqual([...encodeMessage({ type: 'routeRefresh', family: 'ipv6', subtype: 'begin' }, PLAIN_CODEC).subarray(16)], [0, 23, 5, 0, 2, 1, 1]);
  assert.throws(() => encodeMessage({ type: 'routeRefresh', family: null, subtype: 'request' }, PLAIN_CODEC), RangeError);
  assert.throws(() => encodeMessage({ type: 'routeRefresh', family: 'ipv4', subtype: 'other' }, PLAIN_CODEC), RangeError);
});

test('ROUTE-REFRESH of strange families, subtypes and with filters is read', () => {
  const read = (...body: readonly number[]): unknown => decodeMessage(rawMessage(5, body), PLAIN_CODEC);
  assert.deepEqual(read(0, 1, 0, 128), { ok: true, message: { type: 'routeRefresh', family: null, subtype: 'request' } });
  assert.deepEqual(read(64, 4, 0, 1), { ok: true, message: { type: 'routeRefresh', family: null, subtype: 'request' } });
  assert.deepEqual(read(0, 1, 9, 1), { ok: true, message: { type: 'routeRefresh', family: 'ipv4', subtype: 'other' } });
  assert.deepEqual(read(0, 1, 0, 1, 1, 64, 0, 9), { ok: true, message: { type: 'routeRefresh', family: 'ipv4', subtype: 'request' } });
});

test('Beginnings and ends of a refresh of another length are answered with the whole message (RFC 7313 section 5)', () => {
  const octets = rawMessage(5, [0, 1, 1, 1, 0]);
  const decoded = decodeMessage(octets, PLAIN_CODEC);
  assert.ok(!decoded.ok);
  assert.deepEqual([decoded.fault.code, decoded.fault.subcode, decoded.fault.data], [7, 1, octets]);
});
