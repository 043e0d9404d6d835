import assert from 'node:assert/strict';
import type { Random } from '../../../../core/testing/random.ts';
import type { BfdEndpoint } from '../bfdSpeaker.ts';
import { CONTROL_PACKET_BYTES, decodeControlPacket, encodeControlPacket, type ControlPacket } from '../controlPacket.ts';
import { createBfdSessions, type Arrival, type BfdEffect, type BfdSessions } from '../session/bfdSessions.ts';

const SETTINGS = {
  receiveIntervalMs: 50, transmitIntervalMs: 50, detectMultiplier: 3, echoIntervalMs: null, echoReceiveIntervalMs: 50, passive: false, hops: { type: 'single' },
} as const;
const ENDS = { localAddress: '192.0.2.1', remoteAddress: '192.0.2.2', interface: 'eth0', vrf: null, settings: SETTINGS } as const;
/** One of each kind. */
const ENDPOINTS: readonly BfdEndpoint[] = [
  { ...ENDS, name: 'echo', settings: { ...SETTINGS, echoIntervalMs: 50 } },
  { ...ENDS, name: 'other link', interface: 'eth1' },
  {
    ...ENDS, name: 'passive', localAddress: 'fe80::1', remoteAddress: 'fe80::2', settings: { ...SETTINGS, passive: true, detectMultiplier: 1 },
  },
  { ...ENDS, name: 'far', interface: null, vrf: 'blue', settings: { ...SETTINGS, hops: { type: 'multihop', minimumTtl: 250 } } },
];
const INDEXES: ReadonlyMap<string, number> = new Map([['eth0', 3], ['eth1', 4]]);
const STATES = ['AdminDown', 'Down', 'Init', 'Up', 'Up', 'Up'] as const;
/** Intervals that break arithmetic, and some that do not; microseconds. */
const INTERVALS = [0, 1, 50_000, 50_000, 50_000, 1_000_000, 2 ** 31, 2 ** 32 - 1];
const OCTETS = [0, 1, 23, 24, 25, 26, 0x20, 0x40, 0x7f, 0x80, 0xc0, 0xff];
/** What one packet may cause: that of the session it is for, its answer, and what is due of all sessions. */
const MAX_EFFECTS = 3 + 4 * ENDPOINTS.length;

/** For tests: sessions of all kinds, and what their peers have heard of them. */
export interface FuzzedSessions {
  readonly sessions: BfdSessions;
  /** By name: what was sent last. */
  readonly heard: Map<string, ControlPacket>;
  readonly wanted: Set<BfdEndpoint>;
  lastEcho: Buffer;
  nowMs: number;
}

/** For tests: sessions for many runs. */
export function fuzzedSessions(random: Random): FuzzedSessions {
  let discriminator = 100;
  const sessions = createBfdSessions({
    random: random.fraction, randomOctets: (count) => Buffer.alloc(count, 7), addressKey: (address) => address,
    interfaceIndex: (name) => INDEXES.get(name) ?? null, drawDiscriminator: () => (discriminator += 1),
  });
  return { sessions, heard: new Map(), wanted: new Set(), lastEcho: Buffer.alloc(0), nowMs: 0 };
}

/**
 * For tests: one packet, whole or mutated, through the decoder and the sessions. Throws when one of them throws, when what was decoded does
 * not come out of the encoder again, when a packet causes more than it may, or when sessions would be looked at without a pause.
 */
export function mutationRun(fuzzed: FuzzedSessions, random: Random): void {
  fuzzed.nowMs += random.integer(50) === 0 ? random.integer(5_000) : random.integer(30);
  const endpoint = random.pick(ENDPOINTS);
  const octets = mutate(encodeControlPacket(drawPacket(fuzzed.heard.get(endpoint.name), random)), random);
  const echo = mutate(fuzzed.lastEcho, random);
  try {
    checkPacket(octets);
    const { sessions, nowMs } = fuzzed;
    const effects = [...changeSessions(fuzzed, random), ...sessions.receive(octets, drawArrival(endpoint, random), nowMs)];
    if (random.integer(4) === 0) sessions.receiveEcho(echo, nowMs);
    checkEffects(fuzzed, [...effects, ...sessions.tick(nowMs)]);
    checkSessions(fuzzed);
  } catch (error) {
    throw new Error(`packet ${octets.toString('hex')} to ${endpoint.name}, echo ${echo.toString('hex')}`, { cause: error });
  }
}

