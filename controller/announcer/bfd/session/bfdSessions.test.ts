import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BfdSettings } from '../bfdSettings.ts';
import type { BfdEndpoint } from '../bfdSpeaker.ts';
import { decodeControlPacket, encodeControlPacket, type ControlPacket } from '../controlPacket.ts';
import { createBfdSessions, type Arrival, type BfdEffect, type BfdSessions } from './bfdSessions.ts';

const SETTINGS: BfdSettings = {
  receiveIntervalMs: 50, transmitIntervalMs: 50, detectMultiplier: 3, echoIntervalMs: null, echoReceiveIntervalMs: 50, passive: false, hops: { type: 'single' },
};
const ENDPOINT: BfdEndpoint = { name: 'a', localAddress: '192.0.2.1', remoteAddress: '192.0.2.2', interface: 'eth0', vrf: null, settings: SETTINGS };
const ARRIVAL: Arrival = { source: '192.0.2.2', destination: '192.0.2.1', interfaceIndex: 3, ttl: 255, hops: 'single', vrf: null };
const MULTIHOP: BfdEndpoint = { ...ENDPOINT, interface: null, settings: { ...SETTINGS, hops: { type: 'multihop', minimumTtl: 254 } } };

const INDEXES: ReadonlyMap<string, number> = new Map([['eth0', 3], ['eth1', 4]]);

/** Addresses stand for themselves; discriminators are those given, then 101, 102, ... */
const createTable = (draws: number[] = []): BfdSessions => {
  let last = 100;
  return createBfdSessions({
    random: () => 0, randomOctets: (count) => Buffer.alloc(count, 1), addressKey: (address) => address, interfaceIndex: (name) => INDEXES.get(name) ?? null,
    drawDiscriminator: () => draws.shift() ?? (last += 1),
  });
};

const packet = (more: Partial<ControlPacket> = {}): Buffer => encodeControlPacket({
  diagnostic: 0, state: 'Down', poll: false, final: false, controlPlaneIndependent: false, authenticated: false, demand: false, detectMultiplier: 3,
  myDiscriminator: 5, yourDiscriminator: 0, desiredMinTxUs: 50_000, requiredMinRxUs: 50_000, requiredMinEchoRxUs: 0, ...more,
});
const sentBy = (effects: readonly BfdEffect[]): readonly string[] => effects.flatMap((effect) => {
  if (effect.type !== 'send') return [];
  const decoded = decodeControlPacket(effect.octets);
  return decoded.type === 'packet' ? [`${effect.discriminator} ${decoded.packet.state} ${decoded.packet.yourDiscriminator}`] : [];
});
const newsOf = (effects: readonly BfdEffect[]): readonly string[] =>
  effects.flatMap((effect) => effect.type === 'changed' ? [`${effect.name} ${effect.state}`] : []);
const reportOf = (table: BfdSessions, name = 'a') => table.reports({ monotonicMs: 0, wallMs: 1_000 }).get(name);

test('a packet without a discriminator is the session\'s of its addresses, interface, port and VRF, and nobody else\'s', () => {
  const foreign: readonly Partial<Arrival>[] = [
    { source: '192.0.2.3' }, { destination: '192.0.2.9' }, { interfaceIndex: 4 }, { hops: 'multihop' }, { vrf: 'blue' },
  ];
  const table = createTable();
  assert.deepEqual(sentBy(table.set([ENDPOINT], 0)), ['101 Down 0']);
  for (const other of foreign) assert.deepEqual(table.receive(packet(), { ...ARRIVAL, ...other }, 0), []);
  assert.deepEqual([reportOf(table)?.received, reportOf(table)?.dropped], [0, 0]);
  assert.deepEqual(newsOf(table.receive(packet(), ARRIVAL, 0)), ['a Init']);
});

test('link-local peers of the same address are told apart by their interface', () => {
  const table = createTable();
  table.set([ENDPOINT, { ...ENDPOINT, name: 'b', interface: 'eth1' }], 0);
  assert.deepEqual(newsOf(table.receive(packet(), { ...ARRIVAL, interfaceIndex: 4 }, 0)), ['b Init']);
  assert.deepEqual(newsOf(table.receive(packet({ yourDiscriminator: 101 }), { ...ARRIVAL, interfaceIndex: 4 }, 0)), []);
  assert.equal(reportOf(table, 'b')?.dropped, 1);
  assert.deepEqual(newsOf(table.receive(packet({ yourDiscriminator: 101 }), ARRIVAL, 0)), ['a Init']);
});

