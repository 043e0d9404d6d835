import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOctets } from '../../../core/net/addressOctets.ts';
import { encodeArpReply, encodeArpProbe, encodeArpRequest, encodeGratuitousReply, encodeGratuitousRequest } from './arp.ts';
import { encodeAdvertisement, encodeDuplicateDetection, encodeSolicitation, encodeUnsolicitedAdvertisement } from './encodeNdp.ts';
import type { IgnoredReason } from './ignoredReason.ts';
import { BROADCAST_MAC, parseMac } from './macAddress.ts';
import { NDP_ICMP } from './ndp.ts';
import {
  CLIENT4, CLIENT6, CLIENT_MAC, ETH0, OTHER_MAC, OWN_MAC, VIP4, VIP4_OCTETS, VIP6, VIP6_OCTETS, settledMachine, wordsOf,
} from './testing/lan.ts';
import { withNdpOctets, withOctets, withOptions } from './testing/spoilFrame.ts';

const NOW_MS = 100_000;
const CLIENT = { mac: CLIENT_MAC, ip: CLIENT4 };
const REQUEST = encodeArpRequest(CLIENT, VIP4_OCTETS);
const SOLICITATION = encodeSolicitation({ mac: CLIENT_MAC, ip: CLIENT6 }, VIP6_OCTETS);
const DETECTION = encodeDuplicateDetection(CLIENT_MAC, VIP6_OCTETS);
const NODE_IP = addressOctets('192.0.2.1');
const REPLY_WORDS = '2: reply 192.0.2.10 at 02:00:00:00:00:01 to 192.0.2.99 at 02:00:00:00:00:99, 02:00:00:00:00:01 > 02:00:00:00:00:99';

interface Row {
  readonly line: string;
  readonly frame: Uint8Array;
  /** Of the frame's own interface, by default eth0. */
  readonly on?: number;
  readonly reason: IgnoredReason;
}

const ARP: readonly Row[] = [
  { line: 'ARP hardware type that is not 1', frame: withOctets(REQUEST, { 14: [0, 6] }), reason: 'hardwareType' },
  { line: 'ARP protocol that is not 0x0800', frame: withOctets(REQUEST, { 16: [0x86, 0xdd] }), reason: 'protocolType' },
  { line: 'ARP hardware length that is not 6', frame: withOctets(REQUEST, { 18: [8] }), reason: 'addressLengths' },
  { line: 'ARP protocol length that is not 4', frame: withOctets(REQUEST, { 19: [16] }), reason: 'addressLengths' },
  { line: 'ARP lengths of zero', frame: withOctets(REQUEST, { 18: [0, 0] }), reason: 'addressLengths' },
  { line: 'ARP opcode 0', frame: withOctets(REQUEST, { 20: [0, 0] }), reason: 'opcode' },
  { line: 'ARP opcode of RARP', frame: withOctets(REQUEST, { 20: [0, 3] }), reason: 'opcode' },
  { line: 'ARP opcode 257', frame: withOctets(REQUEST, { 20: [1, 1] }), reason: 'opcode' },
  { line: 'ARP frame of less than 42 octets', frame: REQUEST.subarray(0, 41), reason: 'short' },
  { line: 'ARP frame of no octets', frame: new Uint8Array(0), reason: 'short' },
  { line: 'VLAN-tagged ARP', frame: Uint8Array.from([...REQUEST.subarray(0, 12), 0x81, 0, 0, 5, ...REQUEST.subarray(12)]), reason: 'vlanTagged' },
  { line: 'ARP with a service VLAN tag', frame: Uint8Array.from([...REQUEST.subarray(0, 12), 0x88, 0xa8, 0, 5, ...REQUEST.subarray(12)]), reason: 'vlanTagged' },
  { line: 'ARP sender MAC that is a group', frame: withOctets(REQUEST, { 22: [0x01, 0, 0x5e, 0, 0, 1] }), reason: 'senderMac' },
  { line: 'ARP sender MAC that is broadcast', frame: withOctets(REQUEST, { 22: [...BROADCAST_MAC] }), reason: 'senderMac' },
  { line: 'Ethernet source that is a group', frame: withOctets(REQUEST, { 6: [0x01, 0, 0x5e, 0, 0, 1] }), reason: 'senderMac' },
  { line: 'ARP sender IP that is a group', frame: withOctets(REQUEST, { 28: [224, 0, 0, 1] }), reason: 'senderIp' },
  { line: 'ARP sender IP that is broadcast', frame: withOctets(REQUEST, { 28: [255, 255, 255, 255] }), reason: 'senderIp' },
  { line: 'ARP sender IP that is loopback', frame: withOctets(REQUEST, { 28: [127, 0, 0, 1] }), reason: 'senderIp' },
  { line: 'ARP request for the own IP of the node, which the kernel answers', frame: encodeArpRequest(CLIENT, NODE_IP), reason: 'notOurs' },
  { line: 'ARP request for a target that is not ours', frame: encodeArpRequest(CLIENT, addressOctets('192.0.2.11')), reason: 'notOurs' },
  { line: 'ARP request on an interface that the VIP is not answered on', frame: REQUEST, on: 9, reason: 'interface' },
  { line: 'ARP request to the MAC of somebody else', frame: withOctets(REQUEST, { 0: [...OTHER_MAC] }), reason: 'destination' },
  { line: 'ARP request to an Ethernet group', frame: withOctets(REQUEST, { 0: [0x01, 0, 0x5e, 0, 0, 1] }), reason: 'destination' },
  { line: 'ARP reply to us', frame: withOctets(encodeArpReply(CLIENT, { mac: OWN_MAC, ip: VIP4_OCTETS }), { 0: [...OWN_MAC] }), reason: 'reply' },
  { line: 'own ARP frame that comes back', frame: encodeGratuitousRequest({ mac: OWN_MAC, ip: VIP4_OCTETS }), reason: 'ownFrame' },
  { line: 'own ARP reply that comes back', frame: encodeGratuitousReply({ mac: OWN_MAC, ip: VIP4_OCTETS }), reason: 'ownFrame' },
  { line: 'ARP frame of somebody else that speaks of our MAC', frame: withOctets(encodeGratuitousReply({ mac: OWN_MAC, ip: VIP4_OCTETS }), { 6: [...OTHER_MAC] }), reason: 'ownFrame' },
];