/** What a peer may say that has heard this. */
function drawPacket(heard: ControlPacket | undefined, { integer, pick }: Random): ControlPacket {
  const state = pick(STATES);
  const knows = heard !== undefined && integer(10) > 0;
  return {
    diagnostic: integer(32), state: knows ? state : 'Down', poll: integer(4) === 0, final: integer(4) === 0,
    controlPlaneIndependent: integer(4) === 0, authenticated: false, demand: integer(8) === 0, detectMultiplier: pick([1, 3, 3, 255]),
    myDiscriminator: pick([1, 5, 5, 5, 2 ** 32 - 1]), yourDiscriminator: knows ? heard.myDiscriminator : 0,
    desiredMinTxUs: pick(INTERVALS), requiredMinRxUs: pick(INTERVALS), requiredMinEchoRxUs: pick(INTERVALS),
  };
}

/** Every third as it is, others with up to three octets changed, cut off or longer. */
function mutate(whole: Buffer, { integer, pick }: Random): Buffer {
  if (integer(3) === 0) return whole;
  const octets = Buffer.from(whole);
  for (let changes = integer(4); changes > 0 && octets.length > 0; changes -= 1) {
    octets[integer(octets.length)] = integer(2) === 0 ? pick(OCTETS) : integer(256);
  }
  if (integer(10) === 0) return octets.subarray(0, integer(octets.length + 1));
  return integer(10) === 0 ? Buffer.concat([octets, Buffer.alloc(integer(300), pick(OCTETS))]) : octets;
}

function drawArrival({ localAddress, remoteAddress, interface: name, vrf, settings }: BfdEndpoint, { integer, pick }: Random): Arrival {
  const right: Arrival = {
    source: remoteAddress, destination: localAddress, interfaceIndex: INDEXES.get(name ?? '') ?? 9, ttl: 255, hops: settings.hops.type, vrf,
  };
  if (integer(10) > 0) return right;
  const changes: readonly Partial<Arrival>[] = [
    { source: '' }, { destination: '' }, { interfaceIndex: 0 }, { ttl: integer(256) }, { hops: 'multihop' }, { vrf: 'red' },
  ];
  return { ...right, ...pick(changes) };
}

/** Now and then one is wanted, or is not any more. */
function changeSessions({ sessions, wanted, nowMs }: FuzzedSessions, { integer, pick }: Random): readonly BfdEffect[] {
  if (wanted.size > 0 && integer(200) > 0) return [];
  const endpoint = pick(ENDPOINTS);
  if (!wanted.delete(endpoint)) wanted.add(endpoint);
  return sessions.set([...wanted], nowMs);
}

function checkPacket(octets: Buffer): void {
  const decoded = decodeControlPacket(octets);
  if (decoded.type === 'fault') return;
  const { packet } = decoded;
  assert.ok(octets.length >= CONTROL_PACKET_BYTES && packet.myDiscriminator > 0 && packet.detectMultiplier > 0);
  if (!packet.authenticated) assert.deepEqual(decodeControlPacket(encodeControlPacket(packet)), decoded);
}

function checkEffects(fuzzed: FuzzedSessions, effects: readonly BfdEffect[]): void {
  assert.ok(effects.length <= MAX_EFFECTS, `${effects.length} effects`);
  for (const effect of effects) {
    if (effect.type === 'echo') fuzzed.lastEcho = effect.payload;
    if (effect.type === 'changed') assert.ok(effect.why.length < 200, effect.why);
    if (effect.type !== 'send') continue;
    const decoded = decodeControlPacket(effect.octets);
    assert.ok(decoded.type === 'packet' && decoded.packet.myDiscriminator === effect.discriminator);
    assert.ok(!(decoded.packet.poll && decoded.packet.final), 'RFC 5880 section 6.5');
    fuzzed.heard.set(effect.endpoint.name, decoded.packet);
  }
}

function checkSessions({ sessions, wanted, nowMs }: FuzzedSessions): void {
  const dueMs = sessions.dueMs();
  assert.ok(dueMs === null || dueMs > nowMs, `due ${dueMs} at ${nowMs}`);
  const reports = sessions.reports({ monotonicMs: nowMs, wallMs: nowMs });
  assert.equal(reports.size, wanted.size);
  for (const { detectionTimeMs, transmitIntervalMs } of reports.values()) {
    assert.ok(Number.isFinite(detectionTimeMs) && Number.isFinite(transmitIntervalMs));
  }
}
