import assert from 'node:assert/strict';
import { test } from 'node:test';

import { encodeMessage } from '../codec/codec.ts';
import { PLAIN_CODEC, type Capability, type NotificationMessage, type OpenMessage } from '../codec/message.ts';
import type { WantedPeer } from '../bgpWanted.ts';
import { converse, inShort, messagesSent, type Conversation } from './testing/conversation.ts';
import { TEST_ENDS, testOpen, testPeer } from './testing/testPeer.ts';
import type { SessionEffect } from './sessionEvents.ts';

const KEEPALIVE = { type: 'keepalive' } as const;
const END_OF_RIB = { type: 'update', family: 'ipv4', withdrawn: [], attributes: null, announced: [] } as const;
const CAPABILITIES = testOpen().capabilities;

/** A message of this type with this body, whatever it says. */
function rawMessage(type: number, body: readonly number[], length = 19 + body.length): Uint8Array {
  return Uint8Array.of(...Array.from({ length: 16 }, () => 0xff), length >> 8, length & 0xff, type, ...body);
}

interface OpenFields {
  readonly version?: number;
  readonly asn?: number;
  readonly holdTimeS?: number;
  readonly routerId?: readonly number[];
  readonly parameters?: readonly number[];
  /** Of the parameters, as it is said. */
  readonly length?: number;
}

/** The body of an OPEN: version, AS, hold time, identifier and optional parameters. */
function openBody({ version = 4, asn = 65_001, holdTimeS = 90, routerId = [192, 0, 2, 2], parameters = [], length }: OpenFields): number[] {
  return [version, asn >> 8, asn & 0xff, holdTimeS >> 8, holdTimeS & 0xff, ...routerId, length ?? parameters.length, ...parameters];
}

/** The one NOTIFICATION among effects: codes and data. */
function notification(effects: readonly SessionEffect[]): Pick<NotificationMessage, 'code' | 'subcode'> & { readonly data: readonly number[] } {
  const [message, ...more] = messagesSent(effects).filter(({ type }) => type === 'notification');
  assert.equal(more.length, 0);
  assert.ok(message?.type === 'notification');
  return { code: message.code, subcode: message.subcode, data: [...message.data] };
}

/** The peer's answer to our OPEN is refused: with this NOTIFICATION, after which the connection is closed, and there is a pause. */
function refusesInOpenSent(octets: Uint8Array, expected: readonly [code: number, subcode: number], peer: Partial<WantedPeer> = {}): Conversation {
  const talk = converse({ peer: testPeer(peer) });
  const connection = talk.connect();
  const effects = talk.hear(connection, octets);
  assert.deepEqual(inShort(effects), [`send ${expected.join('/')}`, 'close']);
  const { state, lastError, retryInMs } = talk.view();
  assert.equal(state, 'Idle');
  assert.equal(retryInMs, 750);
  assert.deepEqual(lastError?.notification, { direction: 'sent', fault: { code: expected[0], subcode: expected[1] } });
  assert.deepEqual(talk.hear(connection, KEEPALIVE), [], 'nothing that comes after it matters');
  return talk;
}

function refusesOpen(open: Partial<OpenMessage>, expected: readonly [code: number, subcode: number], peer: Partial<WantedPeer> = {}): string {
  return refusesInOpenSent(encodeMessage(testOpen(open), PLAIN_CODEC), expected, peer).view().lastError?.text ?? '';
}

test('A marker that is not all ones is answered by 1/1', () => {
  const octets = rawMessage(4, []);
  octets[7] = 0;
  refusesInOpenSent(octets, [1, 1]);
});

test('A wrong length is answered by 1/2 with that length, for each type of message', () => {
  for (const [type, length] of [[4, 18], [4, 0], [2, 4097], [1, 28], [2, 22], [4, 20], [3, 20], [5, 22]] as const) {
    const talk = converse();
    const connection = talk.connect();
    const sent = notification(talk.hear(connection, rawMessage(type, [0, 0, 0, 0], length)));
    assert.deepEqual(sent, { code: 1, subcode: 2, data: [length >> 8, length & 0xff] }, `type ${type} of ${length} octets`);
  }
});