const NDP: readonly Row[] = [
  { line: 'NDP hop limit 254', frame: withOctets(SOLICITATION, { 21: [254] }), reason: 'hopLimit' },
  { line: 'NDP hop limit 1', frame: withOctets(SOLICITATION, { 21: [1] }), reason: 'hopLimit' },
  { line: 'NDP bad checksum', frame: withOctets(SOLICITATION, { [NDP_ICMP + 2]: [0, 0] }), reason: 'checksum' },
  { line: 'NDP code that is not 0', frame: withNdpOctets(SOLICITATION, { [NDP_ICMP + 1]: [1] }), reason: 'icmpCode' },
  { line: 'NDP length of less than 24', frame: withNdpOctets(SOLICITATION, { 18: [0, 23] }), reason: 'icmpLength' },
  { line: 'NDP frame that ends before 24 octets', frame: SOLICITATION.subarray(0, 77), reason: 'short' },
  { line: 'IPv6 length beyond the frame', frame: withOctets(SOLICITATION, { 18: [0, 40] }), reason: 'ipLength' },
  { line: 'IPv6 version that is not 6', frame: withOctets(SOLICITATION, { 14: [0x40] }), reason: 'ipVersion' },
  { line: 'NDP behind an extension header', frame: withOctets(SOLICITATION, { 20: [0] }), reason: 'nextHeader' },
  { line: 'fragmented NDP', frame: withOctets(SOLICITATION, { 20: [44] }), reason: 'nextHeader' },
  { line: 'NDP multicast target', frame: encodeSolicitation({ mac: CLIENT_MAC, ip: CLIENT6 }, addressOctets('ff02::1:ff00:10')), reason: 'notOurs' },
  { line: 'NDP option of length zero', frame: withOptions(SOLICITATION, [1, 0, 0, 0, 0, 0, 0, 0]), reason: 'option' },
  { line: 'NDP option of length zero behind a good one', frame: withOptions(SOLICITATION, [1, 1, ...CLIENT_MAC, 14, 0, 0, 0, 0, 0, 0, 0]), reason: 'option' },
  { line: 'NDP option that ends beyond the message', frame: withOptions(SOLICITATION, [1, 2, ...CLIENT_MAC]), reason: 'option' },
  { line: 'NDP option of one octet', frame: withOptions(SOLICITATION, [1]), reason: 'option' },
  { line: 'NDP link-layer option of another length', frame: withOptions(SOLICITATION, [1, 2, ...CLIENT_MAC, 0, 0, 0, 0, 0, 0, 0, 0]), reason: 'option' },
  { line: 'NDP link-layer option with a group', frame: withOptions(SOLICITATION, [1, 1, 0x33, 0x33, 0, 0, 0, 1]), reason: 'senderMac' },
  { line: 'unspecified source with a destination that is no solicited-node group', frame: withNdpOctets(DETECTION, { 38: [...VIP6_OCTETS] }), reason: 'unspecifiedSource' },
  { line: 'unspecified source with a source link-layer option', frame: withOptions(DETECTION, [1, 1, ...CLIENT_MAC]), reason: 'unspecifiedSource' },
  { line: 'source that is a group', frame: withNdpOctets(SOLICITATION, { 22: [...addressOctets('ff02::2')] }), reason: 'multicastSource' },
  { line: 'solicitation for a target that is not ours', frame: encodeSolicitation({ mac: CLIENT_MAC, ip: CLIENT6 }, addressOctets('2001:db8:1::10')), reason: 'notOurs' },
  { line: 'router solicitation', frame: withNdpOctets(SOLICITATION, { [NDP_ICMP]: [133] }), reason: 'icmpType' },
  { line: 'router advertisement', frame: withNdpOctets(SOLICITATION, { [NDP_ICMP]: [134] }), reason: 'icmpType' },
  { line: 'redirect', frame: withNdpOctets(SOLICITATION, { [NDP_ICMP]: [137] }), reason: 'icmpType' },
  { line: 'echo request', frame: withNdpOctets(SOLICITATION, { [NDP_ICMP]: [128] }), reason: 'icmpType' },
  { line: 'VLAN-tagged solicitation', frame: Uint8Array.from([...SOLICITATION.subarray(0, 12), 0x81, 0, 0, 5, ...SOLICITATION.subarray(12)]), reason: 'vlanTagged' },
  { line: 'solicitation to the MAC of somebody else', frame: withOctets(SOLICITATION, { 0: [...OTHER_MAC] }), reason: 'destination' },
  { line: 'solicitation to Ethernet broadcast', frame: withOctets(SOLICITATION, { 0: [...BROADCAST_MAC] }), reason: 'destination' },
  { line: 'advertisement from an unspecified source', frame: withNdpOctets(encodeUnsolicitedAdvertisement({ mac: OTHER_MAC, ip: VIP6_OCTETS }), { 22: Array.from({ length: 16 }, () => 0) }), reason: 'unspecifiedSource' },
  { line: 'solicited advertisement to a group', frame: withNdpOctets(encodeUnsolicitedAdvertisement({ mac: OTHER_MAC, ip: VIP6_OCTETS }), { [NDP_ICMP + 4]: [0x60] }), reason: 'solicitedMulticast' },
  { line: 'own advertisement that comes back', frame: encodeUnsolicitedAdvertisement({ mac: OWN_MAC, ip: VIP6_OCTETS }), reason: 'ownFrame' },
  { line: 'IPv4 packet', frame: withOctets(SOLICITATION, { 12: [8, 0] }), reason: 'etherType' },
];

