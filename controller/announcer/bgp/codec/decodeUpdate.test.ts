import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessage } from './codec.ts';
import type { BgpFault, CodecOptions, ReceivedUpdate } from './message.ts';
import { MODERN_CODEC } from './testing/codecOptions.ts';
import { rawAttribute, rawMessage, rawUpdate, type RawUpdate } from './testing/rawMessage.ts';

type Octets = readonly number[];

const INTERNAL: CodecOptions = { ...MODERN_CODEC, internal: true };
const OLD: CodecOptions = { ...MODERN_CODEC, fourOctetAsn: false };
const ORIGIN = rawAttribute(0x40, 1, [0]);
const AS_PATH = rawAttribute(0x40, 2, [2, 1, 0, 0, 0xfc, 0]);
const NEXT_HOP = rawAttribute(0x40, 3, [192, 0, 2, 1]);
const MANDATORY = [ORIGIN, AS_PATH, NEXT_HOP];
const ROUTE: Octets = [24, 198, 51, 100];
const ADDRESS_6: Octets = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const ROUTE_6: Octets = [32, 0x20, 1, 0x0d, 0xb8];
const reach = (nextHop: Octets, nlri: Octets, family: Octets = [0, 2, 1]): Octets => rawAttribute(0x80, 14, [...family, nextHop.length, ...nextHop, 0, ...nlri]);
const unreach = (nlri: Octets, family: Octets = [0, 2, 1]): Octets => rawAttribute(0x80, 15, [...family, ...nlri]);
const REACH = reach(ADDRESS_6, ROUTE_6);

function read(octets: Uint8Array, options: CodecOptions = MODERN_CODEC): ReceivedUpdate {
  const decoded = decodeMessage(octets, options);
  assert.ok(decoded.ok, decoded.ok ? '' : decoded.fault.text);
  assert.ok(decoded.message.type === 'update');
  return decoded.message;
}

function refusal(octets: Uint8Array, options: CodecOptions = MODERN_CODEC): BgpFault {
  const decoded = decodeMessage(octets, options);
  assert.ok(!decoded.ok);
  return decoded.fault;
}

test('Prefixes are counted, in every field of both families', () => {
  const { announced, withdrawn, endOfRib, faults } = read(rawUpdate({
    withdrawn: [...ROUTE, 0], attributes: [reach(ADDRESS_6, [...ROUTE_6, 0, ...ROUTE_6]), unreach(ROUTE_6), ...MANDATORY], nlri: [...ROUTE, 32, 192, 0, 2, 10],
  }));
  assert.deepEqual({ announced, withdrawn, endOfRib, faults }, { announced: { ipv4: 2, ipv6: 3 }, withdrawn: { ipv4: 2, ipv6: 1 }, endOfRib: null, faults: [] });
});

test('Path Identifiers stand before prefixes in the families in which they are received', () => {
  const options: CodecOptions = { ...MODERN_CODEC, addPathReceive: ['ipv4'] };
  const identified = [0, 0, 0, 1, ...ROUTE];
  const update = read(rawUpdate({ withdrawn: identified, attributes: [REACH, ...MANDATORY], nlri: [...identified, ...identified] }), options);
  assert.deepEqual([update.announced, update.withdrawn], [{ ipv4: 2, ipv6: 1 }, { ipv4: 1, ipv6: 0 }]);
  assert.equal(refusal(rawUpdate({ attributes: MANDATORY, nlri: ROUTE }), options).subcode, 10);
});

test('End-of-RIB is told by its family, and nothing else is one', () => {
  const endOf = (parts: RawUpdate, options?: CodecOptions): unknown => read(rawUpdate(parts), options).endOfRib;
  assert.equal(endOf({}), 'ipv4');
  assert.equal(endOf({ attributes: [unreach([])] }), 'ipv6');
  assert.equal(endOf({ attributes: [unreach([], [0, 1, 1])] }), 'ipv4');
  assert.equal(endOf({ withdrawn: ROUTE }), null);
  assert.equal(endOf({ attributes: [unreach(ROUTE_6)] }), null);
  assert.equal(endOf({ attributes: [unreach([]), ORIGIN] }), null);
  assert.equal(endOf({ attributes: [unreach([], [0, 25, 70])] }), null);
  assert.equal(endOf({ attributes: [unreach([])] }, { ...MODERN_CODEC, families: ['ipv4'] }), null);
});