test('An unknown message type is answered by 1/3 with the type', () => {
  for (const type of [0, 6, 255]) {
    const talk = converse();
    assert.deepEqual(notification(talk.hear(talk.connect(), rawMessage(type, []))), { code: 1, subcode: 3, data: [type] });
  }
});

test('Another version than 4 is answered by 2/1 with the version that is spoken', () => {
  const talk = converse();
  assert.deepEqual(notification(talk.hear(talk.connect(), rawMessage(1, openBody({ version: 3 })))), { code: 2, subcode: 1, data: [0, 4] });
});

test('An AS that is not the one configured, AS 0 and AS_TRANS alone are answered by 2/2', () => {
  assert.match(refusesOpen({ asn: 65_002, capabilities: [] }, [2, 2]), /^the peer is in AS 65002, and AS 65001 is expected: compare peerASN .* \(sent: OPEN Message Error\/Bad Peer AS\)$/);
  refusesInOpenSent(rawMessage(1, openBody({ asn: 0 })), [2, 2], { remoteAsn: { type: 'external' } });
  refusesInOpenSent(rawMessage(1, openBody({ asn: 23_456 })), [2, 2], { remoteAsn: { type: 'number', asn: 23_456 } });
  assert.match(refusesOpen({}, [2, 2], { remoteAsn: { type: 'internal' } }), /ours, AS 64512, is expected/);
  assert.match(refusesOpen({ asn: 64_512, capabilities: [] }, [2, 2], { remoteAsn: { type: 'external' } }), /in our AS 64512/);
});

test('An AS that is as configured is taken: by number, as internal, as external, with four octets', () => {
  const four: readonly Capability[] = [{ type: 'fourOctetAsn', asn: 4_200_000_001 }];
  for (const [remoteAsn, open] of [
    [{ type: 'number', asn: 65_001 }, {}],
    [{ type: 'number', asn: 4_200_000_001 }, { asn: 4_200_000_001, capabilities: four }],
    [{ type: 'external' }, {}],
    [{ type: 'internal' }, { asn: 64_512, capabilities: [] }],
  ] as const) {
    const talk = converse({ peer: testPeer({ remoteAsn }) });
    talk.establish(testOpen(open));
    assert.equal(talk.view().state, 'Established');
    assert.equal(talk.view().negotiated?.internal, remoteAsn.type === 'internal');
  }
});

test('A router ID of 0, or our own within our AS, is answered by 2/3, but not our own in another AS', () => {
  refusesInOpenSent(rawMessage(1, openBody({ routerId: [0, 0, 0, 0] })), [2, 3]);
  const internal = { remoteAsn: { type: 'internal' } } as const;
  assert.match(refusesOpen({ asn: 64_512, routerId: '192.0.2.1', capabilities: [] }, [2, 3], internal), /has our router ID 192\.0\.2\.1/);
  const talk = converse();
  talk.establish(testOpen({ routerId: '192.0.2.1' }));
  assert.equal(talk.view().state, 'Established');
});

test('An unknown optional parameter is answered by 2/4, and one that overruns by 2/0, extended lengths included', () => {
  refusesInOpenSent(rawMessage(1, openBody({ parameters: [1, 1, 0] })), [2, 4]);
  refusesInOpenSent(rawMessage(1, openBody({ parameters: [2, 200, 0] })), [2, 0]);
  refusesInOpenSent(rawMessage(1, openBody({ parameters: [], length: 3 })), [2, 0]);
  refusesInOpenSent(rawMessage(1, openBody({ length: 255, parameters: [255] })), [2, 0]);
});

test('A hold time of 1 or 2 s is answered by 2/6', () => {
  for (const holdTimeS of [1, 2]) refusesInOpenSent(rawMessage(1, openBody({ holdTimeS })), [2, 6]);
});

