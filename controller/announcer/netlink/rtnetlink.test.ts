import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AF_INET, AF_INET6 } from '../../../core/os/socketAddress.ts';
import { ADDRESS_FLAGS, decodeAddressMessage } from './addressMessage.ts';
import { parseAddressOctets, printAddressOctets } from './addressOctets.ts';
import { encodeAttribute, encodeUint32 } from './attributes.ts';
import { mutations, SEED, truncations } from './fixture/hostileOctets.ts';
import { addressPayload, ETHERNET_UP, linkPayload } from './fixture/rtnetlinkMessages.ts';
import { decodeLinkMessage } from './linkMessage.ts';
import { decodeRouteMessage, encodeLocalDefaultRoute, encodeRouteLookup, ROUTE_LOCAL } from './routeMessage.ts';
import { decodeMarkRule, encodeMarkRule } from './ruleMessage.ts';

const link = linkPayload({ index: 7, name: 'eth0', mac: '02:00:5e:00:53:01', master: 9, kind: 'veth' });
const address = addressPayload({ index: 7, octets: [192, 0, 2, 9], prefixLength: 24, flags: 0x80 });

test('a link message gives name, address, flags, master and kind', () => {
  assert.deepEqual(decodeLinkMessage(link), {
    index: 7, name: 'eth0', mac: '02:00:5e:00:53:01', flags: ETHERNET_UP, master: 9, kind: 'veth', operationalState: 6, hasCarrier: true,
  });
});

test('ports of bridges and wireless scans come as link messages and are none', () => {
  assert.equal(decodeLinkMessage(linkPayload({ index: 7, name: 'eth0', family: 7 })), 'other');
  assert.equal(decodeLinkMessage(linkPayload({ index: 7, name: 'wlan0', isWireless: true })), 'other');
});

test('only Ethernet devices have an Ethernet address', () => {
  const macOf = (hardware: number, mac: string): unknown => {
    const message = decodeLinkMessage(linkPayload({ index: 1, name: 'x', hardware, mac }));
    return message !== null && message !== 'other' && message.mac;
  };
  assert.equal(macOf(772, '00:00:00:00:00:00'), '');
  assert.equal(macOf(32, '80:00:02:08:fe:80:00:00:00:00:00:00:02:00:5e:00:53:01:00:01'), '');
  assert.equal(macOf(1, '02:00:5e:00:53:01'), '02:00:5e:00:53:01');
});

test('a link without index or name, or with too long a name, is refused', () => {
  assert.equal(decodeLinkMessage(linkPayload({ index: 0, name: 'eth0' })), null);
  assert.equal(decodeLinkMessage(linkPayload({ index: -1, name: 'eth0' })), null);
  assert.equal(decodeLinkMessage(linkPayload({ index: 1, name: '' })), null);
  assert.equal(decodeLinkMessage(linkPayload({ index: 1, name: 'sixteen-chars-xx' })), null);
});

test('an address message gives the own address, not the peer\'s, and all flags', () => {
  assert.deepEqual(decodeAddressMessage(address), { index: 7, address: '192.0.2.9', prefixLength: 24, flags: 0x80 });
  const pointToPoint = addressPayload({ index: 3, octets: [192, 0, 2, 1], prefixLength: 32, peer: [192, 0, 2, 2] });
  assert.deepEqual(decodeAddressMessage(pointToPoint), { index: 3, address: '192.0.2.1', prefixLength: 32, flags: 0 });
  const own = [0xfe, 0x80, ...Array.from({ length: 13 }, () => 0), 1];
  const tentative = addressPayload({ index: 3, octets: own, prefixLength: 64, flags: 0x800 | ADDRESS_FLAGS.tentative });
  assert.deepEqual(decodeAddressMessage(tentative), { index: 3, address: 'fe80::1', prefixLength: 64, flags: 0x840 });
});

test('an address of another family is passed over; one whose length or prefix does not fit its family is refused', () => {
  const other = Buffer.from(address);
  other.writeUInt8(28, 0);
  assert.equal(decodeAddressMessage(other), 'other');
  const wrongFamily = Buffer.from(address);
  wrongFamily.writeUInt8(10, 0);
  assert.equal(decodeAddressMessage(wrongFamily), null);
  assert.equal(decodeAddressMessage(addressPayload({ index: 7, octets: [192, 0, 2, 9], prefixLength: 33 })), null);
  assert.equal(decodeAddressMessage(addressPayload({ index: 0, octets: [192, 0, 2, 9], prefixLength: 32 })), null);
});