interface Row {
  readonly line: string;
  /** Beside the mandatory attributes, in whose stead it stands where it has the code of one. */
  readonly attribute: Octets;
  readonly options?: CodecOptions;
}

/** An UPDATE with a route and one attribute more, or another in the place of a mandatory one. */
function spoiled(attribute: Octets, { fourOctetAsn }: CodecOptions = MODERN_CODEC): Uint8Array {
  const path = fourOctetAsn ? AS_PATH : rawAttribute(0x40, 2, [2, 1, 0xfc, 0]);
  return rawUpdate({ attributes: [...[ORIGIN, path, NEXT_HOP].filter((other) => other[1] !== attribute[1]), attribute], nlri: ROUTE });
}

const sequence = (...asns: Octets): Octets => rawAttribute(0x40, 2, [2, asns.length, ...asns.flatMap((asn) => [0, 0, 0, asn])]);
const octets = (length: number): Octets => Array.from({ length }, () => 1);

const WITHDRAWN: readonly Row[] = [
  { line: 'ORIGIN that is optional', attribute: rawAttribute(0xc0, 1, [0]) },
  { line: 'ORIGIN that is not transitive', attribute: rawAttribute(0x00, 1, [0]) },
  { line: 'ORIGIN of no octets', attribute: rawAttribute(0x40, 1, []) },
  { line: 'ORIGIN of two octets', attribute: rawAttribute(0x40, 1, [0, 0]) },
  { line: 'ORIGIN of value 3', attribute: rawAttribute(0x40, 1, [3]) },
  { line: 'AS_PATH with segment type 0', attribute: rawAttribute(0x40, 2, [0, 1, 0, 0, 0, 1]) },
  { line: 'AS_PATH with segment type 5', attribute: rawAttribute(0x40, 2, [5, 1, 0, 0, 0, 1]) },
  { line: 'AS_PATH with a confederation between different ASes', attribute: rawAttribute(0x40, 2, [3, 1, 0, 0, 0, 1]) },
  { line: 'AS_PATH with an empty segment', attribute: rawAttribute(0x40, 2, [2, 0]) },
  { line: 'AS_PATH that ends at a segment type', attribute: rawAttribute(0x40, 2, [2, 1, 0, 0, 0, 1, 2]) },
  { line: 'AS_PATH with a segment beyond its end', attribute: rawAttribute(0x40, 2, [2, 2, 0, 0, 0, 1]) },
  { line: 'AS_PATH with AS 0', attribute: sequence(1, 0, 2) },
  { line: 'AS_PATH of two octets with AS 0', attribute: rawAttribute(0x40, 2, [2, 2, 0, 1, 0, 0]), options: OLD },
  { line: 'NEXT_HOP of no octets', attribute: rawAttribute(0x40, 3, []) },
  // GoBGP CVE-2026-30405.
  { line: 'NEXT_HOP of 3 octets', attribute: rawAttribute(0x40, 3, [192, 0, 2]) },
  { line: 'NEXT_HOP of 16 octets', attribute: rawAttribute(0x40, 3, ADDRESS_6) },
  { line: 'NEXT_HOP 0.0.0.0', attribute: rawAttribute(0x40, 3, [0, 0, 0, 0]) },
  { line: 'NEXT_HOP that is loopback', attribute: rawAttribute(0x40, 3, [127, 0, 0, 1]) },
  { line: 'NEXT_HOP that is a group', attribute: rawAttribute(0x40, 3, [224, 0, 0, 5]) },
  { line: 'NEXT_HOP 255.255.255.255', attribute: rawAttribute(0x40, 3, [255, 255, 255, 255]) },
  { line: 'MULTI_EXIT_DISC of 3 octets', attribute: rawAttribute(0x80, 4, octets(3)) },
  { line: 'MULTI_EXIT_DISC that is transitive', attribute: rawAttribute(0xc0, 4, octets(4)) },
  { line: 'LOCAL_PREF of 5 octets within an AS', attribute: rawAttribute(0x40, 5, octets(5)), options: INTERNAL },
  { line: 'LOCAL_PREF that is optional, within an AS', attribute: rawAttribute(0xc0, 5, octets(4)), options: INTERNAL },
  { line: 'ATOMIC_AGGREGATE that is optional', attribute: rawAttribute(0xc0, 6, []) },
  { line: 'COMMUNITIES of no octets', attribute: rawAttribute(0xc0, 8, []) },
  { line: 'COMMUNITIES of 6 octets', attribute: rawAttribute(0xc0, 8, octets(6)) },
  { line: 'COMMUNITIES that are well-known', attribute: rawAttribute(0x40, 8, octets(4)) },
  { line: 'ORIGINATOR_ID of 3 octets within an AS', attribute: rawAttribute(0x80, 9, octets(3)), options: INTERNAL },
  { line: 'CLUSTER_LIST of no octets within an AS', attribute: rawAttribute(0x80, 10, []), options: INTERNAL },
  { line: 'CLUSTER_LIST of 5 octets within an AS', attribute: rawAttribute(0x80, 10, octets(5)), options: INTERNAL },
  { line: 'extended communities of no octets', attribute: rawAttribute(0xc0, 16, []) },
  { line: 'extended communities of 12 octets', attribute: rawAttribute(0xc0, 16, octets(12)) },
  { line: 'IPv6 extended communities of 19 octets', attribute: rawAttribute(0xc0, 25, octets(19)) },
  { line: 'large communities of no octets', attribute: rawAttribute(0xc0, 32, []) },
  { line: 'large communities of 13 octets', attribute: rawAttribute(0xc0, 32, octets(13)) },
  { line: 'ONLY_TO_CUSTOMER of 3 octets', attribute: rawAttribute(0xc0, 35, octets(3)) },
  { line: 'ONLY_TO_CUSTOMER with AS 0', attribute: rawAttribute(0xc0, 35, [0, 0, 0, 0]) },
  { line: 'a well-known attribute that nobody knows', attribute: rawAttribute(0x40, 99, [1]) },
  { line: 'an attribute that ends at its flags', attribute: [0xc0] },
  { line: 'an attribute that ends at its code', attribute: [0xc0, 99] },
  { line: 'an attribute that ends in its extended length', attribute: [0xd0, 99, 0] },
  { line: 'an attribute that ends beyond the attributes', attribute: [0xc0, 99, 2, 0] },
  { line: 'an attribute of 65,535 octets that are not there', attribute: [0xd0, 99, 255, 255, 0] },
];

