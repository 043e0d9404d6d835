import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { L2Answer } from '../parts.ts';
import { encodeArpProbe, encodeArpRequest } from './arp.ts';
import { Askers, askersPerVip } from './askers.ts';
import { encodeSolicitation } from './encodeNdp.ts';
import { createL2Machine, type L2Machine } from './l2Machine.ts';
import { sharerOf } from './sharing.ts';
import { CLIENT6, CLIENT_MAC, ETH0, VIP4, VIP4_OCTETS, VIP6, VIP6_OCTETS, answerFor, runUntil, wordsOf } from './testing/lan.ts';
import { addressOctets } from '../../../core/net/addressOctets.ts';

const NODES = ['node-a', 'node-b', 'node-c', 'node-d'];

function clients(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, at) => Uint8Array.of(10, 1, at >> 8, at & 255));
}

function macOf(ip: Uint8Array): Uint8Array {
  return Uint8Array.of(2, 9, ...ip);
}

function shared(self: string, nodes: readonly string[], address = VIP4): L2Answer {
  return answerFor(address, { mode: { type: 'perClient', self, nodes } });
}

function machineOf(self: string, nodes = NODES, address = VIP4): L2Machine {
  const machine = createL2Machine({ gratuitousIntervalMs: 1000 });
  assert.deepEqual(machine.setAnswers([shared(self, nodes, address)], 0), [], 'nothing is announced to all');
  return machine;
}

