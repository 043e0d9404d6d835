import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessage, encodeMessage } from './codec.ts';
import { PLAIN_CODEC, type Capability, type OpenMessage } from './message.ts';
import { rawOpen } from './testing/rawMessage.ts';

const EVERY_CAPABILITY: readonly Capability[] = [
  { type: 'multiprotocol', family: 'ipv4' },
  { type: 'multiprotocol', family: 'ipv6' },
  { type: 'routeRefresh' },
  { type: 'enhancedRouteRefresh' },
  { type: 'fourOctetAsn', asn: 4_200_000_000 },
  {
    type: 'gracefulRestart', restarting: true, notification: true, restartTimeS: 4095,
    families: [{ family: 'ipv4', forwarding: true }, { family: 'ipv6', forwarding: false }],
  },
  { type: 'longLivedGracefulRestart', families: [{ family: 'ipv6', forwarding: true, staleTimeS: 0xff_fffe }] },
  { type: 'addPath', families: [{ family: 'ipv4', send: true, receive: false }, { family: 'ipv6', send: true, receive: true }] },
  { type: 'extendedMessage' },
  { type: 'extendedNextHop', entries: [{ family: 'ipv4', nextHop: 'ipv6' }] },
  { type: 'fqdn', hostName: 'node-1', domainName: 'example.org' },
  { type: 'role', role: 3 },
  { type: 'other', code: 128, value: new Uint8Array(0) },
  { type: 'other', code: 200, value: Uint8Array.of(1, 2, 3) },
];
const OPEN: OpenMessage = { type: 'open', asn: 4_200_000_000, holdTimeS: 90, routerId: '192.0.2.1', capabilities: EVERY_CAPABILITY };

test('An OPEN with every capability is read as it was written', () => {
  assert.deepEqual(decodeMessage(encodeMessage(OPEN, PLAIN_CODEC), PLAIN_CODEC), { ok: true, message: OPEN });
});

test('An OPEN is written octet for octet as RFC 4271, RFC 5492 and RFC 6793 have it', () => {
  const octets = encodeMessage({ ...OPEN, capabilities: [{ type: 'multiprotocol', family: 'ipv6' }, { type: 'fourOctetAsn', asn: 4_200_000_000 }] }, PLAIN_CODEC);
  assert.equal(
    Buffer.from(octets).toString('hex'),
    `${'f'.repeat(32)}002b01` + '04' + '5ba0' + '005a' + 'c0000201' + '0e' + '020c' + '010400020001' + '4104fa56ea00',
  );
});

test('An AS number of two octets stands in My Autonomous System, and no capability need say it', () => {
  const open: OpenMessage = { ...OPEN, asn: 64_512, capabilities: [] };
  const octets = encodeMessage(open, PLAIN_CODEC);
  assert.equal(octets.length, 29);
  assert.deepEqual(decodeMessage(octets, PLAIN_CODEC), { ok: true, message: open });
});

test('Capabilities of more than 255 octets go in the extended form of RFC 9072', () => {
  const capabilities = Array.from({ length: 20 }, (_, index): Capability => ({ type: 'other', code: 200 + index, value: new Uint8Array(100) }));
  const open = { ...OPEN, asn: 64_512, capabilities };
  const octets = encodeMessage(open, PLAIN_CODEC);
  assert.deepEqual([...octets.subarray(28, 37)], [255, 255, 0x07, 0xfb, 2, 0x07, 0xf8, 200, 100]);
  assert.deepEqual(decodeMessage(octets, PLAIN_CODEC), { ok: true, message: open });
});

test('Optional parameters have their short form up to the last octet', () => {
  for (const length of [250, 251, 252]) {
    const open: OpenMessage = { ...OPEN, asn: 64_512, capabilities: [{ type: 'other', code: 200, value: new Uint8Array(length) }] };
    const octets = encodeMessage(open, PLAIN_CODEC);
    assert.deepEqual([octets[28], octets[29]], length + 4 <= 255 ? [length + 4, 2] : [255, 255]);
    assert.deepEqual(decodeMessage(octets, PLAIN_CODEC), { ok: true, message: open });
  }
});

test('What does not fit is not written', () => {
  const many = Array.from({ length: 40 }, (): Capability => ({ type: 'other', code: 200, value: new Uint8Array(200) }));
  const options = { ...PLAIN_CODEC, extendedMessages: true };
  assert.throws(() => encodeMessage({ ...OPEN, capabilities: many }, options), RangeError);
  assert.throws(() => encodeMessage({ ...OPEN, holdTimeS: 65_536 }, options), RangeError);
  assert.throws(() => encodeMessage({ ...OPEN, routerId: '192.0.2' }, options), TypeError);
  assert.throws(() => encodeMessage({ ...OPEN, capabilities: [{ type: 'role', role: -1 }] }, options), RangeError);
});