for (const { line, attribute, options } of WITHDRAWN) {
  test(`UPDATE with ${line}: its routes are treated as withdrawn`, () => {
    const { announced, withdrawn, faults } = read(spoiled(attribute, options), options);
    assert.equal(faults[0]?.outcome, 'treat-as-withdraw');
    assert.match(faults[0]?.text ?? '', /\w/);
    assert.deepEqual([announced.ipv4, withdrawn.ipv4], [0, 1]);
  });
}

const DISCARDED: readonly Row[] = [
  { line: 'ATOMIC_AGGREGATE of 1 octet', attribute: rawAttribute(0x40, 6, [0]) },
  { line: 'AGGREGATOR of 6 octets', attribute: rawAttribute(0xc0, 7, octets(6)) },
  { line: 'AGGREGATOR of 8 octets without 4-octet AS numbers', attribute: rawAttribute(0xc0, 7, octets(8)), options: OLD },
  { line: 'AGGREGATOR with AS 0', attribute: rawAttribute(0xc0, 7, [0, 0, 0, 0, 192, 0, 2, 1]) },
  { line: 'LOCAL_PREF between different ASes', attribute: rawAttribute(0x40, 5, octets(4)) },
  { line: 'malformed LOCAL_PREF between different ASes', attribute: rawAttribute(0xc0, 5, octets(1)) },
  { line: 'ORIGINATOR_ID between different ASes', attribute: rawAttribute(0x80, 9, octets(4)) },
  { line: 'CLUSTER_LIST between different ASes', attribute: rawAttribute(0x80, 10, octets(3)) },
  { line: 'AS4_PATH in a session with 4-octet AS numbers', attribute: rawAttribute(0xc0, 17, [2, 1, 0, 1, 0, 0]) },
  { line: 'AS4_PATH of no octets', attribute: rawAttribute(0xc0, 17, []), options: OLD },
  { line: 'AS4_PATH with a segment beyond its end', attribute: rawAttribute(0xc0, 17, [2, 9, 0, 1, 0, 0]), options: OLD },
  { line: 'AS4_PATH with a confederation', attribute: rawAttribute(0xc0, 17, [3, 1, 0, 1, 0, 0]), options: { ...OLD, internal: true } },
  { line: 'AS4_PATH with AS 0', attribute: rawAttribute(0xc0, 17, [2, 1, 0, 0, 0, 0]), options: OLD },
  { line: 'AS4_AGGREGATOR of 6 octets', attribute: rawAttribute(0xc0, 18, octets(6)), options: OLD },
  { line: 'AS4_AGGREGATOR with AS 0', attribute: rawAttribute(0xc0, 18, [0, 0, 0, 0, 1, 1, 1, 1]), options: OLD },
  { line: 'AIGP of no octets', attribute: rawAttribute(0x80, 26, []) },
  { line: 'AIGP that ends in the head of an entry', attribute: rawAttribute(0x80, 26, [1, 0]) },
  { line: 'AIGP with an entry of no length', attribute: rawAttribute(0x80, 26, [2, 0, 0]) },
  // RFC 7311 section 3.2, not RFC 7606 section 3 c.
  { line: 'AIGP that is transitive', attribute: rawAttribute(0xc0, 26, [1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 1]) },
  { line: 'AIGP with a metric of 4 octets', attribute: rawAttribute(0x80, 26, [1, 0, 7, 0, 0, 0, 1]) },
  { line: 'Prefix-SID with an entry beyond its end', attribute: rawAttribute(0xc0, 40, [1, 0, 7, 0]) },
  { line: 'BGP-LS that ends in the head of an entry', attribute: rawAttribute(0x80, 29, [4, 0, 0]) },
  { line: 'BGP-LS with an entry beyond its end', attribute: rawAttribute(0x80, 29, [4, 0, 0, 9, 1]) },
];