test('routes and rules survive the round trip, with tables and marks of 32 bits', () => {
  for (const family of [AF_INET, AF_INET6] as const) {
    for (const table of [1, 255, 256, 0xffff_ffff]) {
      const route = { family, table, protocol: 103, interfaceIndex: 1 };
      assert.deepEqual(decodeRouteMessage(Buffer.concat(encodeLocalDefaultRoute(route))), { ...route, prefixLength: 0, type: ROUTE_LOCAL });
      const rule = { family, preference: 90, mark: 0x8000_0000, mask: 0xffff_ffff, table, protocol: 103 };
      assert.deepEqual(decodeMarkRule(Buffer.concat(encodeMarkRule(rule))), rule);
    }
  }
});

test('a rule without a mark has none, and its table may stand in the header', () => {
  const header = Buffer.alloc(12);
  header.writeUInt8(AF_INET, 0);
  header.writeUInt8(254, 4);
  assert.deepEqual(decodeMarkRule(header), { family: AF_INET, preference: 0, mark: 0, mask: 0, table: 254, protocol: 0 });
});

test('a route over several hops leads through the first; one over none leads nowhere', () => {
  const header = Buffer.alloc(12);
  const hop = Buffer.alloc(8);
  hop.writeUInt16LE(8, 0);
  hop.writeInt32LE(5, 4);
  assert.equal(decodeRouteMessage(Buffer.concat([header, encodeAttribute(9, Buffer.concat([hop, hop]))]))?.interfaceIndex, 5);
  assert.equal(decodeRouteMessage(Buffer.concat([header, encodeAttribute(9, hop.subarray(0, 7))]))?.interfaceIndex, null);
  assert.equal(decodeRouteMessage(Buffer.concat([header, encodeUint32(15, 7)]))?.interfaceIndex, null);
});

test('addresses become octets and text again', () => {
  for (const text of ['0.0.0.0', '192.0.2.255', '::', '2001:db8::1', 'fe80::ff:fe00:1']) {
    const address = parseAddressOctets(text);
    assert.equal(address?.octets.length, text.includes(':') ? 16 : 4);
    assert.equal(printAddressOctets(address?.octets ?? Buffer.alloc(0)), text);
  }
  for (const text of ['', 'eth0', '1.2.3', '::ffff:1.2.3.4', 'fe80::1%eth0']) assert.equal(parseAddressOctets(text), null);
  assert.equal(printAddressOctets(Buffer.alloc(5)), null);
});

test(`cut and mutated messages cause no fault (GATEHOUSE_SEED=${SEED})`, () => {
  const route = Buffer.concat(encodeLocalDefaultRoute({ family: AF_INET, table: 9, protocol: 103, interfaceIndex: 1 }));
  const rule = Buffer.concat(encodeMarkRule({ family: AF_INET, preference: 90, mark: 1, mask: 1, table: 9, protocol: 103 }));
  const lookup = Buffer.concat(encodeRouteLookup({ family: AF_INET, octets: Buffer.of(192, 0, 2, 1) }));
  const cases = [
    { decode: decodeLinkMessage, bytes: link }, { decode: decodeAddressMessage, bytes: address },
    { decode: decodeRouteMessage, bytes: route }, { decode: decodeRouteMessage, bytes: lookup }, { decode: decodeMarkRule, bytes: rule },
  ];
  for (const { decode, bytes } of cases) {
    for (const cut of truncations(bytes)) decode(cut);
    for (const mutated of mutations(bytes, 3_000)) decode(mutated);
  }
});

test('a link message that is cut within its header or an attribute is refused', () => {
  assert.equal(decodeLinkMessage(link.subarray(0, 15)), null);
  assert.equal(decodeLinkMessage(link.subarray(0, 22)), null);
  assert.equal(decodeAddressMessage(address.subarray(0, 7)), null);
  assert.equal(decodeAddressMessage(address.subarray(0, 8)), null);
});
