import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, testSeed } from '../../../core/testing/seededRandom.ts';
import { addressOctets } from '../../../core/net/addressOctets.ts';
import { decodeArp, isArpProbe } from './arp.ts';
import { encodeSolicitation } from './encodeNdp.ts';
import { macNumber, parseMac, printMac } from './macAddress.ts';
import { decodeNdp } from './ndp.ts';
import { groupMac, isSolicitedNodeGroup, solicitedNodeGroup } from './solicitedNode.ts';
import { FRAMES } from './testing/frameCorpus.ts';
import { CLIENT6, CLIENT_MAC, ETH0, VIP6_OCTETS, settledMachine } from './testing/lan.ts';
import { fuzzedMachine, mutationRun } from './testing/mutationRun.ts';
import { withNdpOctets, withOptions } from './testing/spoilFrame.ts';

const SEED = testSeed();
const MUTATIONS = 20_000;

for (const [name, frame] of FRAMES) {
  test(`A frame with a ${name} is decoded whole, and cut anywhere it is ignored`, () => {
    const decode = frame.length < 60 ? decodeArp : decodeNdp;
    assert.notEqual(decode(frame).type, 'ignored');
    assert.notEqual(decode(Buffer.concat([frame, Buffer.alloc(20, 0xff)])).type, 'ignored', 'padding means nothing');
    const machine = settledMachine();
    for (let length = 0; length < frame.length; length += 1) {
      assert.equal(decode(frame.subarray(0, length)).type, 'ignored', `${length} octets`);
      assert.deepEqual(machine.frame(ETH0.index, frame.subarray(0, length), 100_000), []);
    }
    assert.equal([...machine.ignored().values()].reduce((sum, count) => sum + count, 0), frame.length);
    assert.equal(machine.nextTickMs(), null);
  });

  test(`A frame with a ${name} is not read by the decoder of the other protocol`, () => {
    assert.deepEqual((frame.length < 60 ? decodeNdp : decodeArp)(frame), { type: 'ignored', reason: 'etherType' });
  });
}

test(`Whatever is done to frames, nothing throws and nothing wrong is said (GATEHOUSE_SEED=${SEED})`, () => {
  const random = seededRandom(SEED);
  const fuzzed = fuzzedMachine();
  for (let run = 0; run < MUTATIONS; run += 1) mutationRun(fuzzed, random);
});

test('Any single bit that is changed in an NDP message spoils its checksum or breaks another rule', () => {
  const frame = encodeSolicitation({ mac: CLIENT_MAC, ip: CLIENT6 }, VIP6_OCTETS);
  for (let bit = 22 * 8; bit < frame.length * 8; bit += 1) {
    const spoiled = Uint8Array.from(frame, (octet, at) => (at === bit >> 3 ? octet ^ (1 << (bit & 7)) : octet));
    assert.equal(decodeNdp(spoiled).type, 'ignored', `bit ${bit}`);
  }
});

test('The decoder itself refuses multicast targets', () => {
  const target = [...addressOctets('ff02::1:ff00:10')];
  const frame = withNdpOctets(encodeSolicitation({ mac: CLIENT_MAC, ip: CLIENT6 }, VIP6_OCTETS), { 62: target });
  assert.deepEqual(decodeNdp(frame), { type: 'ignored', reason: 'multicastTarget' });
});

test('Of several link-layer options the first counts; the longest message is decoded', () => {
  const frame = encodeSolicitation({ mac: CLIENT_MAC, ip: CLIENT6 }, VIP6_OCTETS);
  const twice = decodeNdp(withOptions(frame, [1, 1, 2, 0, 0, 0, 0, 5, 1, 1, 2, 0, 0, 0, 0, 6]));
  assert.equal(twice.type === 'solicitation' && printMac(twice.sourceLinkLayer ?? new Uint8Array(6)), '02:00:00:00:00:05');
  const long = Uint8Array.from([...frame, ...Array.from({ length: 65_535 - 32 }, () => 0xff)]);
  long.set([0xff, 0xff], 18);
  assert.equal(decodeNdp(withNdpOctets(long, {})).type, 'ignored', 'options of 255 units that do not come out even');
});

test('A probe is a request from 0.0.0.0', () => {
  const probes = [...FRAMES].filter(([, frame]) => {
    const message = decodeArp(frame);
    return message.type === 'arp' && isArpProbe(message);
  });
  assert.deepEqual(probes.map(([name]) => name), ['probe']);
});

test('Solicited-node groups and their Ethernet addresses are those of the RFCs', () => {
  // The example of RFC 4291 section 2.7.1.
  const group = solicitedNodeGroup(addressOctets('4037::1:800:200e:8c6c'));
  assert.deepEqual(group, addressOctets('ff02::1:ff0e:8c6c'));
  assert.ok(isSolicitedNodeGroup(group));
  assert.ok(!isSolicitedNodeGroup(addressOctets('ff02::1:fe0e:8c6c')));
  assert.equal(printMac(groupMac(group)), '33:33:ff:0e:8c:6c');
});

test('Ethernet addresses are read, printed and numbered; text in another form is refused', () => {
  const mac = parseMac('02:ab:cd:ef:00:fe');
  assert.equal(printMac(mac), '02:ab:cd:ef:00:fe');
  assert.equal(macNumber(mac), 0x02abcdef00fe);
  assert.equal(macNumber(parseMac('ff:ff:ff:ff:ff:ff')), 0xffffffffffff);
  for (const text of ['', '02:ab:cd:ef:00', '02:ab:cd:ef:00:fe:01', '2:ab:cd:ef:00:fe', '02-ab-cd-ef-00-fe', '02:AB:cd:ef:00:fe', '02:ab:cd:ef:00:fe\n']) {
    assert.throws(() => parseMac(text), TypeError, JSON.stringify(text));
  }
});

test('Addresses are read into four or sixteen octets; text in another form is refused', () => {
  assert.deepEqual([...addressOctets('0.0.2.1')], [0, 0, 2, 1]);
  assert.deepEqual([...addressOctets('::1')], [...new Uint8Array(15), 1]);
  for (const text of ['', '192.0.2', '::ffff:192.0.2.1', 'fe80::1%eth0', '192.0.2.010']) assert.throws(() => addressOctets(text), TypeError, text);
});