for (const { line, attribute, options } of DISCARDED) {
  test(`UPDATE with ${line}: the attribute is discarded`, () => {
    const { announced, faults } = read(spoiled(attribute, options), options);
    assert.deepEqual(faults.map(({ outcome }) => outcome), ['attribute-discard']);
    assert.equal(announced.ipv4, 1);
  });
}

const GOOD: readonly Row[] = [
  { line: 'AS_PATH of no segments', attribute: rawAttribute(0x40, 2, []) },
  { line: 'AS_PATH with a set and a sequence', attribute: rawAttribute(0x40, 2, [1, 1, 0, 0, 0, 1, 2, 2, 0, 0, 0, 1, 0, 0, 0, 2]) },
  { line: 'AS_PATH with a confederation within an AS', attribute: rawAttribute(0x40, 2, [3, 1, 0, 0, 0, 1]), options: INTERNAL },
  { line: 'MULTI_EXIT_DISC', attribute: rawAttribute(0x80, 4, octets(4)) },
  { line: 'LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST within an AS', attribute: [
    ...rawAttribute(0x40, 5, octets(4)), ...rawAttribute(0x80, 9, octets(4)), ...rawAttribute(0x80, 10, octets(8)),
  ], options: INTERNAL },
  { line: 'AGGREGATOR', attribute: rawAttribute(0xc0, 7, octets(8)) },
  { line: 'AS4_PATH and AS4_AGGREGATOR of a session without 4-octet AS numbers', attribute: [
    ...rawAttribute(0xc0, 17, [2, 1, 0, 1, 0, 0]), ...rawAttribute(0xc0, 18, octets(8)),
  ], options: OLD },
  { line: 'communities of all kinds with the Partial bit', attribute: [
    ...rawAttribute(0xe0, 8, octets(8)), ...rawAttribute(0xe0, 16, octets(16)), ...rawAttribute(0xe0, 32, octets(24)),
  ] },
  { line: 'a length of two octets where one is enough', attribute: [0x90, 4, 0, 4, 0, 0, 0, 1] },
  { line: 'AIGP', attribute: rawAttribute(0x80, 26, [1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 1]) },
  { line: 'Prefix-SID and BGP-LS', attribute: [...rawAttribute(0xc0, 40, [1, 0, 1, 0]), ...rawAttribute(0x80, 29, [4, 0, 0, 1, 1])] },
  { line: 'ONLY_TO_CUSTOMER', attribute: rawAttribute(0xc0, 35, octets(4)) },
  // FRR CVE-2023-38802, VU#347067: one corrupted transitive attribute ended sessions at many sites.
  { line: 'attribute 23 with a tunnel of nonsense', attribute: rawAttribute(0xc0, 23, [0xff, 0xff, 0xff, 0xff, 0]) },
  { line: 'attribute 23 of no octets', attribute: rawAttribute(0xe0, 23, []) },
  { line: 'an optional transitive attribute that nobody knows', attribute: rawAttribute(0xe0, 99, octets(200)) },
  { line: 'an optional non-transitive attribute that nobody knows', attribute: rawAttribute(0x80, 99, []) },
];

