import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Capability } from '../codec/message.ts';
import { converse, inShort, messagesSent } from './testing/conversation.ts';
import { TEST_BFD, testOpen, testPeer } from './testing/testPeer.ts';
import type { SessionEffect, SessionEvent } from './sessionEvents.ts';

const KEEPALIVE = { type: 'keepalive' } as const;
const RESTART = { restartTimeMs: 120_000, longLivedStaleTimeMs: null };
const NOTIFYING: Capability = { type: 'gracefulRestart', restarting: false, notification: true, restartTimeS: 60, families: [{ family: 'ipv4', forwarding: true }] };

function stopped(how: 'shutdown' | 'reset' | 'deconfigured' | 'silent', text = '', hard = false): SessionEvent {
  return { type: 'stop', how, hard, text };
}

function dataOf(effects: readonly SessionEffect[]): Buffer {
  const message = messagesSent(effects).find(({ type }) => type === 'notification');
  assert.ok(message?.type === 'notification');
  return Buffer.from(message.data);
}

test('A session is shut down, reset, deconfigured or left without a word', () => {
  for (const [how, word] of [['shutdown', 'send 6/2'], ['reset', 'send 6/4'], ['deconfigured', 'send 6/3'], ['silent', null]] as const) {
    const talk = converse();
    talk.establish();
    const effects = talk.handle(stopped(how, 'because'));
    assert.deepEqual(inShort(effects), word === null ? ['close', 'down'] : [word, 'close', 'down']);
    if (how === 'shutdown' || how === 'reset') assert.equal(dataOf(effects).toString(), '\u0007because');
    assert.equal(talk.view().state, 'Idle');
    assert.equal(talk.machine.dueMs(), null);
    assert.deepEqual(talk.pass(1_000_000), [], 'nothing more is done');
    assert.deepEqual(inShort(talk.handle({ type: 'start' })), ['connect'], 'until it is started again');
  }
});

test('A text is cut within 255 octets, behind a whole character', () => {
  const talk = converse();
  talk.establish();
  const data = dataOf(talk.handle(stopped('shutdown', '€'.repeat(100))));
  assert.equal(data[0], 255);
  assert.equal(data.subarray(1).toString(), '€'.repeat(85));
});

test('A stop in OpenSent sends Cease, while connecting and before the OPEN it only closes, and in Idle there is nothing to do', () => {
  const sent = converse();
  sent.connect();
  assert.deepEqual(inShort(sent.handle(stopped('shutdown'))), ['send 6/2', 'close']);
  const connecting = converse();
  connecting.handle({ type: 'start' });
  assert.deepEqual(inShort(connecting.handle(stopped('shutdown'))), ['close']);
  const delayed = converse({ peer: testPeer({ delayOpenMs: 1_000 }) });
  delayed.connect();
  assert.deepEqual(inShort(delayed.handle(stopped('shutdown'))), ['close']);
  assert.deepEqual(delayed.handle(stopped('shutdown')), []);
});

test('A hard stop is a Hard Reset when both sides keep routes through NOTIFICATIONs, else a plain one', () => {
  const both = converse({ peer: testPeer({ gracefulRestart: RESTART, bfd: TEST_BFD }) });
  both.establish(testOpen({ capabilities: [...testOpen().capabilities, NOTIFYING] }));
  const effects = both.handle(stopped('shutdown', 'bye', true));
  assert.deepEqual(inShort(effects), ['send 6/9', 'close', 'down']);
  assert.deepEqual([...dataOf(effects)], [6, 2, 3, ...Buffer.from('bye')]);
  assert.equal(both.view().lastError?.text, 'this side has ended it: Cease/Hard Reset (Cease/Administrative Shutdown: "bye")');
  const one = converse();
  one.establish(testOpen({ capabilities: [...testOpen().capabilities, NOTIFYING] }));
  assert.deepEqual(inShort(one.handle(stopped('shutdown', 'bye', true))), ['send 6/2', 'close', 'down']);
  const soft = converse({ peer: testPeer({ gracefulRestart: RESTART, bfd: TEST_BFD }) });
  soft.establish(testOpen({ capabilities: [...testOpen().capabilities, NOTIFYING] }));
  assert.deepEqual(inShort(soft.handle(stopped('shutdown', 'bye'))), ['send 6/2', 'close', 'down']);
});

test('A peer that connects to a session that was shut down is told the same', () => {
  const talk = converse();
  talk.establish();
  talk.handle(stopped('shutdown', 'until noon'));
  const { effects } = talk.accept();
  assert.deepEqual(inShort(effects), ['send 6/2', 'close']);
  assert.equal(dataOf(effects).toString(), '\u000auntil noon');
});

test('BFD that goes down ends the session with Cease/10, and this side connects when it is up again', () => {
  const talk = converse();
  talk.establish();
  assert.deepEqual(talk.handle({ type: 'bfd', up: true }), []);
  assert.deepEqual(inShort(talk.handle({ type: 'bfd', up: false })), ['send 6/10', 'close', 'down']);
  assert.equal(talk.view().state, 'Idle');
  assert.deepEqual(inShort(talk.accept().effects), ['close']);
  assert.deepEqual(talk.pass(2_000), []);
  assert.equal(talk.view().state, 'Active');
  assert.equal(talk.view().retryInMs, 3_000);
  assert.deepEqual(inShort(talk.handle({ type: 'bfd', up: true })), ['connect']);
});

test('After BFD went down a peer that connects is heard, and without news this side connects after five seconds', () => {
  const heard = converse();
  heard.establish();
  heard.handle({ type: 'bfd', up: true });
  heard.handle({ type: 'bfd', up: false });
  heard.pass(1_000);
  const { connection } = heard.accept();
  heard.hear(connection, testOpen());
  assert.deepEqual(inShort(heard.hear(connection, KEEPALIVE)), ['established']);
  const alone = converse();
  alone.establish();
  alone.handle({ type: 'bfd', up: true });
  alone.handle({ type: 'bfd', up: false });
  assert.deepEqual(alone.pass(4_999), []);
  assert.deepEqual(inShort(alone.pass(1)), ['connect']);
});

test('BFD that never was up, or says down twice, ends nothing', () => {
  const talk = converse();
  talk.establish();
  assert.deepEqual(talk.handle({ type: 'bfd', up: false }), []);
  assert.deepEqual(talk.handle({ type: 'bfd', up: false }), []);
  assert.equal(talk.view().state, 'Established');
});

test('BFD that goes down is a Hard Reset where NOTIFICATIONs leave routes in place', () => {
  const talk = converse({ peer: testPeer({ gracefulRestart: RESTART, bfd: TEST_BFD }) });
  talk.establish(testOpen({ capabilities: [...testOpen().capabilities, NOTIFYING] }));
  talk.handle({ type: 'bfd', up: true });
  const effects = talk.handle({ type: 'bfd', up: false });
  assert.deepEqual(inShort(effects), ['send 6/9', 'close', 'down']);
  assert.deepEqual([...dataOf(effects)], [6, 10]);
});
