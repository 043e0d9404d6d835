import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeArpRequest, encodeGratuitousReply } from './arp.ts';
import { encodeSolicitation } from './encodeNdp.ts';
import { createL2Machine, type L2Machine } from './l2Machine.ts';
import { parseMac } from './macAddress.ts';
import {
  CLIENT4, CLIENT6, CLIENT_MAC, ETH0, ETH1, OTHER_MAC, VIP4, VIP4_OCTETS, VIP6, VIP6_OCTETS, answerFor, runUntil,
} from './testing/lan.ts';

const BOTH = [answerFor(VIP4, { interfaces: [ETH0, ETH1] }), answerFor(VIP6, { interfaces: [ETH0, ETH1] })];
const QUESTIONS = [
  encodeArpRequest({ mac: CLIENT_MAC, ip: CLIENT4 }, VIP4_OCTETS), encodeSolicitation({ mac: CLIENT_MAC, ip: CLIENT6 }, VIP6_OCTETS),
];

/** What is due until then, heard by the other interface, too, as on one network. */
function runOnOneNetwork(machine: L2Machine, endMs: number): Set<number> {
  const speakers = new Set<number>();
  for (let atMs = machine.nextTickMs(); atMs !== null && atMs <= endMs; atMs = machine.nextTickMs()) {
    const sent = machine.tick(atMs).flatMap((action) => (action.type === 'send' ? [{ from: action.interfaceIndex, frame: Uint8Array.from(action.frame) }] : []));
    for (const { from, frame } of sent) {
      speakers.add(from);
      machine.frame(from === ETH0.index ? ETH1.index : ETH0.index, frame, atMs);
    }
  }
  return speakers;
}

function answering(machine: L2Machine, nowMs: number): number[] {
  return [ETH0, ETH1].flatMap(({ index }) => QUESTIONS.flatMap((question) => machine.frame(index, question, nowMs).length > 0 ? [index] : []));
}

/** Both interfaces announce at the same time, as after a start. */
function machineOnOneNetwork(): L2Machine {
  const machine = createL2Machine({ gratuitousIntervalMs: 10_000 });
  const first = machine.setAnswers(BOTH, 0).flatMap((action) => (action.type === 'send' ? [{ from: action.interfaceIndex, frame: Uint8Array.from(action.frame) }] : []));
  for (const { from, frame } of first) machine.frame(from === ETH0.index ? ETH1.index : ETH0.index, frame, 1);
  return machine;
}

test('Of two interfaces on one network only the first speaks for a VIP', () => {
  const machine = machineOnOneNetwork();
  assert.deepEqual([...runOnOneNetwork(machine, 60_000)], [ETH0.index]);
  assert.deepEqual(answering(machine, 60_000), [ETH0.index, ETH0.index]);
  assert.equal(machine.counts().get(VIP4)?.conflictsSeen, 0);
});

test('The second speaks as soon as the first no longer does', () => {
  const machine = machineOnOneNetwork();
  runOnOneNetwork(machine, 60_000);
  machine.setAnswers([answerFor(VIP4, { interfaces: [ETH1] }), answerFor(VIP6, { interfaces: [ETH1] })], 60_000);
  assert.deepEqual([...runOnOneNetwork(machine, 61_000)], [ETH1.index]);
  assert.deepEqual(answering(machine, 61_000), [ETH1.index, ETH1.index]);
});

test('An interface that comes later on the same network is silent after its first frames, and the other one announces the VIP again', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  machine.setAnswers([answerFor(VIP4)], 0);
  runUntil(machine, 30_000);
  const first = machine.setAnswers([BOTH[0] ?? answerFor(VIP4)], 30_000).flatMap((action) => (action.type === 'send' ? [Uint8Array.from(action.frame)] : []));
  for (const frame of first) machine.frame(ETH0.index, frame, 30_001);
  assert.deepEqual([...runOnOneNetwork(machine, 40_000)], [ETH0.index]);
  assert.deepEqual(answering(machine, 40_000), [ETH0.index]);
});

test('A link that comes back may be plugged in elsewhere: it speaks again until it hears the other one', () => {
  const machine = machineOnOneNetwork();
  runOnOneNetwork(machine, 60_000);
  machine.linkUp(ETH1.index, 60_000);
  assert.deepEqual(answering(machine, 60_001), [ETH0.index, ETH0.index, ETH1.index, ETH1.index]);
});

test('Frames in the name of another interface of ours silence nothing unless that has just announced the VIP', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  machine.setAnswers(BOTH, 0);
  runUntil(machine, 60_000);
  for (const mac of [parseMac(ETH0.mac), OTHER_MAC]) machine.frame(ETH1.index, encodeGratuitousReply({ mac, ip: VIP4_OCTETS }), 60_000);
  assert.ok(answering(machine, 60_001).includes(ETH1.index));
});