for (const { line, attribute, options } of GOOD) {
  test(`UPDATE with ${line}: no fault`, () => {
    const { announced, faults } = read(spoiled(attribute, options), options);
    assert.deepEqual([announced.ipv4, faults], [1, []]);
  });
}

for (const [name, missing] of [['ORIGIN', ORIGIN], ['AS_PATH', AS_PATH], ['NEXT_HOP', NEXT_HOP]] as const) {
  test(`UPDATE without ${name}: its routes are treated as withdrawn`, () => {
    const { faults } = read(rawUpdate({ attributes: MANDATORY.filter((attribute) => attribute !== missing), nlri: ROUTE }));
    assert.deepEqual(faults, [{ outcome: 'treat-as-withdraw', text: `${name} is missing` }]);
  });
}

test('Routes in MP_REACH_NLRI need no NEXT_HOP, and do without what one says', () => {
  assert.deepEqual(read(rawUpdate({ attributes: [REACH, ORIGIN, AS_PATH] })).faults, []);
  assert.deepEqual(read(rawUpdate({ attributes: [REACH, ORIGIN, AS_PATH, rawAttribute(0x40, 3, [0, 0, 0, 0])] })).faults, []);
  assert.deepEqual(read(rawUpdate({ attributes: [REACH, ORIGIN] })).faults.map(({ text }) => text), ['AS_PATH is missing']);
});

test('A second attribute of a code is discarded, the first counts', () => {
  const { announced, faults } = read(rawUpdate({ attributes: [...MANDATORY, rawAttribute(0x40, 1, [9])], nlri: ROUTE }));
  assert.deepEqual([announced.ipv4, faults.map(({ outcome }) => outcome)], [1, ['attribute-discard']]);
});

test('AS4_PATH before AS_PATH is like any order', () => {
  // GoBGP CVE-2026-41643.
  const attributes = [rawAttribute(0xc0, 17, [2, 1, 0, 1, 0, 0]), ORIGIN, rawAttribute(0x40, 2, [2, 1, 0xfc, 0]), NEXT_HOP];
  assert.deepEqual(read(rawUpdate({ attributes, nlri: ROUTE }), OLD).faults, []);
});

test('Of many faults a few are told, and the one that decides is among them', () => {
  const discarded = Array.from({ length: 200 }, () => ORIGIN);
  const { faults } = read(rawUpdate({ attributes: [...MANDATORY, ...discarded, rawAttribute(0xc0, 8, [])], nlri: ROUTE }));
  assert.equal(faults.length, 4);
  assert.equal(faults.at(-1)?.outcome, 'treat-as-withdraw');
});

test('Routes of a family that was not negotiated are put up with, whatever they look like', () => {
  const { announced, withdrawn, faults } = read(rawUpdate({ attributes: [reach([1, 2, 3], [255, 255], [0, 25, 70]), unreach([99], [0, 1, 128]), ORIGIN, AS_PATH] }));
  assert.deepEqual([announced, withdrawn], [{ ipv4: 0, ipv6: 0 }, { ipv4: 0, ipv6: 0 }]);
  assert.deepEqual(faults.map(({ outcome }) => outcome), ['attribute-discard', 'attribute-discard']);
});