test('Capabilities in several parameters, and the extended form for few of them, are read alike', () => {
  const both: readonly Capability[] = [{ type: 'routeRefresh' }, { type: 'extendedMessage' }];
  for (const octets of [rawOpen([8, 2, 2, 2, 0, 2, 2, 6, 0]), rawOpen([255, 255, 0, 10, 2, 0, 2, 2, 0, 2, 0, 2, 6, 0]), rawOpen([9, 255, 0, 7, 2, 0, 4, 2, 0, 6, 0])]) {
    const decoded = decodeMessage(octets, PLAIN_CODEC);
    assert.ok(decoded.ok && decoded.message.type === 'open');
    assert.deepEqual(decoded.message.capabilities, both);
  }
});

interface Row {
  readonly line: string;
  readonly octets: Uint8Array;
  readonly fault: readonly [code: number, subcode: number];
  readonly data?: readonly number[];
}

const capability = (...octets: readonly number[]): Uint8Array => rawOpen([octets.length + 2, 2, octets.length, ...octets]);

const ROWS: readonly Row[] = [
  { line: 'version 3', octets: rawOpen([0], { 0: 3 }), fault: [2, 1], data: [0, 4] },
  { line: 'AS 0', octets: rawOpen([0], { 1: 0, 2: 0 }), fault: [2, 2] },
  { line: 'AS 0 and another in the capability', octets: rawOpen([8, 2, 6, 65, 4, 0, 0, 0xfc, 0], { 1: 0, 2: 0 }), fault: [2, 2] },
  { line: 'AS_TRANS without the capability for 4-octet AS numbers', octets: rawOpen([0], { 1: 0x5b, 2: 0xa0 }), fault: [2, 2] },
  { line: 'AS 0 in the capability', octets: capability(65, 4, 0, 0, 0, 0), fault: [2, 2] },
  { line: 'AS_TRANS in the capability', octets: capability(65, 4, 0, 0, 0x5b, 0xa0), fault: [2, 2] },
  { line: 'two different 4-octet AS numbers', octets: capability(65, 4, 0, 1, 0, 0, 65, 4, 0, 2, 0, 0), fault: [2, 2] },
  { line: 'BGP Identifier 0.0.0.0', octets: rawOpen([0], { 5: 0, 6: 0, 7: 0, 8: 0 }), fault: [2, 3] },
  { line: 'hold time 1', octets: rawOpen([0], { 3: 0, 4: 1 }), fault: [2, 6] },
  { line: 'hold time 2', octets: rawOpen([0], { 3: 0, 4: 2 }), fault: [2, 6] },
  { line: 'optional parameter 1 (authentication)', octets: rawOpen([3, 1, 1, 0]), fault: [2, 4] },
  { line: 'optional parameter 255 behind another', octets: rawOpen([6, 2, 2, 2, 0, 255, 0]), fault: [2, 4] },
  // FRR CVE-2022-43681: an OPEN that ends at the octet for the length of optional parameters.
  { line: 'end at the length of optional parameters', octets: rawOpen([5]), fault: [2, 0] },
  { line: 'end at the length 255 of optional parameters', octets: rawOpen([255]), fault: [2, 0] },
  // FRR CVE-2022-40302, CVE-2022-40318: the extended form, cut off.
  { line: 'end behind the mark of the extended form', octets: rawOpen([255, 255]), fault: [2, 0] },
  { line: 'end in the extended length', octets: rawOpen([255, 255, 0]), fault: [2, 0] },
  { line: 'extended length beyond the message', octets: rawOpen([255, 255, 0, 9, 2, 0, 2, 2, 0]), fault: [2, 0] },
  { line: 'extended length short of the message', octets: rawOpen([255, 255, 0, 4, 2, 0, 2, 2, 0]), fault: [2, 0] },
  { line: 'extended parameter that ends in its length', octets: rawOpen([255, 255, 0, 2, 2, 0]), fault: [2, 0] },
  { line: 'extended parameter beyond the parameters', octets: rawOpen([255, 255, 0, 5, 2, 255, 255, 2, 0]), fault: [2, 0] },
  { line: 'parameter that ends at its type', octets: rawOpen([1, 2]), fault: [2, 0] },
  { line: 'parameter beyond the parameters', octets: rawOpen([4, 2, 3, 2, 0]), fault: [2, 0] },
  { line: 'octets behind the parameters', octets: rawOpen([0, 2, 0]), fault: [2, 0] },
  { line: 'capability that ends at its code', octets: capability(2), fault: [2, 0] },
  { line: 'capability beyond its parameter', octets: capability(65, 5, 0, 1, 0, 0), fault: [2, 0] },
  { line: 'multiprotocol capability of 3 octets', octets: capability(1, 3, 0, 1, 0), fault: [2, 0] },
  { line: 'route refresh capability with a value', octets: capability(2, 1, 0), fault: [2, 0] },
  { line: 'graceful restart capability of 1 octet', octets: capability(64, 1, 0), fault: [2, 0] },
  { line: 'graceful restart capability with half a family', octets: capability(64, 4, 0, 120, 0, 1), fault: [2, 0] },
  { line: '4-octet AS capability of 2 octets', octets: capability(65, 2, 0xfc, 0), fault: [2, 0] },
  { line: 'ADD-PATH capability of 5 octets', octets: capability(69, 5, 0, 1, 1, 1, 0), fault: [2, 0] },
  { line: 'extended next hop capability of 5 octets', octets: capability(5, 5, 0, 1, 0, 1, 0), fault: [2, 0] },
  { line: 'long-lived graceful restart capability of 6 octets', octets: capability(71, 6, 0, 1, 1, 0, 0, 0), fault: [2, 0] },
  { line: 'role capability of no octets', octets: capability(9, 0), fault: [2, 0] },
];