for (const { line, frame, on = ETH0.index, reason } of [...ARP, ...NDP]) {
  test(`${line}: no answer, no conflict, counted as ${reason}`, () => {
    const machine = settledMachine();
    assert.deepEqual(wordsOf(machine.frame(on, frame, NOW_MS)), []);
    assert.deepEqual([...machine.ignored()], [[reason, 1]]);
    assert.equal(machine.nextTickMs(), null);
  });
}

interface Answered {
  readonly line: string;
  readonly frame: Uint8Array;
  readonly answer: string;
}

const PROBED = '2: reply 192.0.2.10 at 02:00:00:00:00:01 to 0.0.0.0 at 02:00:00:00:00:99, 02:00:00:00:00:01 > 02:00:00:00:00:99';
const SOLICITED = '2: NA SO 2001:db8::10 at 02:00:00:00:00:01 2001:db8::10 > 2001:db8::99, 02:00:00:00:00:01 > 02:00:00:00:00:99';
const UNICAST = { to: { mac: OWN_MAC, ip: VIP6_OCTETS } };

const ANSWERED: readonly Answered[] = [
  { line: 'broadcast ARP request', frame: REQUEST, answer: REPLY_WORDS },
  { line: 'ARP request in a Buffer with padding', frame: Buffer.concat([REQUEST, Buffer.alloc(18)]), answer: REPLY_WORDS },
  { line: 'unicast ARP request', frame: withOctets(REQUEST, { 0: [...OWN_MAC] }), answer: REPLY_WORDS },
  { line: 'ARP probe (sender IP 0.0.0.0)', frame: encodeArpProbe(CLIENT_MAC, VIP4_OCTETS), answer: PROBED },
  // RFC 826 sends the answer to the sender's hardware address: routers with a virtual MAC ask so.
  { line: 'ARP sender MAC that is not the Ethernet source', frame: withOctets(REQUEST, { 6: [...OTHER_MAC] }), answer: REPLY_WORDS },
  { line: 'multicast solicitation', frame: SOLICITATION, answer: SOLICITED },
  { line: 'unicast solicitation with source link-layer option', frame: encodeSolicitation({ mac: CLIENT_MAC, ip: CLIENT6 }, VIP6_OCTETS, UNICAST), answer: SOLICITED },
  {
    line: 'unicast solicitation without source link-layer option (reachability probe)',
    frame: encodeSolicitation({ mac: CLIENT_MAC, ip: CLIENT6 }, VIP6_OCTETS, { ...UNICAST, linkLayer: false }),
    answer: SOLICITED,
  },
  { line: 'solicitation with options that nobody knows', frame: withOptions(SOLICITATION, [14, 1, 1, 2, 3, 4, 5, 6, 1, 1, ...CLIENT_MAC]), answer: SOLICITED },
  {
    line: 'solicitation with a link-layer option that is not the Ethernet source',
    frame: withOctets(SOLICITATION, { 6: [...OTHER_MAC] }),
    answer: SOLICITED,
  },
  {
    line: 'duplicate address detection for the VIP: to all nodes, S=0, O=1',
    frame: DETECTION,
    answer: '2: NA O 2001:db8::10 at 02:00:00:00:00:01 2001:db8::10 > ff02::1, 02:00:00:00:00:01 > 33:33:00:00:00:01',
  },
  {
    line: 'duplicate address detection with a nonce (RFC 7527)',
    frame: withOptions(DETECTION, [14, 1, 1, 2, 3, 4, 5, 6]),
    answer: '2: NA O 2001:db8::10 at 02:00:00:00:00:01 2001:db8::10 > ff02::1, 02:00:00:00:00:01 > 33:33:00:00:00:01',
  },
];