test('A peer that speaks none of our families is answered by 2/7 with them', () => {
  const talk = converse({ peer: testPeer({ families: ['ipv6'] }) });
  const sent = notification(talk.hear(talk.connect(), testOpen({ capabilities: [{ type: 'multiprotocol', family: 'ipv4' }] })));
  assert.deepEqual(sent, { code: 2, subcode: 7, data: [1, 4, 0, 2, 0, 1] });
  assert.match(talk.view().lastError?.text ?? '', /none of the families that are to be announced \(ipv6\)/);
  refusesOpen({ capabilities: [] }, [2, 7], { families: ['ipv6'] });
  const other: Capability = { type: 'other', code: 1, value: Uint8Array.of(0, 1, 0, 128) };
  refusesOpen({ capabilities: [other] }, [2, 7], { families: ['ipv4'] });
});

test('A role that does not go with ours is answered by 2/11, only when both say one', () => {
  const saying = (role: number): readonly Capability[] => [...CAPABILITIES, { type: 'role', role }];
  assert.match(refusesOpen({ capabilities: saying(3) }, [2, 11], { role: 'customer' }), /the peer's role is customer, and ours, customer, needs it to be provider/);
  refusesOpen({ capabilities: [...saying(0), { type: 'role', role: 4 }] }, [2, 11], { role: 'customer' });
  refusesOpen({ capabilities: saying(9) }, [2, 11], { role: 'peer' });
  const pairs = [['customer', 0], ['provider', 3], ['route-server-client', 1], ['route-server', 2], ['peer', 4], [null, 3], ['customer', null]] as const;
  for (const [role, theirs] of pairs) {
    const talk = converse({ peer: testPeer({ role }) });
    talk.establish(testOpen({ capabilities: theirs === null ? CAPABILITIES : saying(theirs) }));
    assert.equal(talk.view().state, 'Established', `${role} and ${theirs}`);
  }
});

test('An UPDATE whose lengths run over is answered by 3/1, and one whose prefixes do by 3/10', () => {
  for (const [body, subcode] of [[[0, 9, 0, 0], 1], [[0, 0, 0, 9], 1], [[0, 0, 0, 0, 33, 1, 2, 3, 4, 5], 10], [[0, 0, 0, 0, 24, 1], 10]] as const) {
    const talk = converse();
    const connection = talk.establish();
    const effects = talk.hear(connection, rawMessage(2, body));
    assert.deepEqual(inShort(effects), [`send 3/${subcode}`, 'close', 'down']);
    assert.equal(talk.view().state, 'Idle');
  }
});

test('An UPDATE whose attributes are wrong but can be told apart is put up with, counted and said', () => {
  const talk = converse();
  const connection = talk.establish();
  // ORIGIN of two octets, then a prefix (RFC 7606 section 7.1).
  assert.deepEqual(talk.hear(connection, rawMessage(2, [0, 0, 0, 5, 0x40, 1, 2, 0, 0, 24, 203, 0, 113])), []);
  const { state, updateFaults, lastUpdateFault } = talk.view();
  assert.equal(state, 'Established');
  assert.equal(updateFaults, 1);
  assert.match(lastUpdateFault ?? '', /ORIGIN/);
});

test('A message that the state does not take is answered by 5/1, 5/2 or 5/3 with its type', () => {
  const request = { type: 'routeRefresh', family: 'ipv4', subtype: 'request' } as const;
  const sent = converse();
  assert.deepEqual(notification(sent.hear(sent.connect(), KEEPALIVE)), { code: 5, subcode: 1, data: [4] });
  for (const [message, type] of [[END_OF_RIB, 2], [request, 5]] as const) {
    const talk = converse();
    assert.deepEqual(notification(talk.hear(talk.connect(), message)), { code: 5, subcode: 1, data: [type] });
  }
  for (const [message, type] of [[testOpen(), 1], [END_OF_RIB, 2], [request, 5]] as const) {
    const talk = converse();
    const connection = talk.connect();
    talk.hear(connection, testOpen());
    assert.deepEqual(notification(talk.hear(connection, message)), { code: 5, subcode: 2, data: [type] });
  }
  const established = converse();
  assert.deepEqual(notification(established.hear(established.establish(), testOpen())), { code: 5, subcode: 3, data: [1] });
  const delayed = converse({ peer: testPeer({ delayOpenMs: 1_000 }) });
  assert.deepEqual(notification(delayed.hear(delayed.connect(), KEEPALIVE)), { code: 5, subcode: 0, data: [4] });
});

test('A message that the state does not take is refused for that, whatever else is wrong with it', () => {
  const update = rawMessage(2, [0, 9, 0, 0]);
  const refresh = rawMessage(5, [0, 1, 1, 1, 0]);
  for (const [octets, type] of [[update, 2], [refresh, 5]] as const) {
    const sent = converse();
    assert.deepEqual(notification(sent.hear(sent.connect(), octets)), { code: 5, subcode: 1, data: [type] });
  }
  for (const [octets, type] of [[update, 2], [refresh, 5], [rawMessage(1, openBody({ version: 3 })), 1]] as const) {
    const confirm = converse();
    const connection = confirm.connect();
    confirm.hear(connection, testOpen());
    assert.deepEqual(notification(confirm.hear(connection, octets)), { code: 5, subcode: 2, data: [type] });
  }
  const established = converse();
  const tooShort = rawMessage(1, openBody({ holdTimeS: 1 }));
  assert.deepEqual(notification(established.hear(established.establish(), tooShort)), { code: 5, subcode: 3, data: [1] });
  const headless = converse();
  const wrongLength = rawMessage(2, [], 22);
  assert.deepEqual(notification(headless.hear(headless.connect(), wrongLength)), { code: 1, subcode: 2, data: [0, 22] }, 'a header is looked at first');
});

test('A hold timer that expires is answered by 4/0: in OpenSent after 4 minutes, then after the hold time', () => {
  const sent = converse({ peer: testPeer({ connect: 'active' }) });
  sent.connect();
  assert.deepEqual(sent.pass(239_999), []);
  assert.deepEqual(inShort(sent.pass(1)), ['send 4/0', 'close']);
  const confirm = converse();
  confirm.hear(confirm.connect(), testOpen());
  assert.ok(inShort(confirm.pass(90_000)).includes('send 4/0'));
  assert.match(confirm.view().lastError?.text ?? '', /^nothing was heard of the peer for 90 s, the hold time, right after .*\(ttlSecurity, ebgpMultiHop\)/);
  const established = converse();
  established.establish();
  assert.deepEqual(inShort(established.pass(89_999)).filter((effect) => effect !== 'send keepalive'), []);
  assert.deepEqual(inShort(established.pass(1)).slice(-3), ['send 4/0', 'close', 'down']);
  assert.match(established.view().lastError?.text ?? '', /nothing was heard of the peer for 90 s, the hold time, right after/);
  const later = converse();
  const connection = later.establish();
  later.pass(30_000);
  later.hear(connection, { type: 'keepalive' });
  assert.deepEqual(inShort(later.pass(90_000)).slice(-3), ['send 4/0', 'close', 'down']);
  assert.match(later.view().lastError?.text ?? '', /^nothing was heard of the peer for 90 s, the hold time \(sent/);
});

test('A NOTIFICATION, whatever is in it, closes the connection without an answer, and there is a pause', () => {
  for (const phase of ['OpenSent', 'OpenConfirm', 'Established'] as const) {
    for (const code of [0, 1, 2, 3, 4, 5, 6, 7, 8, 255]) {
      const talk = converse();
      const connection = phase === 'Established' ? talk.establish() : talk.connect();
      if (phase === 'OpenConfirm') talk.hear(connection, testOpen());
      const effects = talk.hear(connection, { type: 'notification', code, subcode: 2, data: Uint8Array.of(200, 1, 2, 0xff) });
      assert.deepEqual(inShort(effects), phase === 'Established' ? ['close', 'down'] : ['close']);
      assert.equal(talk.view().state, phase === 'OpenSent' && code === 6 ? 'Active' : 'Idle');
      assert.equal(talk.view().retryInMs, 750);
      assert.deepEqual(talk.view().lastError?.notification, { direction: 'received', fault: { code, subcode: 2 } });
    }
  }
});

test('What a NOTIFICATION of the peer means is said in words, with what to do where that is known', () => {
  const words = (code: number, subcode: number, data: readonly number[] = []): string => {
    const talk = converse();
    talk.hear(talk.connect(), { type: 'notification', code, subcode, data: Uint8Array.from(data) });
    return talk.view().lastError?.text ?? '';
  };
  assert.equal(words(2, 2), 'the peer says that our AS 64512 is not what it expects (OPEN Message Error/Bad Peer AS): compare myASN with its configuration');
  assert.equal(words(6, 2, [4, 110, 111, 119, 33]), 'the session was shut down on the peer (Cease/Administrative Shutdown: "now!")');
  assert.match(words(6, 1), /more prefixes than it takes .*aggregat/);
  assert.match(words(6, 8), /out of resources/);
  assert.match(words(4, 0), /^the peer has heard nothing from this node for the hold time/);
  assert.equal(words(3, 1), 'the peer has closed it: UPDATE Message Error/Malformed Attribute List');
});

test('A peer that refuses what is offered is offered less, then all again, and after a session all', () => {
  const talk = converse({ peer: testPeer({ gracefulRestart: { restartTimeMs: 120_000, longLivedStaleTimeMs: null } }) });
  const offered: (readonly string[])[] = [];
  talk.handle({ type: 'start' });
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    const [open] = messagesSent(talk.handle({ type: 'connected', connection: -attempt, ends: TEST_ENDS }));
    offered.push(open?.type === 'open' ? open.capabilities.map(({ type }) => type) : []);
    talk.hear(-attempt, { type: 'notification', code: 2, subcode: attempt === 1 ? 7 : 4, data: new Uint8Array(0) });
    talk.pass(talk.view().retryInMs ?? 0);
  }
  const all = ['multiprotocol', 'multiprotocol', 'fourOctetAsn', 'routeRefresh', 'enhancedRouteRefresh', 'extendedMessage', 'gracefulRestart', 'fqdn'];
  assert.deepEqual(offered, [all, ['multiprotocol', 'multiprotocol', 'fourOctetAsn'], [], all]);
  talk.handle({ type: 'connected', connection: -5, ends: TEST_ENDS });
  talk.hear(-5, testOpen());
  talk.hear(-5, KEEPALIVE);
  assert.equal(talk.view().negotiated?.gracefulRestart, null);
  talk.handle({ type: 'closed', connection: -5, reason: 'reset' });
  const [open] = messagesSent(talk.handle({ type: 'connected', connection: connectionAsked(talk.pass(talk.view().retryInMs ?? 0)), ends: TEST_ENDS }));
  assert.deepEqual(open?.type === 'open' ? open.capabilities.map(({ type }) => type) : [], all);
});

function connectionAsked(effects: readonly SessionEffect[]): number {
  const asked = effects.find((effect) => effect.type === 'connect');
  assert.ok(asked?.type === 'connect');
  return asked.connection;
}

test('Messages of more than 4096 octets are taken only when both sides have said so', () => {
  const withdrawn = Array.from({ length: 1_100 }, (_, index) => ({ pathId: null, prefix: `10.${index >> 8}.${index & 255}.0/24` }));
  const large = encodeMessage({ type: 'update', family: 'ipv4', withdrawn, attributes: null, announced: [] }, { ...PLAIN_CODEC, extendedMessages: true });
  const plain = converse();
  assert.equal(notification(plain.hear(plain.establish(), large)).subcode, 2);
  const extended = converse();
  const connection = extended.establish(testOpen({ capabilities: [...CAPABILITIES, { type: 'extendedMessage' }] }));
  assert.deepEqual(extended.hear(connection, large), []);
  assert.equal(extended.view().prefixesReceived, 1_100);
});
