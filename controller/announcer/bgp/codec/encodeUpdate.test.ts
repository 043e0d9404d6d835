import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeMessage } from './codec.ts';
import { announcementRoom, withdrawalRoom } from './encodeUpdate.ts';
import type { CodecOptions, Nlri, PathAttributes, UpdateMessage } from './message.ts';
import { MODERN_CODEC, PLAIN_ATTRIBUTES } from './testing/codecOptions.ts';
import { readUpdate } from './testing/readUpdate.ts';

const nlri = (prefix: string, pathId: number | null = null): Nlri => ({ prefix, pathId });
const announce = (attributes: PathAttributes, ...announced: readonly Nlri[]): UpdateMessage => ({
  type: 'update', family: announced[0]?.prefix.includes(':') === true ? 'ipv6' : 'ipv4', withdrawn: [], attributes, announced,
});
const withdraw = (family: 'ipv4' | 'ipv6', ...withdrawn: readonly Nlri[]): UpdateMessage => ({
  type: 'update', family, withdrawn, attributes: null, announced: [],
});
const hex = (message: UpdateMessage, options = MODERN_CODEC): string => Buffer.from(encodeMessage(message, options)).subarray(19).toString('hex');

const FULL: PathAttributes = {
  origin: 'incomplete', asPath: [64_512, 4_200_000_000, 64_512], nextHop: '192.0.2.1', linkLocalNextHop: null, med: 4_294_967_295, localPref: 200,
  communities: [0xffff_0000, 0x0001_0002], largeCommunities: [[1, 2, 3], [4_294_967_295, 0, 1]],
  linkBandwidth: { asn: 64_512, octetsPerSecond: 125_000_000, transitive: false }, onlyToCustomer: 4_200_000_001,
};
const NEXT_HOP_6 = '2001:db8::1';

test('IPv4 with an IPv4 next hop goes in the fields of RFC 4271', () => {
  assert.equal(
    hex(announce(PLAIN_ATTRIBUTES, nlri('192.0.2.10/32'), nlri('198.51.96.0/19'), nlri('0.0.0.0/0'))),
    '0000' + '0014' + '40010100' + '4002060201' + '0000fc00' + '400304c0000201' + '20c000020a' + '13c63360' + '00',
  );
});

test('IPv6 goes in MP_REACH_NLRI, the first of the attributes', () => {
  const attributes = { ...PLAIN_ATTRIBUTES, nextHop: NEXT_HOP_6, localPref: 100, asPath: [] };
  assert.equal(
    hex(announce(attributes, nlri('2001:db8:8000::/33'))),
    '0000' + '002c' + '800e1b' + '000201' + '10' + '20010db8000000000000000000000001' + '00' + '2120010db880' + '40010100' + '400200' + '40050400000064',
  );
});

test('Every attribute is read as it was written, in ascending order', () => {
  const read = readUpdate(encodeMessage(announce(FULL, nlri('192.0.2.10/32')), MODERN_CODEC), MODERN_CODEC);
  assert.deepEqual(read.attributes, FULL);
  assert.deepEqual(read.codes, [1, 2, 3, 4, 5, 8, 16, 32, 35]);
  assert.deepEqual(read.announced, [{ family: 'ipv4', pathId: null, prefix: '192.0.2.10/32' }]);
});

test('IPv4 with a next hop of IPv6 goes in MP_REACH_NLRI (RFC 8950), with the link-local one behind it (RFC 2545)', () => {
  const attributes: PathAttributes = { ...FULL, nextHop: NEXT_HOP_6, linkLocalNextHop: 'fe80::1', linkBandwidth: null };
  const octets = encodeMessage(announce(attributes, nlri('192.0.2.10/32')), MODERN_CODEC);
  assert.deepEqual(readUpdate(octets, MODERN_CODEC).attributes, attributes);
  assert.deepEqual(readUpdate(octets, MODERN_CODEC).codes, [14, 1, 2, 4, 5, 8, 32, 35]);
  assert.equal(Buffer.from(octets).subarray(23, 30).toString('hex'), '800e2a00010120');
});

test('Without AS numbers of four octets AS_TRANS stands in for them, and AS4_PATH has them', () => {
  const options = { ...MODERN_CODEC, fourOctetAsn: false };
  const octets = encodeMessage(announce(FULL, nlri('192.0.2.10/32')), options);
  assert.deepEqual(readUpdate(octets, options).attributes, FULL);
  assert.match(Buffer.from(octets).toString('hex'), /4002080203fc005ba0fc00/);
  const short = readUpdate(encodeMessage(announce({ ...FULL, asPath: [64_512] }, nlri('192.0.2.10/32')), options), options);
  assert.ok(!short.codes.includes(17), 'AS4_PATH only where it says more');
});