interface Reset {
  readonly line: string;
  readonly octets: Uint8Array;
  readonly subcode: number;
  /** By default none. */
  readonly data?: Octets;
}

const SPOILED_UNREACH = rawAttribute(0xc0, 15, [0, 2, 1, ...ROUTE_6]);
const CUT_REACH = rawAttribute(0x80, 14, [0, 2, 1, 16, 0x20]);

const RESETS: readonly Reset[] = [
  // GoBGP CVE-2026-37462: lengths beyond the message.
  { line: 'withdrawn routes beyond the message', octets: rawMessage(2, [0, 1, 0, 0]), subcode: 1 },
  { line: 'withdrawn routes of 65,535 octets', octets: rawMessage(2, [255, 255, 0, 0]), subcode: 1 },
  { line: 'withdrawn routes that leave one octet for the length of attributes', octets: rawMessage(2, [0, 2, 0, 0, 0]), subcode: 1 },
  { line: 'attributes beyond the message', octets: rawMessage(2, [0, 0, 0, 1]), subcode: 1 },
  { line: 'attributes of 65,535 octets', octets: rawMessage(2, [0, 0, 255, 255, 0]), subcode: 1 },
  { line: 'a withdrawn prefix of 33 bits', octets: rawUpdate({ withdrawn: [33, 1, 2, 3, 4, 5] }), subcode: 10 },
  { line: 'a withdrawn prefix beyond its field', octets: rawUpdate({ withdrawn: [24, 1, 2] }), subcode: 10 },
  { line: 'a prefix of 255 bits', octets: rawUpdate({ attributes: MANDATORY, nlri: [255] }), subcode: 10 },
  { line: 'a prefix beyond the message', octets: rawUpdate({ attributes: MANDATORY, nlri: [...ROUTE, 32, 1] }), subcode: 10 },
  { line: 'an IPv6 prefix of 129 bits', octets: rawUpdate({ attributes: [reach(ADDRESS_6, [129, ...ADDRESS_6, 0]), ORIGIN, AS_PATH] }), subcode: 10 },
  { line: 'an IPv6 prefix beyond MP_REACH_NLRI', octets: rawUpdate({ attributes: [reach(ADDRESS_6, [128, 1]), ORIGIN, AS_PATH] }), subcode: 10 },
  { line: 'an IPv6 prefix beyond MP_UNREACH_NLRI', octets: rawUpdate({ attributes: [unreach([64, 1])] }), subcode: 10 },
  // FRR CVE-2023-46752, CVE-2023-46753.
  { line: 'MP_REACH_NLRI of 4 octets', octets: rawUpdate({ attributes: [rawAttribute(0x80, 14, [0, 2, 1, 0])] }), subcode: 9, data: [0x80, 14, 4, 0, 2, 1, 0] },
  { line: 'MP_REACH_NLRI with a next hop beyond its end', octets: rawUpdate({ attributes: [CUT_REACH, ORIGIN] }), subcode: 9, data: CUT_REACH },
  { line: 'MP_REACH_NLRI with a next hop of 4 octets for IPv6', octets: rawUpdate({ attributes: [reach([192, 0, 2, 1], ROUTE_6)] }), subcode: 9, data: reach([192, 0, 2, 1], ROUTE_6) },
  { line: 'MP_REACH_NLRI with a next hop of no octets', octets: rawUpdate({ attributes: [reach([], ROUTE_6)] }), subcode: 9, data: reach([], ROUTE_6) },
  { line: 'MP_UNREACH_NLRI of 2 octets', octets: rawUpdate({ attributes: [rawAttribute(0x80, 15, [0, 2])] }), subcode: 9, data: [0x80, 15, 2, 0, 2] },
  { line: 'MP_REACH_NLRI beyond the attributes', octets: rawUpdate({ attributes: [[0x80, 14, 9, 0, 2, 1]], nlri: ROUTE }), subcode: 1 },
  { line: 'MP_REACH_NLRI twice', octets: rawUpdate({ attributes: [REACH, REACH, ...MANDATORY], nlri: ROUTE }), subcode: 1 },
  { line: 'MP_UNREACH_NLRI twice', octets: rawUpdate({ attributes: [unreach([]), unreach([])] }), subcode: 1 },
  { line: 'a malformed attribute and no route', octets: rawUpdate({ attributes: [rawAttribute(0x40, 1, [9])] }), subcode: 1 },
  { line: 'a malformed attribute and withdrawals alone', octets: rawUpdate({ withdrawn: ROUTE, attributes: [rawAttribute(0xc0, 8, [1])] }), subcode: 1 },
  { line: 'attributes that end in the head of one, and no route', octets: rawUpdate({ attributes: [[0xc0, 8]] }), subcode: 1 },
  { line: 'MP_UNREACH_NLRI with wrong flags beside others', octets: rawUpdate({ attributes: [SPOILED_UNREACH, ORIGIN] }), subcode: 1 },
  { line: 'MP_UNREACH_NLRI with wrong flags and half a head', octets: rawUpdate({ attributes: [SPOILED_UNREACH, [0xc0, 8]] }), subcode: 1 },
];

