import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AF_INET, AF_INET6 } from '../../../core/os/socketAddress.ts';
import type { StaleFlows } from '../kernel/kernelParts.ts';
import { decodeAttributes, encodeAttribute, encodeNested, readNested } from './attributes.ts';
import { decodeConntrackEntry, encodeConntrackDelete, encodeConntrackDump, type ConntrackEntry } from './conntrackMessage.ts';
import { mutations, SEED, truncations } from './fixture/hostileOctets.ts';
import { createStaleFlowFinder } from './staleFlows.ts';

const CLIENT = Buffer.of(203, 0, 113, 1);
const VIP = Buffer.of(192, 0, 2, 1);
const ENDPOINT = Buffer.of(10, 0, 0, 1);
const VIP6 = Buffer.from('20010db8000000000000000000000001', 'hex');

interface End {
  readonly octets: Buffer;
  readonly port: number;
}

function tuple(type: number, protocol: number, source: End, destination: End): Buffer {
  const [sourceType, destinationType] = source.octets.length === 4 ? [1, 2] : [3, 4];
  const port = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
  return encodeNested(type, [
    encodeNested(1, [encodeAttribute(sourceType, source.octets), encodeAttribute(destinationType, destination.octets)]),
    encodeNested(2, [encodeAttribute(1, Buffer.of(protocol)), encodeAttribute(2, port(source.port)), encodeAttribute(3, port(destination.port))]),
  ]);
}

function entryPayload(protocol: number, vip: End, responder: End): Buffer {
  const client = { octets: vip.octets.length === 4 ? CLIENT : Buffer.alloc(16, 2), port: 40_000 };
  return Buffer.concat([
    Buffer.of(vip.octets.length === 4 ? AF_INET : AF_INET6, 0, 0, 0),
    tuple(1, protocol, client, vip), tuple(2, protocol, responder, client),
    encodeAttribute(3, Buffer.of(0, 0, 0, 8)), encodeAttribute(18, Buffer.of(0, 5)), encodeAttribute(12, Buffer.of(1, 2, 3, 4)),
  ]);
}

function entry(protocol: number, vip: End, responder: End): ConntrackEntry {
  const decoded = decodeConntrackEntry(entryPayload(protocol, vip, responder));
  assert.ok(decoded);
  return decoded;
}

const udp53: StaleFlows = { protocol: 'udp', vip: '192.0.2.1', port: 53, keep: [{ address: '10.0.0.1', port: 5353 }] };

test('an entry tells destination and responder, of both families', () => {
  const { destination, responder, protocol, family } = entry(17, { octets: VIP, port: 53 }, { octets: ENDPOINT, port: 5353 });
  assert.deepEqual({ destination, responder, protocol, family }, {
    destination: { octets: VIP, port: 53 }, responder: { octets: ENDPOINT, port: 5353 }, protocol: 17, family: AF_INET,
  });
  assert.deepEqual(entry(6, { octets: VIP6, port: 443 }, { octets: VIP6, port: 443 }).destination, { octets: VIP6, port: 443 });
});

test('a deletion names the original tuple, the zone and the identity of the entry, as the kernel has told them', () => {
  const payload = entryPayload(17, { octets: VIP, port: 53 }, { octets: ENDPOINT, port: 5353 });
  const told = decodeAttributes(payload.subarray(4));
  const asked = decodeAttributes(Buffer.concat(encodeConntrackDelete(entry(17, { octets: VIP, port: 53 }, { octets: ENDPOINT, port: 5353 }))).subarray(4));
  assert.deepEqual([...asked?.keys() ?? []].toSorted((a, b) => a - b), [1, 12, 18]);
  for (const [type, value] of asked ?? []) assert.deepEqual(value, told?.get(type));
});