test('The link bandwidth community says octets per second as IEEE 754, transitive or not', () => {
  const octets = (transitive: boolean, asn: number): string => hex(announce(
    { ...PLAIN_ATTRIBUTES, linkBandwidth: { asn, octetsPerSecond: 1, transitive } }, nlri('192.0.2.10/32'),
  ));
  assert.match(octets(false, 64_512), /c010084004fc003f800000/);
  assert.match(octets(true, 4_200_000_000), /c0100800045ba03f800000/);
});

test('A path of more than 255 AS numbers has several segments, and a long attribute a length of two octets', () => {
  const asPath = Array.from({ length: 600 }, (_, index) => index + 1);
  const octets = encodeMessage(announce({ ...PLAIN_ATTRIBUTES, asPath }, nlri('192.0.2.10/32')), MODERN_CODEC);
  assert.deepEqual(readUpdate(octets, MODERN_CODEC).attributes?.asPath, asPath);
  assert.match(Buffer.from(octets).toString('hex'), /5002096602ff/);
});

test('Path Identifiers stand before prefixes in the families that have them, announced or withdrawn', () => {
  const options: CodecOptions = { ...MODERN_CODEC, addPathSend: ['ipv4'] };
  assert.equal(hex(withdraw('ipv4', nlri('192.0.2.0/24', 7)), options), '0008' + '00000007' + '18c00002' + '0000');
  const octets = encodeMessage(announce(PLAIN_ATTRIBUTES, nlri('192.0.2.0/24', 1), nlri('192.0.2.0/24', 0xffff_ffff)), options);
  assert.deepEqual(readUpdate(octets, options).announced.map(({ pathId }) => pathId), [1, 0xffff_ffff]);
  assert.throws(() => encodeMessage(withdraw('ipv4', nlri('192.0.2.0/24')), options), RangeError);
  assert.throws(() => encodeMessage(withdraw('ipv6', nlri('2001:db8::/32', 1)), options), RangeError);
});

test('Withdrawals of IPv4 go in the classic field, of IPv6 in MP_UNREACH_NLRI', () => {
  assert.equal(hex(withdraw('ipv4', nlri('192.0.2.10/32'))), '0005' + '20c000020a' + '0000');
  assert.equal(hex(withdraw('ipv6', nlri('2001:db8::/32'))), '0000' + '000b' + '800f08' + '000201' + '2020010db8');
});

test('End-of-RIB has the form of each family (RFC 4724 section 2)', () => {
  assert.equal(hex(withdraw('ipv4')), '00000000');
  assert.equal(hex(withdraw('ipv6')), '0000' + '0006' + '800f03' + '000201');
});

test('What does not go together is not written', () => {
  const both: UpdateMessage = { ...announce(PLAIN_ATTRIBUTES, nlri('192.0.2.10/32')), withdrawn: [nlri('192.0.2.11/32')] };
  assert.throws(() => encodeMessage(both, MODERN_CODEC), RangeError);
  assert.throws(() => encodeMessage(announce(PLAIN_ATTRIBUTES), MODERN_CODEC), RangeError);
  assert.throws(() => encodeMessage({ ...announce(PLAIN_ATTRIBUTES, nlri('192.0.2.10/32')), attributes: null }, MODERN_CODEC), RangeError);
  for (const prefix of ['192.0.2.10', '192.0.2.10/33', '192.0.2.10/x', '192.0.2.10/', '2001:db8::/-1', '']) {
    assert.throws(() => encodeMessage(withdraw('ipv4', nlri(prefix)), MODERN_CODEC), TypeError, prefix);
  }
});

test('A message can be filled to its last octet and no further, whatever its form', () => {
  for (const extendedMessages of [false, true]) {
    const options = { ...MODERN_CODEC, extendedMessages };
    for (const [attributes, prefix, size] of [[FULL, '192.0.2.10/32', 5], [{ ...FULL, nextHop: NEXT_HOP_6 }, '2001:db8::1/128', 17]] as const) {
      const family = prefix.includes(':') ? 'ipv6' : 'ipv4';
      const most = Math.floor(announcementRoom(family, attributes, options) / size);
      const fill = (count: number): UpdateMessage => announce(attributes, ...Array.from({ length: count }, () => nlri(prefix)));
      assert.equal(readUpdate(encodeMessage(fill(most), options), options).announced.length, most);
      assert.throws(() => encodeMessage(fill(most + 1), options), RangeError);
      const mostWithdrawn = Math.floor(withdrawalRoom(family, options) / size);
      const drain = (count: number): UpdateMessage => withdraw(family, ...Array.from({ length: count }, () => nlri(prefix)));
      assert.equal(readUpdate(encodeMessage(drain(mostWithdrawn), options), options).withdrawn.length, mostWithdrawn);
      assert.throws(() => encodeMessage(drain(mostWithdrawn + 1), options), RangeError);
    }
  }
});