for (const { line, frame, answer } of ANSWERED) {
  test(`${line}: answered`, () => {
    const machine = settledMachine();
    assert.deepEqual(wordsOf(machine.frame(ETH0.index, frame, NOW_MS)), [answer]);
    assert.deepEqual([...machine.ignored()], []);
    const vip = answer.includes('2001') ? VIP6 : VIP4;
    const counts = machine.counts().get(vip);
    assert.deepEqual([counts?.requestsReceived, counts?.repliesSent, counts?.conflictsSeen], [1, 1, 0]);
  });
}

test('A VIP is answered with the MAC of the interface that was asked', () => {
  const second = { index: 3, name: 'eth1', mac: '02:00:00:00:01:01' };
  const machine = settledMachine([{ address: VIP4, interfaces: [ETH0, second], mode: { type: 'owner' }, leaving: false }]);
  const [reply] = wordsOf(machine.frame(second.index, REQUEST, NOW_MS));
  assert.match(reply ?? '', /^3: reply 192\.0\.2\.10 at 02:00:00:00:01:01 /);
});

test('Frames of the node\'s other interfaces are own frames, those it has no VIPs on included', () => {
  const machine = settledMachine();
  const bridged = parseMac('02:00:00:00:07:07');
  machine.setOwnMacs(['02:00:00:00:07:07', '', 'not an Ethernet address']);
  machine.frame(ETH0.index, encodeGratuitousRequest({ mac: bridged, ip: VIP4_OCTETS }), NOW_MS);
  machine.frame(ETH0.index, encodeAdvertisement({ mac: bridged, ip: VIP6_OCTETS }, { mac: OWN_MAC, ip: VIP6_OCTETS }, { solicited: false, override: true }), NOW_MS);
  assert.deepEqual([...machine.ignored()], [['ownFrame', 2]]);
});

test('A flood from one asker is answered 20 times a second, others at once', () => {
  const machine = settledMachine();
  let replies = 0;
  for (let sent = 0; sent < 100_000; sent += 1) replies += machine.frame(ETH0.index, REQUEST, NOW_MS + sent / 100).length;
  assert.equal(replies, 20);
  const other = encodeArpRequest({ mac: OTHER_MAC, ip: addressOctets('192.0.2.98') }, VIP4_OCTETS);
  assert.equal(machine.frame(ETH0.index, other, NOW_MS + 999).length, 1);
  assert.equal(machine.frame(ETH0.index, REQUEST, NOW_MS + 1000).length, 1);
});

test('A flood from invented addresses silences nobody', () => {
  const machine = settledMachine();
  for (let sent = 0; sent < 20_000; sent += 1) {
    const mac = Uint8Array.of(2, 0, 1, sent >> 16, (sent >> 8) & 255, sent & 255);
    assert.equal(machine.frame(ETH0.index, encodeArpRequest({ mac, ip: CLIENT4 }, VIP4_OCTETS), NOW_MS).length, 1);
  }
  assert.equal(machine.frame(ETH0.index, REQUEST, NOW_MS).length, 1);
});