test('Clients spread evenly over the nodes, whatever the order in which these are named', () => {
  const counts = new Map<string | null, number>();
  for (const ip of clients(8000)) {
    const node = sharerOf(VIP4, ip, NODES);
    assert.equal(node, sharerOf(VIP4, ip, NODES.toReversed()));
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  for (const node of NODES) assert.ok(Math.abs((counts.get(node) ?? 0) - 2000) < 200, `${node}: ${counts.get(node)}`);
  assert.equal(sharerOf(VIP4, CLIENT6, []), null);
});

test('Every VIP spreads its clients in another way', () => {
  const same = clients(4000).filter((ip) => sharerOf(VIP4, ip, NODES) === sharerOf('192.0.2.11', ip, NODES)).length;
  assert.ok(Math.abs(same - 1000) < 150, `${same} of 4000`);
});

test('A node that leaves moves its own clients only, and evenly', () => {
  const moved = new Map<string | null, number>();
  for (const ip of clients(8000)) {
    const before = sharerOf(VIP4, ip, NODES);
    const after = sharerOf(VIP4, ip, NODES.slice(1));
    if (before === 'node-a') moved.set(after, (moved.get(after) ?? 0) + 1);
    else assert.equal(after, before);
  }
  for (const node of NODES.slice(1)) assert.ok(Math.abs((moved.get(node) ?? 0) - 667) < 120, `${node}: ${moved.get(node)}`);
});

test('Of all nodes that hear a question exactly one answers, ARP and NDP, probes included', () => {
  const four = NODES.map((node) => machineOf(node));
  const six = NODES.map((node) => machineOf(node, NODES, VIP6));
  for (const ip of clients(200)) {
    const mac = macOf(ip);
    const request = encodeArpRequest({ mac, ip }, VIP4_OCTETS);
    assert.equal(four.filter((machine) => machine.frame(ETH0.index, request, 1).length === 1).length, 1);
    const answering = [addressOctets('2001:db8::5'), addressOctets('fe80::5')].map((from) => {
      const solicitation = encodeSolicitation({ mac, ip: from }, VIP6_OCTETS);
      return six.map((machine) => machine.frame(ETH0.index, solicitation, 1).length);
    });
    assert.equal(answering[0]?.filter((frames) => frames === 1).length, 1);
    assert.deepEqual(answering[0], answering[1], 'a station is answered by one node, from whichever of its addresses it asks');
  }
  const probe = encodeArpProbe(CLIENT_MAC, VIP4_OCTETS);
  assert.equal(four.filter((machine) => machine.frame(ETH0.index, probe, 1).length === 1).length, 1);
});

test('When a node is lost, each of its known clients is called by the node it falls to, twice, and by no other', () => {
  const machines = new Map(NODES.map((node) => [node, machineOf(node)]));
  const all = clients(300);
  for (const ip of all) {
    // One buffer for all, as a socket would have it: what is remembered must be copies.
    const frame = Buffer.from(encodeArpRequest({ mac: macOf(ip), ip }, VIP4_OCTETS));
    for (const machine of machines.values()) machine.frame(ETH0.index, frame, 1);
    frame.fill(0xee);
  }
  const left = NODES.slice(1);
  const lost = all.filter((ip) => sharerOf(VIP4, ip, NODES) === 'node-a');
  for (const node of left) {
    const machine = machines.get(node);
    assert.ok(machine !== undefined);
    const first = machine.setAnswers([shared(node, left)], 1000);
    const words = wordsOf([...first, ...runUntil(machine, 60_000).map(({ action }) => action)]);
    const mine = lost.filter((ip) => sharerOf(VIP4, ip, left) === node);
    const to = (ip: Uint8Array): string => Array.from(macOf(ip), (octet) => octet.toString(16).padStart(2, '0')).join(':');
    const expected = [
      ...mine.map((ip) => `2: reply 192.0.2.10 at ${ETH0.mac} to 192.0.2.10 at ${ETH0.mac}, ${ETH0.mac} > ${to(ip)}`),
      ...mine.map((ip) => `2: reply 192.0.2.10 at ${ETH0.mac} to ${ip.join('.')} at ${to(ip)}, ${ETH0.mac} > ${to(ip)}`),
    ];
    assert.deepEqual(words, expected);
    assert.equal(machine.counts().get(VIP4)?.gratuitousSent, expected.length);
  }
});

test('IPv6 clients are called by unicast advertisements with override', () => {
  const [self, other] = ['node-a', 'node-b'];
  const machine = machineOf(self, [self, other], VIP6);
  const macs = clients(20).map(macOf);
  for (const mac of macs) machine.frame(ETH0.index, encodeSolicitation({ mac, ip: CLIENT6 }, VIP6_OCTETS), 1);
  const words = wordsOf(machine.setAnswers([shared(self, [self], VIP6)], 1000));
  assert.equal(words.length, macs.filter((mac) => sharerOf(VIP6, mac, [self, other]) === other).length);
  assert.ok(words.length > 0 && words.every((line) => line.startsWith('2: NA O 2001:db8::10 at 02:00:00:00:00:01 2001:db8::10 > 2001:db8::99, 02:00:00:00:00:01 > 02:09:')), words.join('\n'));
});

test('Calls of many clients are paced, and end for clients that have gone to another node meanwhile', () => {
  const machine = machineOf('node-a', NODES);
  for (const ip of clients(4000)) machine.frame(ETH0.index, encodeArpRequest({ mac: macOf(ip), ip }, VIP4_OCTETS), 1);
  assert.ok(machine.setAnswers([shared('node-a', ['node-a'])], 1000).length <= 50);
  const between = runUntil(machine, 1200).length;
  assert.ok(between > 500 && between <= 50 * 21, `${between}`);
  machine.setAnswers([shared('node-a', NODES)], 1200);
  for (const { action } of runUntil(machine, 60_000)) assert.fail(wordsOf([action]).join());
});

test('A VIP that is shared no longer is announced to all by its owner, one that becomes shared by nobody', () => {
  const machine = machineOf('node-a');
  assert.equal(machine.setAnswers([answerFor(VIP4)], 1000).length, 2);
  assert.deepEqual(machine.setAnswers([shared('node-a', NODES)], 1010), []);
  assert.deepEqual(runUntil(machine, 60_000), []);
});

test('Clients are forgotten, the least recently heard first, when there are too many', () => {
  const askers = new Askers(3);
  const remember = (last: number): void => {
    const ip = Uint8Array.of(10, 0, 0, last);
    askers.remember({ mac: macOf(ip), ip, identity: ip, interfaceIndex: 2 });
  };
  [1, 2, 3, 1, 4].forEach(remember);
  assert.deepEqual(askers.all().map(({ ip }) => ip[3]), [3, 1, 4]);
  askers.setLimit(1);
  assert.deepEqual(askers.all().map(({ ip }) => ip[3]), [4]);
  assert.deepEqual([0, 1, 16, 32, 100_000].map(askersPerVip), [4096, 4096, 4096, 2048, 1]);
});