test('what breaks a rule is dropped and counted with its session', () => {
  const table = createTable();
  table.set([ENDPOINT], 0);
  const authenticated = Buffer.concat([packet(), Buffer.alloc(2)]);
  authenticated.writeUInt8(0x44, 1);
  authenticated.writeUInt8(26, 3);
  const bad = [packet({ yourDiscriminator: 999 }), packet().subarray(1), Buffer.alloc(0), authenticated];
  for (const octets of bad) assert.deepEqual(table.receive(octets, ARRIVAL, 0), []);
  assert.deepEqual(table.receive(packet(), { ...ARRIVAL, ttl: 254 }, 0), []);
  assert.equal(reportOf(table)?.dropped, bad.length + 1);
  assert.equal(reportOf(table)?.received, 0);
});

test('a multihop session takes what has the smallest TTL it was given, and by any interface', () => {
  const table = createTable();
  table.set([MULTIHOP], 0);
  const arrival: Arrival = { ...ARRIVAL, hops: 'multihop', interfaceIndex: 9 };
  assert.deepEqual(newsOf(table.receive(packet(), { ...arrival, ttl: 253 }, 0)), []);
  assert.deepEqual(newsOf(table.receive(packet(), { ...arrival, ttl: 254 }, 0)), ['a Init']);
});

test('discriminators are neither 0 nor given twice', () => {
  const table = createTable([0, 8, 8, 0, 9]);
  assert.deepEqual(sentBy(table.set([ENDPOINT, { ...ENDPOINT, name: 'b', remoteAddress: '192.0.2.3' }], 0)), ['8 Down 0', '9 Down 0']);
});

test('settings alone change a session, anything else makes a new one', () => {
  const table = createTable();
  table.set([ENDPOINT], 0);
  table.receive(packet(), ARRIVAL, 0);
  assert.deepEqual(table.set([{ ...ENDPOINT, settings: { ...SETTINGS, detectMultiplier: 5 } }], 0), []);
  assert.equal(reportOf(table)?.state, 'Init');
  for (const next of [{ ...ENDPOINT, remoteAddress: '192.0.2.7' }, { ...ENDPOINT, interface: 'eth1' }, { ...ENDPOINT, vrf: 'blue' }, MULTIHOP]) {
    const fresh = createTable();
    fresh.set([ENDPOINT], 0);
    fresh.receive(packet(), ARRIVAL, 0);
    const effects = fresh.set([next], 1);
    assert.deepEqual(newsOf(effects), ['a AdminDown'], 'by this side\'s intent');
    assert.equal(reportOf(fresh)?.state, 'Down');
    assert.ok(sentBy(effects).includes('101 AdminDown 5') && sentBy(effects).includes('102 Down 0'));
  }
});

test('a session that is not wanted any more says AdminDown for a while, of which its owner hears nothing, and is gone', () => {
  const table = createTable();
  table.set([ENDPOINT], 0);
  table.receive(packet(), ARRIVAL, 0);
  const effects = table.set([], 10);
  assert.deepEqual([newsOf(effects), sentBy(effects)], [[], ['101 AdminDown 5']]);
  assert.equal(reportOf(table), undefined);
  assert.deepEqual(newsOf(table.receive(packet({ yourDiscriminator: 101 }), ARRIVAL, 20)), []);
  const said: string[] = [];
  let ended = 0;
  for (let nowMs = 20; table.dueMs() !== null && nowMs < 10_000; nowMs += 10) {
    const due = table.tick(nowMs);
    said.push(...sentBy(due));
    ended += due.filter(({ type }) => type === 'ended').length;
  }
  assert.ok(said.length >= 2 && said.every((one) => one.startsWith('101 AdminDown')));
  assert.equal(ended, 1);
});

test('AdminDown is said for a Detection Time where that is longer', () => {
  const table = createTable();
  table.set([{ ...ENDPOINT, settings: { ...SETTINGS, transmitIntervalMs: 4_000, receiveIntervalMs: 4_000 } }], 0);
  table.receive(packet(), ARRIVAL, 0);
  let said = sentBy(table.set([], 10)).length;
  for (let nowMs = 20; table.dueMs() !== null && nowMs < 100_000; nowMs += 10) said += sentBy(table.tick(nowMs)).length;
  assert.ok(said >= 3, `${said} times`);
});

test('whoever changes a session with each packet is not told of each time, but the last word is', () => {
  const table = createTable();
  table.set([ENDPOINT], 0);
  const told: string[] = [];
  for (let nowMs = 0; nowMs < 2_000; nowMs += 1) {
    for (const state of ['Down', 'AdminDown'] as const) told.push(...newsOf(table.receive(packet({ state }), ARRIVAL, nowMs)));
    told.push(...newsOf(table.tick(nowMs)));
  }
  assert.ok(told.length > 20 && told.length < 40, `told ${told.length} times of 4000 changes`);
  assert.equal(reportOf(table)?.state, 'Down');
  const last = [...newsOf(table.receive(packet(), ARRIVAL, 2_000))];
  for (let nowMs = 2_000; nowMs < 3_000; nowMs += 1) last.push(...newsOf(table.tick(nowMs)));
  assert.equal(last.at(-1), `a ${reportOf(table)?.state}`);
});