for (const { line, octets, fault, data = [] } of ROWS) {
  test(`OPEN with ${line}: ${fault.join('/')}`, () => {
    const decoded = decodeMessage(octets, PLAIN_CODEC);
    assert.ok(!decoded.ok);
    assert.deepEqual([decoded.fault.code, decoded.fault.subcode, [...decoded.fault.data]], [...fault, data]);
    assert.match(decoded.fault.text, /\w/);
  });
}

const IGNORED: readonly (readonly [line: string, octets: Uint8Array, code: number])[] = [
  ['multiprotocol capability of VPN routes', capability(1, 4, 0, 1, 0, 128), 1],
  ['ADD-PATH capability with direction 0', capability(69, 4, 0, 1, 1, 0), 69],
  ['ADD-PATH capability with direction 4', capability(69, 8, 0, 1, 1, 3, 0, 2, 1, 4), 69],
  ['FQDN capability that is cut off', capability(73, 3, 9, 97, 98), 73],
  ['FQDN capability of no octets', capability(73, 0), 73],
  ['FQDN capability that is not UTF-8', capability(73, 3, 1, 0xff, 0), 73],
];

for (const [line, octets, code] of IGNORED) {
  test(`${line}: ignored`, () => {
    const decoded = decodeMessage(octets, PLAIN_CODEC);
    assert.ok(decoded.ok && decoded.message.type === 'open');
    assert.deepEqual(decoded.message.capabilities.map((found) => (found.type === 'other' ? found.code : found.type)), [code]);
  });
}

test('Families that are not spoken here, and those that come again, are left out of a capability', () => {
  const decoded = decodeMessage(capability(69, 16, 0, 25, 70, 3, 0, 1, 1, 2, 0, 1, 1, 1, 0, 2, 2, 3), PLAIN_CODEC);
  assert.ok(decoded.ok && decoded.message.type === 'open');
  assert.deepEqual(decoded.message.capabilities, [{ type: 'addPath', families: [{ family: 'ipv4', send: true, receive: false }] }]);
});

test('A host name that would spoil a terminal is made harmless', () => {
  const decoded = decodeMessage(capability(73, 7, 5, 97, 0x1b, 10, 0x7f, 98, 0), PLAIN_CODEC);
  assert.ok(decoded.ok && decoded.message.type === 'open');
  assert.deepEqual(decoded.message.capabilities, [{ type: 'fqdn', hostName: 'a???b', domainName: '' }]);
});

test('What was read does not change with the buffer that it came in', () => {
  const octets = Buffer.from(capability(200, 2, 7, 8));
  const decoded = decodeMessage(octets, PLAIN_CODEC);
  octets.fill(0);
  assert.ok(decoded.ok && decoded.message.type === 'open');
  assert.deepEqual(decoded.message.capabilities, [{ type: 'other', code: 200, value: Uint8Array.of(7, 8) }]);
});
