import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Capability } from '../codec/message.ts';
import { isDominant } from './collision.ts';
import { converse, inShort, messagesSent, type Conversation } from './testing/conversation.ts';
import { TEST_ENDS, testOpen, testPeer } from './testing/testPeer.ts';

const KEEPALIVE = { type: 'keepalive' } as const;
/** Of the peer: greater and smaller than ours, 192.0.2.1. */
const GREATER = testOpen({ routerId: '192.0.2.2' });
const SMALLER = testOpen({ routerId: '192.0.2.0' });
const RESTART = { restartTimeMs: 120_000, longLivedStaleTimeMs: null };
const RESTARTABLE: Capability = { type: 'gracefulRestart', restarting: false, notification: false, restartTimeS: 60, families: [{ family: 'ipv4', forwarding: true }] };

/** One connection of each side, both in OpenSent. */
function bothOpen(): { readonly talk: Conversation; readonly ours: number; readonly theirs: number } {
  const talk = converse();
  const ours = talk.connect();
  return { talk, ours, theirs: talk.accept().connection };
}

test('The greater BGP Identifier is dominant, as a number, and the greater AS where they are equal', () => {
  const speaker = (routerId: string, asn = 1): { routerId: string; asn: number } => ({ routerId, asn });
  assert.ok(isDominant(speaker('10.0.0.10'), speaker('10.0.0.9')));
  assert.ok(!isDominant(speaker('10.0.0.9'), speaker('10.0.0.10')));
  assert.ok(isDominant(speaker('200.0.0.1'), speaker('100.0.0.1')));
  assert.ok(isDominant(speaker('10.0.0.1', 4_200_000_000), speaker('10.0.0.1', 65_000)));
  assert.ok(!isDominant(speaker('10.0.0.1', 1), speaker('10.0.0.1', 2)));
});

test('Of two connections that of the greater identifier is kept, whichever OPEN comes first; the other gets Cease/7', () => {
  for (const { open, survivor } of [{ open: GREATER, survivor: 'theirs' }, { open: SMALLER, survivor: 'ours' }] as const) {
    for (const first of ['ours', 'theirs'] as const) {
      const { talk, ...connections } = bothOpen();
      const loser = survivor === 'ours' ? 'theirs' : 'ours';
      const effects = talk.hear(connections[first], open);
      assert.deepEqual(inShort(effects.filter((effect) => 'connection' in effect && effect.connection === connections[loser])), ['send 6/7', 'close']);
      if (first !== survivor) talk.hear(connections[survivor], open);
      assert.deepEqual(talk.hear(connections[loser], KEEPALIVE), []);
      assert.deepEqual(inShort(talk.hear(connections[survivor], KEEPALIVE)), ['established']);
      assert.equal(talk.view().lastError, null, 'a collision is no error');
    }
  }
});

test('With an OPEN on one connection, a second one is decided by its OPEN', () => {
  for (const { open, isKept } of [{ open: GREATER, isKept: true }, { open: SMALLER, isKept: false }]) {
    const talk = converse();
    const ours = talk.connect();
    talk.hear(ours, open);
    assert.equal(talk.view().state, 'OpenConfirm');
    const { connection: theirs, effects } = talk.accept();
    assert.deepEqual(inShort(effects), ['send open']);
    const decided = talk.hear(theirs, open);
    assert.deepEqual(inShort(decided), isKept ? ['send 6/7', 'close', 'send keepalive'] : ['send 6/7', 'close']);
    assert.equal(talk.view().state, 'OpenConfirm');
  }
});

test('An attempt to connect goes on beside the peer\'s connection if ours would be kept, until there is a session', () => {
  const kept = converse();
  kept.handle({ type: 'start' });
  const { connection } = kept.accept();
  assert.deepEqual(inShort(kept.hear(connection, SMALLER)), ['send keepalive']);
  assert.deepEqual(inShort(kept.hear(connection, KEEPALIVE)), ['close', 'established']);
  const dropped = converse();
  dropped.handle({ type: 'start' });
  assert.deepEqual(inShort(dropped.hear(dropped.accept().connection, GREATER)), ['close', 'send keepalive']);
});

test('A connection whose OPEN never comes does not stand in the way of another for long', () => {
  const talk = converse();
  talk.connect();
  talk.handle({ type: 'closed', connection: -1, reason: 'reset' });
  const { connection: hanging } = talk.accept();
  const asked = talk.pass(750);
  assert.deepEqual(inShort(asked), ['connect']);
  talk.handle({ type: 'connected', connection: -2, ends: TEST_ENDS });
  assert.deepEqual(inShort(talk.hear(-2, GREATER)), ['send 6/7', 'close'], 'young, it is kept');
  assert.deepEqual(inShort(talk.pass(20_000)), ['connect']);
  talk.handle({ type: 'connected', connection: -3, ends: TEST_ENDS });
  const effects = talk.hear(-3, GREATER);
  assert.deepEqual(inShort(effects), ['send 6/7', 'close', 'send keepalive'], 'old, it is not');
  assert.deepEqual(inShort(effects.filter((effect) => 'connection' in effect && effect.connection === hanging)), ['send 6/7', 'close']);
});