for (const { line, octets: message, subcode, data = [] } of RESETS) {
  test(`UPDATE with ${line}: the session ends with 3/${subcode}`, () => {
    const fault = refusal(message);
    assert.deepEqual([fault.code, fault.subcode, [...fault.data]], [3, subcode, data]);
    assert.match(fault.text, /\w/);
  });
}

test('MP_REACH_NLRI with wrong flags is read for its routes, which are treated as withdrawn', () => {
  const attributes = [[0xc0, ...REACH.slice(1)], ORIGIN, AS_PATH];
  const { announced, withdrawn, faults } = read(rawUpdate({ attributes }));
  assert.deepEqual([announced.ipv6, withdrawn.ipv6, faults[0]?.outcome], [0, 1, 'treat-as-withdraw']);
});

test('MP_UNREACH_NLRI alone takes nothing but withdrawals away, so that wrong flags do not end the session (RFC 7606 section 5.2)', () => {
  const { announced, withdrawn, faults } = read(rawUpdate({ attributes: [SPOILED_UNREACH] }));
  assert.deepEqual([announced.ipv6, withdrawn.ipv6, faults[0]?.outcome], [0, 1, 'treat-as-withdraw']);
});

test('IPv4 in MP_REACH_NLRI may have next hops of either family', () => {
  for (const nextHop of [[192, 0, 2, 1], ADDRESS_6, [...ADDRESS_6, ...ADDRESS_6]]) {
    assert.equal(read(rawUpdate({ attributes: [reach(nextHop, ROUTE, [0, 1, 1]), ORIGIN, AS_PATH] })).announced.ipv4, 1);
  }
});

test('The data of a fault fits in a NOTIFICATION, whatever the attribute is like', () => {
  const value = [0, 2, 1, 255, ...Array.from({ length: 100 }, () => 0)];
  const long = [0x90, 14, 0x75, 0x30, 0, 2, 1, 3, ...Array.from({ length: 29_996 }, () => 0)];
  const options = { ...MODERN_CODEC, extendedMessages: true };
  assert.equal(refusal(rawUpdate({ attributes: [rawAttribute(0x80, 14, value)] }), options).data.length, 107);
  assert.equal(refusal(rawUpdate({ attributes: [long] }), options).data.length, 4075);
});

test('A message full of prefixes leaves nothing behind', () => {
  const message = rawUpdate({ attributes: MANDATORY, nlri: Array.from({ length: 4032 }, () => 0) });
  const decodeMany = (): number => {
    let prefixes = 0;
    while (prefixes < 1_000_000) prefixes += read(message).announced.ipv4;
    return prefixes;
  };
  decodeMany();
  const before = process.memoryUsage();
  assert.ok(decodeMany() >= 1_000_000);
  const after = process.memoryUsage();
  assert.ok(after.heapUsed + after.external - before.heapUsed - before.external < 16 * 1_048_576);
});