test('one that returns meanwhile is a new session, and the old one is silent at once', () => {
  const table = createTable();
  table.set([ENDPOINT], 0);
  table.set([], 10);
  const effects = table.set([ENDPOINT], 20);
  assert.ok(effects.some((effect) => effect.type === 'ended' && effect.discriminator === 101));
  for (let nowMs = 20; nowMs < 3_000; nowMs += 10) for (const one of sentBy(table.tick(nowMs))) assert.match(one, /^102 Down/);
});

test('reports tell the time of the last change by the wall clock', () => {
  const table = createTable();
  table.set([ENDPOINT], 100);
  table.receive(packet(), ARRIVAL, 200);
  const report = table.reports({ monotonicMs: 500, wallMs: 1_000_000 }).get('a');
  assert.equal(report?.sinceMs, 999_700);
  assert.deepEqual([report?.state, report?.remoteState, report?.sent, report?.received], ['Init', 'Down', 2, 1]);
});

test('AdminDown to all is said with each call', () => {
  const table = createTable();
  table.set([ENDPOINT, { ...ENDPOINT, name: 'b', remoteAddress: '192.0.2.3' }], 0);
  for (let call = 0; call < 3; call += 1) assert.deepEqual(sentBy(table.disable(1)), ['101 AdminDown 0', '102 AdminDown 0']);
});

test('echo packets leave by the interface where the peer is heard, and what comes back is the session\'s', () => {
  const table = createTable();
  const endpoint = { ...ENDPOINT, settings: { ...SETTINGS, echoIntervalMs: 50 } };
  table.set([endpoint], 0);
  const first = table.receive(packet({ requiredMinEchoRxUs: 1 }), ARRIVAL, 0);
  assert.deepEqual(first[0], { type: 'echoLink', interfaceIndex: 3 });
  table.receive(packet({ state: 'Up', yourDiscriminator: 101, requiredMinEchoRxUs: 1 }), ARRIVAL, 0);
  const [echo] = table.tick(0).filter((effect) => effect.type === 'echo');
  assert.ok(echo !== undefined);
  assert.deepEqual([echo.endpoint.name, echo.interfaceIndex], ['a', 3]);
  assert.equal(table.receiveEcho(Buffer.alloc(16), 1), false);
  assert.equal(table.receiveEcho(Buffer.alloc(3), 1), false);
  assert.equal(table.receiveEcho(echo.payload, 1), true);
});

test('echo packets that are asked for while the session is up begin as soon as it is known where they go, and none is missed before', () => {
  const table = createTable();
  const up = (nowMs: number): readonly BfdEffect[] =>
    table.receive(packet({ state: 'Up', yourDiscriminator: 101, requiredMinEchoRxUs: 1, desiredMinTxUs: 300_000 }), ARRIVAL, nowMs);
  table.set([ENDPOINT], 0);
  table.receive(packet(), ARRIVAL, 0);
  up(0);
  const echoing = { ...ENDPOINT, settings: { ...SETTINGS, echoIntervalMs: 50 } };
  const sent = (effects: readonly BfdEffect[]): number => effects.filter(({ type }) => type === 'echo').length;
  assert.equal(sent(table.set([echoing], 10)), 0);
  for (let nowMs = 10; nowMs < 600; nowMs += 10) {
    if (nowMs % 300 === 0) assert.deepEqual(up(nowMs).filter(({ type }) => type === 'echoLink'), [{ type: 'echoLink', interfaceIndex: 3 }]);
    assert.equal(sent(table.tick(nowMs)), 0);
  }
  up(600);
  assert.equal(sent(table.tick(600)), 1);
  const slower = { ...echoing, settings: { ...echoing.settings, echoIntervalMs: 60, detectMultiplier: 9 } };
  assert.equal(sent([...table.set([slower], 660), ...table.tick(660)]), 1, 'a change of the interval alone interrupts nothing');
  assert.equal(reportOf(table)?.state, 'Up');
});

test('no echo packets are sent to IPv6 peers', () => {
  const table = createTable();
  table.set([{ ...ENDPOINT, localAddress: 'fd00::1', remoteAddress: 'fd00::2', settings: { ...SETTINGS, echoIntervalMs: 50 } }], 0);
  const arrival = { ...ARRIVAL, source: 'fd00::2', destination: 'fd00::1' };
  const effects = [
    ...table.receive(packet({ requiredMinEchoRxUs: 1 }), arrival, 0),
    ...table.receive(packet({ state: 'Up', yourDiscriminator: 101, requiredMinEchoRxUs: 1 }), arrival, 0), ...table.tick(0),
  ];
  assert.equal(reportOf(table)?.state, 'Up');
  assert.ok(effects.every(({ type }) => type !== 'echo' && type !== 'echoLink'));
});
