import assert from 'node:assert/strict';
import { test } from 'node:test';

import { seededRandom, testSeed } from '../../../../core/testing/seededRandom.ts';
import { encodeMessage } from '../codec/codec.ts';
import { PLAIN_CODEC, type BgpMessage } from '../codec/message.ts';
import type { ConnectionId, SessionEffect, SessionEvent, SessionOptions } from './sessionEvents.ts';
import { TEST_ENDS, testOpen, testOptions, testPeer } from './testing/testPeer.ts';
import { moment, watchedMachine } from './testing/watchedMachine.ts';

const ROUNDS = 300;
const EVENTS = 400;

type Draw = <T>(items: readonly [T, ...T[]]) => T;

const MESSAGES: readonly [BgpMessage, ...BgpMessage[]] = [
  testOpen(),
  testOpen({ routerId: '192.0.2.0' }),
  testOpen({ asn: 7, capabilities: [] }),
  testOpen({
    capabilities: [...testOpen().capabilities, {
      type: 'gracefulRestart', restarting: true, notification: true, restartTimeS: 9, families: [{ family: 'ipv4', forwarding: true }],
    }],
  }),
  { type: 'keepalive' },
  { type: 'keepalive' },
  { type: 'keepalive' },
  { type: 'update', family: 'ipv4', withdrawn: [], attributes: null, announced: [] },
  { type: 'routeRefresh', family: 'ipv4', subtype: 'request' },
  { type: 'notification', code: 6, subcode: 7, data: new Uint8Array(0) },
  { type: 'notification', code: 2, subcode: 7, data: new Uint8Array(3) },
];

function drawOptions(draw: Draw, random: () => number): SessionOptions {
  const peer = testPeer({
    connect: draw(['both', 'active', 'passive']),
    delayOpenMs: draw([0, 0, 3_000]),
    holdTimeMs: draw([90_000, 3_000, 0]),
    gracefulRestart: draw([null, { restartTimeMs: 60_000, longLivedStaleTimeMs: 60_000 }]),
    connectTimeMs: draw([1_000, 120_000]),
    shutdown: draw([null, null, null, 'down']),
  });
  return testOptions({ peer, random, restarting: draw([true, false]) });
}

/** What a hostile peer may send: messages whole, cut, several at once, with octets changed, or noise. */
function drawOctets(draw: Draw, random: () => number): Uint8Array {
  const octets = Buffer.concat([encodeMessage(draw(MESSAGES), PLAIN_CODEC), ...(random() < 0.2 ? [encodeMessage(draw(MESSAGES), PLAIN_CODEC)] : [])]);
  const lot = random();
  if (lot < 0.8) return octets;
  if (lot < 0.87) return octets.subarray(0, Math.floor(random() * octets.length));
  if (lot < 0.97) octets[Math.floor(random() * octets.length)] = Math.floor(random() * 256);
  else for (let at = 0; at < octets.length; at += 1) octets[at] = Math.floor(random() * 256);
  return octets;
}

test(`Whatever events come, nothing is thrown and no promise broken (${ROUNDS} runs of ${EVENTS} events)`, () => {
  const seed = testSeed();
  let established = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const random = seededRandom(seed + round);
    const draw: Draw = (items) => items[Math.floor(random() * items.length)] ?? items[0];
    try {
      established += run(drawOptions(draw, random), draw, random);
    } catch (error) {
      throw new Error(`GATEHOUSE_SEED=${seed + round}`, { cause: error });
    }
  }
  assert.ok(established > ROUNDS / 10, `${established} sessions are too few to say much (seed ${seed})`);
});

/** Answers how often it was Established. */
function run(options: SessionOptions, draw: Draw, random: () => number): number {
  const machine = watchedMachine(options);
  /** Numbers that have been: what is told of connections that are over must not matter. */
  const known: [ConnectionId, ...ConnectionId[]] = [-99];
  let now = 0;
  let nextAccepted = 0;
  const act = (event: SessionEvent): readonly SessionEffect[] => {
    const effects = machine.handle(event, moment(now));
    for (const effect of effects) if (effect.type === 'connect') known.push(effect.connection);
    return effects;
  };
  act({ type: 'start' });
  for (let count = 0; count < EVENTS; count += 1) {
    const connection = random() < 0.8 ? (known.at(-1) ?? -99) : draw(known);
    const lot = random();
    if (lot < 0.06) known.push(acceptAs(act, nextAccepted++));
    else if (lot < 0.55) act({ type: 'octets', connection, octets: drawOctets(draw, random) });
    else if (lot < 0.72) act({ type: 'connected', connection, ends: TEST_ENDS });
    else if (lot < 0.74) act({ type: 'connectFailed', connection, reason: 'refused' });
    else if (lot < 0.77) act({ type: 'closed', connection, reason: 'reset' });
    else if (lot < 0.8) act({ type: 'writable', connection, writable: random() < 0.5 });
    else if (lot < 0.82) act(drawOrder(draw, random));
    else {
      now = random() < 0.7 ? Math.max(now, machine.dueMs() ?? now) : now + Math.floor(random() * 200_000);
      act({ type: 'tick' });
    }
    const due = machine.dueMs();
    assert.ok(due === null || Number.isFinite(due));
    assert.ok(Number.isFinite(machine.view(moment(now)).retryInMs ?? 0));
  }
  return machine.view(moment(now)).established;
}

function drawOrder(draw: Draw, random: () => number): SessionEvent {
  const how = draw(['shutdown', 'reset', 'deconfigured', 'silent'] as const);
  return draw<SessionEvent>([
    { type: 'start' }, { type: 'bfd', up: true }, { type: 'bfd', up: false }, { type: 'stop', how, hard: random() < 0.5, text: 'x'.repeat(300) },
  ]);
}

function acceptAs(act: (event: SessionEvent) => unknown, connection: ConnectionId): ConnectionId {
  act({ type: 'accepted', connection, ends: TEST_ENDS });
  return connection;
}