test('a filter is as narrow as what it is given', () => {
  const flagsOf = (filter: Parameters<typeof encodeConntrackDump>[0]): number | undefined => {
    const attributes = decodeAttributes(Buffer.concat(encodeConntrackDump(filter)).subarray(4));
    return (attributes && readNested(attributes, 25))?.get(1)?.readUInt32LE(0);
  };
  assert.equal(flagsOf({ family: AF_INET, protocol: 17, destination: VIP, port: 53 }), 0x2a);
  assert.equal(flagsOf({ family: AF_INET, protocol: null, destination: VIP, port: 53 }), 0x02);
  assert.equal(flagsOf({ family: AF_INET6, protocol: 6, destination: null, port: null }), 0x08);
  assert.equal(flagsOf({ family: AF_INET6, protocol: null, destination: null, port: null }), undefined);
});

test('an entry without ports, or cut anywhere before its identity, is passed over', () => {
  const payload = entryPayload(17, { octets: VIP, port: 53 }, { octets: ENDPOINT, port: 5353 });
  for (const cut of truncations(payload).slice(0, -28)) assert.equal(decodeConntrackEntry(cut), null, `${cut.length} octets`);
  const icmp = Buffer.concat([Buffer.of(2, 0, 0, 0), ...[1, 2].map((type) => encodeNested(type, [
    encodeNested(1, [encodeAttribute(1, CLIENT), encodeAttribute(2, VIP)]), encodeNested(2, [encodeAttribute(1, Buffer.of(1))]),
  ]))]);
  assert.equal(decodeConntrackEntry(icmp), null);
});

test(`mutated entries cause no fault (GATEHOUSE_SEED=${SEED})`, () => {
  for (const mutated of mutations(entryPayload(17, { octets: VIP, port: 53 }, { octets: ENDPOINT, port: 5353 }), 5_000)) {
    const decoded = decodeConntrackEntry(mutated);
    if (decoded !== null) encodeConntrackDelete(decoded);
  }
});

test('entries of the VIP port that lead elsewhere than to what stays are stale, untranslated ones too', () => {
  const { isStale } = createStaleFlowFinder([udp53]);
  const vip = { octets: VIP, port: 53 };
  assert.equal(isStale(entry(17, vip, { octets: ENDPOINT, port: 5353 })), false);
  assert.equal(isStale(entry(17, vip, { octets: ENDPOINT, port: 5354 })), true);
  assert.equal(isStale(entry(17, vip, { octets: Buffer.of(10, 0, 0, 2), port: 5353 })), true);
  assert.equal(isStale(entry(17, vip, vip)), true);
});

test('entries of other ports, protocols and addresses are not', () => {
  const { isStale } = createStaleFlowFinder([{ ...udp53, keep: [] }]);
  const elsewhere = { octets: Buffer.of(10, 0, 0, 2), port: 5353 };
  assert.equal(isStale(entry(17, { octets: VIP, port: 54 }, elsewhere)), false);
  assert.equal(isStale(entry(6, { octets: VIP, port: 53 }, elsewhere)), false);
  assert.equal(isStale(entry(17, { octets: CLIENT, port: 53 }, elsewhere)), false);
  assert.equal(isStale(entry(17, { octets: VIP, port: 53 }, elsewhere)), true);
});

test('the filter takes what all VIP ports of a family have in common; IPv6 addresses are never filtered by', () => {
  const filters = (...flows: readonly StaleFlows[]): unknown => createStaleFlowFinder(flows).filters;
  assert.deepEqual(filters(udp53), [{ family: AF_INET, protocol: 17, destination: VIP, port: 53 }]);
  assert.deepEqual(filters(udp53, { ...udp53, port: 54 }), [{ family: AF_INET, protocol: 17, destination: VIP, port: null }]);
  assert.deepEqual(filters(udp53, { ...udp53, protocol: 'tcp' }), [{ family: AF_INET, protocol: null, destination: VIP, port: null }]);
  assert.deepEqual(filters(udp53, { ...udp53, vip: '2001:db8::1' }), [
    { family: AF_INET, protocol: 17, destination: VIP, port: 53 }, { family: AF_INET6, protocol: 17, destination: null, port: 53 },
  ]);
  assert.deepEqual(filters({ ...udp53, vip: 'nonsense' }), []);
  assert.deepEqual(filters(), []);
});
