import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBfdSessions, type Arrival } from '../session/bfdSessions.ts';
import type { BfdEndpoint } from '../bfdSpeaker.ts';
import { decodeControlPacket, encodeControlPacket } from '../controlPacket.ts';
import { BfdLoop } from './bfdLoop.ts';
import type { BfdWire } from './bfdWire.ts';
import { createLifeSigns, readLifeSigns, STUCK_AFTER_MS } from './lifeSigns.ts';
import type { FromBfdThread, ToBfdThread } from './threadMessages.ts';

const ENDPOINT: BfdEndpoint = {
  name: 'a', localAddress: '192.0.2.1', remoteAddress: '192.0.2.2', interface: null, vrf: null,
  settings: { receiveIntervalMs: 50, transmitIntervalMs: 50, detectMultiplier: 3, echoIntervalMs: null, echoReceiveIntervalMs: 50, passive: false, hops: { type: 'single' } },
};
const ARRIVAL: Arrival = { source: ENDPOINT.remoteAddress, destination: ENDPOINT.localAddress, interfaceIndex: 3, ttl: 255, hops: 'single', vrf: null };

/** A loop on a wire of memory; time passes by waiting, and by `clock`. */
function createLoop() {
  const clock = { nowMs: 0 };
  const inbox: ToBfdThread[] = [{ type: 'sessions', sessions: [ENDPOINT] }];
  const arriving: Buffer[] = [];
  const sent: string[] = [];
  const reported: FromBfdThread[] = [];
  const waits: number[] = [];
  const wire: BfdWire = {
    setSessions: () => {}, descriptors: () => [4], forget: () => {}, repair: () => {}, isBroken: () => false, close: () => {},
    receive: (_ready, take) => { for (const octets of arriving.splice(0)) take(octets, ARRIVAL); },
    send: (_endpoint, _discriminator, octets) => {
      const decoded = decodeControlPacket(octets);
      if (decoded.type === 'packet') sent.push(decoded.packet.state);
    },
  };
  const signs = createLifeSigns(() => BigInt(Math.round(clock.nowMs * 1e6)));
  signs.beat();
  const sessions = createBfdSessions({
    random: () => 0, randomOctets: (count) => Buffer.alloc(count, 1), addressKey: (address) => address, interfaceIndex: () => 3, drawDiscriminator: () => 7,
  });
  const loop = new BfdLoop({
    sessions, wire, echoWire: { open: () => {}, close: () => {}, descriptors: () => [], receive: () => {}, send: () => {} }, lifeSigns: readLifeSigns(signs.shared, () => BigInt(Math.round(clock.nowMs * 1e6))),
    nextMessage: () => inbox.shift() ?? null, report: (message) => { reported.push(message); },
    wait: (_descriptors, timeoutMs) => {
      waits.push(timeoutMs);
      clock.nowMs += timeoutMs;
      return new Set([4]);
    },
    nowMs: () => clock.nowMs, wallMs: () => 1_000,
  });
  const states = (): readonly string[] => reported.flatMap((message) => message.type === 'changed' ? [message.news.state] : []);
  return { loop, clock, inbox, arriving, sent, reported, waits, signs, states };
}

const from = (state: 'Down' | 'Up'): Buffer => encodeControlPacket({
  diagnostic: 0, state, poll: false, final: false, controlPlaneIndependent: false, authenticated: false, demand: false, detectMultiplier: 3,
  myDiscriminator: 9, yourDiscriminator: 7, desiredMinTxUs: 50_000, requiredMinRxUs: 50_000, requiredMinEchoRxUs: 0,
});

/** A loop whose session is up. */
function createUp() {
  const made = createLoop();
  made.loop.turn();
  made.arriving.push(from('Down'), from('Up'));
  made.loop.turn();
  assert.deepEqual(made.states(), ['Init', 'Up']);
  return made;
}

test('packets that wait are read before a session expires: a thread that was stopped does not blame its peer', () => {
  const { loop, clock, arriving, states } = createUp();
  clock.nowMs += 3_000;
  arriving.push(from('Up'));
  loop.turn();
  assert.deepEqual(states(), ['Init', 'Up']);
  clock.nowMs += 151;
  loop.turn();
  assert.deepEqual(states(), ['Init', 'Up', 'Down']);
});

test('it waits until the next packet is due, and no longer than 200 ms', () => {
  const { loop, arriving, waits, sent } = createUp();
  for (let turn = 0; turn < 10; turn += 1) {
    arriving.push(from('Up'));
    const before = sent.length;
    loop.turn();
    assert.equal(sent.length, before + 1);
    assert.ok((waits.at(-1) ?? 0) <= 38);
  }
  const idle = createLoop();
  idle.inbox.length = 0;
  idle.loop.turn();
  assert.deepEqual(idle.waits, [200]);
});

test('nothing is sent for a main thread that is stuck, and again once it runs', () => {
  const { loop, clock, arriving, sent, reported, signs } = createUp();
  const silences = (): readonly boolean[] => reported.flatMap((message) => message.type === 'silent' ? [message.silent] : []);
  clock.nowMs += STUCK_AFTER_MS - 500;
  arriving.push(from('Up'));
  loop.turn();
  assert.deepEqual(silences(), []);
  clock.nowMs += 500;
  const before = sent.length;
  for (let turn = 0; turn < 5; turn += 1) {
    arriving.push(from('Up'));
    loop.turn();
  }
  assert.equal(sent.length, before);
  signs.beat();
  arriving.push(from('Up'));
  loop.turn();
  assert.ok(sent.length > before);
  assert.deepEqual(silences(), [true, false]);
});

test('it ends with AdminDown, three times', () => {
  const { loop, inbox, sent } = createUp();
  inbox.push({ type: 'stop' });
  assert.equal(loop.turn(), false);
  loop.sayFarewell();
  assert.deepEqual(sent.slice(-3), ['AdminDown', 'AdminDown', 'AdminDown']);
});

test('a report is answered by its number', () => {
  const { loop, inbox, reported } = createUp();
  inbox.push({ type: 'report', request: 17 });
  loop.turn();
  const answer = reported.find((message) => message.type === 'reported');
  assert.ok(answer?.type === 'reported');
  assert.deepEqual([answer.request, answer.reports.get('a')?.state], [17, 'Up']);
});