test('A second connection of the peer without OPEN on the first replaces it, with OPEN it is refused', () => {
  const talk = converse({ peer: testPeer({ connect: 'passive' }) });
  talk.handle({ type: 'start' });
  talk.accept();
  const { connection, effects } = talk.accept();
  assert.deepEqual(inShort(effects), ['send 6/7', 'close', 'send open']);
  talk.hear(connection, GREATER);
  const third = talk.accept();
  assert.deepEqual(inShort(third.effects), ['send 6/7', 'close']);
  assert.deepEqual(inShort(talk.hear(connection, KEEPALIVE)), ['established']);
});

test('Cease/7 of the peer on one of two connections is no error', () => {
  const { talk, ours, theirs } = bothOpen();
  assert.deepEqual(inShort(talk.hear(ours, { type: 'notification', code: 6, subcode: 7, data: new Uint8Array(0) })), ['close']);
  assert.equal(talk.view().lastError, null);
  talk.hear(theirs, GREATER);
  assert.deepEqual(inShort(talk.hear(theirs, KEEPALIVE)), ['established']);
});

test('A second connection in Established gets Cease/7, and the first is asked for a sign of life, once a second at most', () => {
  const talk = converse();
  const connection = talk.establish();
  talk.pass(5_000);
  assert.deepEqual(inShort(talk.accept().effects), ['send keepalive', 'send 6/7', 'close']);
  assert.deepEqual(inShort(talk.accept().effects), ['send 6/7', 'close']);
  assert.equal(talk.view().state, 'Established');
  assert.deepEqual(inShort(talk.handle({ type: 'closed', connection, reason: 'reset by peer' })), ['down']);
});

test('A peer with graceful restart that connects anew in Established takes the place of its old connection', () => {
  const talk = converse({ peer: testPeer({ gracefulRestart: RESTART }) });
  const open = testOpen({ capabilities: [...testOpen().capabilities, RESTARTABLE] });
  const old = talk.establish(open);
  talk.pass(5_000);
  const { connection, effects } = talk.accept();
  assert.deepEqual(inShort(effects), ['send open']);
  assert.equal(talk.view().state, 'Established', 'not before a valid OPEN');
  const taken = talk.hear(connection, open);
  assert.deepEqual(inShort(taken), ['close', 'down', 'send keepalive']);
  assert.deepEqual(messagesSent(taken, old), [], 'without a NOTIFICATION');
  assert.deepEqual(inShort(talk.hear(connection, KEEPALIVE)), ['established']);
});

test('A second connection with a wrong OPEN leaves the session alone', () => {
  const talk = converse({ peer: testPeer({ gracefulRestart: RESTART }) });
  const old = talk.establish(testOpen({ capabilities: [...testOpen().capabilities, RESTARTABLE] }));
  talk.pass(5_000);
  const { connection } = talk.accept();
  assert.deepEqual(inShort(talk.hear(connection, testOpen({ asn: 65_009, capabilities: [] }))), ['send 2/2', 'close']);
  assert.equal(talk.view().state, 'Established');
  talk.hear(old, KEEPALIVE);
  assert.equal(talk.view().retryInMs, null);
});

test('A peer that restarts again and again is heard ever less often, and one that keeps no routes not at all', () => {
  const peer = testPeer({ gracefulRestart: RESTART });
  const open = testOpen({ capabilities: [...testOpen().capabilities, RESTARTABLE] });
  const talk = converse({ peer });
  talk.establish(open);
  let taken = 0;
  for (let second = 0; second < 63; second += 1) {
    talk.pass(1_000);
    const { connection, effects } = talk.accept();
    if (!inShort(effects).includes('send open')) continue;
    talk.hear(connection, open);
    talk.hear(connection, KEEPALIVE);
    taken += 1;
  }
  assert.equal(taken, 6);
  const helper = converse({ peer });
  helper.establish(testOpen({ capabilities: [...testOpen().capabilities, { ...RESTARTABLE, families: [] }] }));
  helper.pass(5_000);
  assert.ok(inShort(helper.accept().effects).includes('send 6/7'));
});

test('A fault in a session closes the second connection too, so that the pause is kept', () => {
  const talk = converse({ peer: testPeer({ gracefulRestart: RESTART }) });
  const old = talk.establish(testOpen({ capabilities: [...testOpen().capabilities, RESTARTABLE] }));
  talk.pass(5_000);
  talk.accept();
  assert.deepEqual(inShort(talk.hear(old, GREATER)), ['send 5/3', 'close', 'down', 'close']);
  assert.equal(talk.view().state, 'Idle');
});
