import assert from 'node:assert/strict';
import { test } from 'node:test';

import { encodeMessage } from '../codec/codec.ts';
import { PLAIN_CODEC } from '../codec/message.ts';
import { converse, inShort, messagesSent } from './testing/conversation.ts';
import { TEST_ENDS, testOpen, testPeer } from './testing/testPeer.ts';
import { WALL_START_MS } from './testing/watchedMachine.ts';

const KEEPALIVE = { type: 'keepalive' } as const;

test('An active session goes from Idle over Connect, OpenSent and OpenConfirm to Established', () => {
  const talk = converse({ peer: testPeer({ connect: 'active' }) });
  assert.equal(talk.view().state, 'Idle');
  const asked = talk.handle({ type: 'start' });
  assert.deepEqual(asked, [{ type: 'connect', connection: -1 }]);
  assert.equal(talk.view().state, 'Connect');
  assert.deepEqual(inShort(talk.handle({ type: 'connected', connection: -1, ends: TEST_ENDS })), ['send open']);
  assert.equal(talk.view().state, 'OpenSent');
  assert.deepEqual(inShort(talk.hear(-1, testOpen())), ['send keepalive']);
  assert.equal(talk.view().state, 'OpenConfirm');
  assert.deepEqual(inShort(talk.hear(-1, KEEPALIVE)), ['established']);
  const view = talk.view();
  assert.equal(view.state, 'Established');
  assert.equal(view.established, 1);
  assert.equal(view.sinceMs, WALL_START_MS);
  assert.equal(view.lastError, null);
  assert.equal(view.retryInMs, null);
  assert.equal(view.negotiated?.remoteRouterId, '192.0.2.2');
  assert.deepEqual({ ...view.sent, octets: 0 }, { open: 1, update: 0, notification: 0, keepalive: 1, routeRefresh: 0, octets: 0 });
  assert.deepEqual({ ...view.received, octets: 0 }, { open: 1, update: 0, notification: 0, keepalive: 1, routeRefresh: 0, octets: 0 });
});

test('A passive session waits in Active and takes the peer\'s connection', () => {
  const talk = converse({ peer: testPeer({ connect: 'passive' }) });
  assert.deepEqual(talk.handle({ type: 'start' }), []);
  assert.equal(talk.view().state, 'Active');
  assert.equal(talk.machine.dueMs(), null);
  const { connection, effects } = talk.accept();
  assert.deepEqual(inShort(effects), ['send open']);
  talk.hear(connection, testOpen());
  assert.deepEqual(inShort(talk.hear(connection, KEEPALIVE)), ['established']);
});

test('An active session rejects the peer\'s connection with Cease/5', () => {
  const talk = converse({ peer: testPeer({ connect: 'active' }) });
  talk.handle({ type: 'start' });
  assert.deepEqual(inShort(talk.accept().effects), ['send 6/5', 'close']);
});

test('A connection before start is rejected with Cease/5, and one in the pause after a protocol error without a word', () => {
  const talk = converse();
  assert.deepEqual(inShort(talk.accept().effects), ['send 6/5', 'close']);
  const connection = talk.connect();
  talk.hear(connection, KEEPALIVE);
  assert.equal(talk.view().state, 'Idle');
  assert.deepEqual(inShort(talk.accept().effects), ['close']);
});

test('A failed connection leaves Active, and is tried again after a pause that doubles up to connectTime', () => {
  const talk = converse({ peer: testPeer({ connectTimeMs: 10_000 }) });
  talk.handle({ type: 'start' });
  const pauses: (number | null)[] = [];
  for (let attempt = 1; attempt <= 7; attempt += 1) {
    talk.handle({ type: 'connectFailed', connection: -attempt, reason: 'connect 192.0.2.2:179: connection refused' });
    assert.equal(talk.view().state, 'Active');
    const { retryInMs } = talk.view();
    pauses.push(retryInMs);
    assert.deepEqual(talk.pass((retryInMs ?? 0) - 1), []);
    assert.deepEqual(inShort(talk.pass(1)), ['connect']);
  }
  assert.deepEqual(pauses, [750, 1_500, 3_000, 6_000, 7_500, 7_500, 7_500]);
  assert.equal(talk.view().lastError?.text, 'no connection: connect 192.0.2.2:179: connection refused');
});

test('A connection that is not there within 30 s is given up and tried again', () => {
  const talk = converse();
  talk.handle({ type: 'start' });
  assert.deepEqual(inShort(talk.pass(30_000)), ['close']);
  assert.equal(talk.view().state, 'Active');
  assert.match(talk.view().lastError?.text ?? '', /no answer within 30 s/);
  assert.deepEqual(inShort(talk.pass(750)), ['connect']);
});

test('The pause has jitter from three quarters to all of it', () => {
  for (const [random, pauseMs] of [[0, 750], [0.5, 875], [0.999_9, 1_000]] as const) {
    const talk = converse({ random: () => random });
    talk.handle({ type: 'start' });
    talk.handle({ type: 'connectFailed', connection: -1, reason: 'refused' });
    assert.equal(talk.view().retryInMs, pauseMs);
  }
});

test('A connection that is closed in OpenSent leaves Active, in OpenConfirm and Established Idle', () => {
  const sent = converse();
  assert.deepEqual(sent.handle({ type: 'closed', connection: sent.connect(), reason: 'reset by peer' }), []);
  assert.equal(sent.view().state, 'Active');
  assert.match(sent.view().lastError?.text ?? '', /before the peer's OPEN: reset by peer: look whether the router has this node as a neighbor in AS 64512/);
  const confirm = converse();
  const connection = confirm.connect();
  confirm.hear(connection, testOpen());
  confirm.handle({ type: 'closed', connection, reason: 'reset by peer' });
  assert.equal(confirm.view().state, 'Idle');
  const established = converse();
  assert.deepEqual(inShort(established.handle({ type: 'closed', connection: established.establish(), reason: 'reset by peer' })), ['down']);
  assert.equal(established.view().state, 'Idle');
  assert.equal(established.view().lastError?.text, 'the connection is lost: reset by peer');
  assert.equal(established.view().negotiated, null);
});

test('With DelayOpen, OPEN is sent when that time is over', () => {
  const talk = converse({ peer: testPeer({ delayOpenMs: 5_000 }) });
  const connection = talk.connect();
  assert.equal(talk.view().state, 'Connect');
  assert.deepEqual(talk.pass(4_999), []);
  assert.deepEqual(inShort(talk.pass(1)), ['send open']);
  assert.equal(talk.view().state, 'OpenSent');
  assert.deepEqual(inShort(talk.hear(connection, testOpen())), ['send keepalive']);
});

test('With DelayOpen, an OPEN of the peer is answered at once by OPEN and KEEPALIVE', () => {
  const talk = converse({ peer: testPeer({ delayOpenMs: 5_000, connect: 'passive' }) });
  talk.handle({ type: 'start' });
  const { connection, effects } = talk.accept();
  assert.deepEqual(effects, []);
  assert.equal(talk.view().state, 'Active');
  assert.deepEqual(inShort(talk.hear(connection, testOpen())), ['send open', 'send keepalive']);
  assert.equal(talk.view().state, 'OpenConfirm');
  assert.deepEqual(inShort(talk.pass(5_000)), []);
});

test('Messages may come an octet at a time, or all at once', () => {
  const octets = Buffer.concat([encodeMessage(testOpen(), PLAIN_CODEC), encodeMessage(KEEPALIVE, PLAIN_CODEC)]);
  const one = converse();
  assert.deepEqual(inShort(one.hear(one.connect(), octets)), ['send keepalive', 'established']);
  const many = converse();
  const connection = many.connect();
  for (const octet of octets) many.hear(connection, Uint8Array.of(octet));
  assert.equal(many.view().state, 'Established');
  assert.equal(many.view().received.octets, octets.length);
});

test('A hundred sessions that break at once are tried ever less often, and one that lasts begins anew', () => {
  const talk = converse({ peer: testPeer({ connectTimeMs: 120_000 }) });
  const pauses: number[] = [];
  for (let flap = 0; flap < 100; flap += 1) {
    const connection = talk.establish();
    talk.handle({ type: 'closed', connection, reason: 'reset' });
    assert.equal(talk.view().state, 'Idle');
    pauses.push(talk.view().retryInMs ?? 0);
    talk.pass(talk.view().retryInMs ?? 0);
    talk.handle({ type: 'connectFailed', connection: -(2 * flap + 2), reason: 'refused' });
  }
  assert.ok(pauses.every((pause, index) => index === 0 || pause >= (pauses[index - 1] ?? 0)));
  assert.equal(pauses.at(-1), 90_000);
  assert.equal(talk.view().established, 100);
  const connection = talk.establish();
  talk.pass(40_000);
  talk.hear(connection, KEEPALIVE);
  talk.pass(20_000);
  talk.handle({ type: 'closed', connection, reason: 'reset' });
  assert.equal(talk.view().retryInMs, 750);
});

test('KEEPALIVEs are sent at a third of the hold time with jitter, and UPDATEs put them off', () => {
  const talk = converse({ peer: testPeer({ holdTimeMs: 90_000, keepaliveTimeMs: 60_000 }) });
  const connection = talk.establish(testOpen({ holdTimeS: 30 }));
  assert.equal(talk.view().negotiated?.holdTimeMs, 30_000);
  assert.deepEqual(inShort(talk.pass(7_500)), ['send keepalive']);
  talk.pass(7_000);
  talk.machine.countUpdates(2, 100, { monotonicMs: talk.nowMs(), wallMs: 0 });
  assert.deepEqual(talk.pass(7_499), []);
  assert.deepEqual(inShort(talk.pass(1)), ['send keepalive']);
  assert.equal(talk.view().sent.update, 2);
  talk.hear(connection, KEEPALIVE);
  assert.equal(talk.view().state, 'Established');
});

test('another KeepaliveTime counts from the next KEEPALIVE on, in the session that there is', () => {
  const peer = testPeer({ holdTimeMs: 90_000, keepaliveTimeMs: 30_000 });
  const talk = converse({ peer });
  talk.establish();
  Object.assign(peer, { keepaliveTimeMs: 4_000 });
  assert.deepEqual(inShort(talk.pass(22_500)), ['send keepalive']);
  assert.deepEqual(talk.pass(2_999), []);
  assert.deepEqual(inShort(talk.pass(1)), ['send keepalive']);
  assert.equal(talk.view().established, 1);
});

test('KEEPALIVEs are never closer than a second', () => {
  const talk = converse({ peer: testPeer({ holdTimeMs: 3_000, keepaliveTimeMs: 100 }) });
  talk.establish();
  assert.deepEqual(talk.pass(999), []);
  assert.deepEqual(inShort(talk.pass(1)), ['send keepalive']);
});

test('A hold time of 0 on either side means no hold timer, no KEEPALIVEs and no SendHoldTimer (RFC 9687 section 4.3)', () => {
  for (const [ours, theirs] of [[0, 90], [90_000, 0]] as const) {
    const talk = converse({ peer: testPeer({ holdTimeMs: ours }) });
    const connection = talk.establish(testOpen({ holdTimeS: theirs }));
    talk.handle({ type: 'writable', connection, writable: false });
    assert.equal(talk.machine.dueMs(), null);
    assert.deepEqual(talk.pass(10_000_000), []);
    assert.equal(talk.view().state, 'Established');
  }
});

test('KEEPALIVE, UPDATE and ROUTE-REFRESH of the peer restart the hold timer', () => {
  const talk = converse();
  const connection = talk.establish();
  talk.pass(80_000);
  talk.hear(connection, KEEPALIVE);
  talk.pass(80_000);
  talk.hear(connection, { type: 'update', family: 'ipv4', withdrawn: [], attributes: null, announced: [] });
  talk.pass(80_000);
  talk.hear(connection, { type: 'routeRefresh', family: 'ipv4', subtype: 'request' });
  talk.pass(80_000);
  assert.equal(talk.view().state, 'Established');
  assert.ok(inShort(talk.pass(10_000)).includes('send 4/0'));
});

test('A hold timer that is looked at late, as this process stood still, gives the peer a moment more', () => {
  const talk = converse();
  const connection = talk.establish();
  assert.ok(!inShort(talk.jump(200_000)).includes('down'));
  talk.hear(connection, KEEPALIVE);
  talk.pass(89_000);
  assert.equal(talk.view().state, 'Established');
  assert.ok(!inShort(talk.jump(200_000)).includes('down'));
  assert.ok(inShort(talk.jump(200_000)).includes('down'), 'once only');
});

test('A peer that takes nothing for eight minutes, or twice the hold time, is left with NOTIFICATION 8', () => {
  for (const [holdS, limitMs] of [[90, 480_000], [300, 600_000]] as const) {
    const talk = converse({ peer: testPeer({ holdTimeMs: holdS * 1_000 }) });
    const connection = talk.establish(testOpen({ holdTimeS: holdS }));
    talk.handle({ type: 'writable', connection, writable: false });
    for (let passed = 0; passed < limitMs - 10_000; passed += 10_000) {
      assert.deepEqual(talk.pass(10_000), [], 'nothing is put behind what waits');
      talk.hear(connection, KEEPALIVE);
    }
    assert.deepEqual(inShort(talk.pass(9_999)), []);
    assert.deepEqual(inShort(talk.pass(1)), ['send 8/0', 'close', 'down']);
    assert.match(talk.view().lastError?.text ?? '', /has taken nothing/);
  }
});

test('A peer that takes octets again is sent the KEEPALIVE that was left out', () => {
  const talk = converse();
  const connection = talk.establish();
  talk.handle({ type: 'writable', connection, writable: false });
  assert.deepEqual(talk.pass(60_000), []);
  assert.deepEqual(inShort(talk.handle({ type: 'writable', connection, writable: true })), ['send keepalive']);
  talk.hear(connection, KEEPALIVE);
  assert.deepEqual(inShort(talk.pass(22_500)), ['send keepalive']);
});

test('A request for routes is passed on for families that are spoken', () => {
  const talk = converse({ peer: testPeer({ families: ['ipv4'] }) });
  const connection = talk.establish();
  assert.deepEqual(talk.hear(connection, { type: 'routeRefresh', family: 'ipv4', subtype: 'request' }), [{ type: 'refresh', family: 'ipv4' }]);
  assert.deepEqual(talk.hear(connection, { type: 'routeRefresh', family: 'ipv6', subtype: 'request' }), []);
  assert.deepEqual(talk.hear(connection, { type: 'routeRefresh', family: 'ipv4', subtype: 'begin' }), []);
});

test('A peer may ask for routes if route refresh was offered to it, whether it offers that itself or not', () => {
  const request = { type: 'routeRefresh', family: 'ipv4', subtype: 'request' } as const;
  const talk = converse();
  assert.deepEqual(talk.hear(talk.establish(testOpen({ capabilities: [] })), request), [{ type: 'refresh', family: 'ipv4' }]);
  const plain = converse();
  plain.hear(plain.connect(), { type: 'notification', code: 2, subcode: 4, data: new Uint8Array(0) });
  assert.deepEqual(plain.hear(plain.establish(), request), [], 'it was offered less');
  assert.equal(plain.view().received.routeRefresh, 1);
});

test('Routes of the peer are counted and dropped, and its End-of-RIB is told', () => {
  const talk = converse();
  const connection = talk.establish();
  const announced = encodeMessage({
    type: 'update', family: 'ipv4', withdrawn: [], announced: [{ pathId: null, prefix: '203.0.113.0/24' }, { pathId: null, prefix: '198.51.100.0/24' }],
    attributes: {
      origin: 'igp', asPath: [65_001], nextHop: '192.0.2.2', linkLocalNextHop: null, med: null, localPref: null, communities: [],
      largeCommunities: [], linkBandwidth: null, onlyToCustomer: null,
    },
  }, { ...PLAIN_CODEC, fourOctetAsn: true });
  assert.deepEqual(talk.hear(connection, announced), []);
  assert.deepEqual(talk.hear(connection, { type: 'update', family: 'ipv4', withdrawn: [], attributes: null, announced: [] }), [{ type: 'endOfRib', family: 'ipv4' }]);
  assert.equal(talk.view().prefixesReceived, 2);
  assert.equal(talk.view().received.update, 2);
});

test('Events of connections that are over, or never were, change nothing', () => {
  const talk = converse();
  const connection = talk.establish();
  talk.handle({ type: 'closed', connection, reason: 'reset' });
  const before = talk.view();
  for (const id of [connection, 7]) {
    talk.handle({ type: 'octets', connection: id, octets: new Uint8Array(100) });
    talk.handle({ type: 'closed', connection: id, reason: 'again' });
    talk.handle({ type: 'connectFailed', connection: id, reason: 'again' });
    talk.handle({ type: 'connected', connection: id, ends: TEST_ENDS });
    talk.handle({ type: 'writable', connection: id, writable: false });
  }
  assert.deepEqual(talk.view(), before);
});

test('A second start changes nothing, and a peer that is to be shut down is not started', () => {
  const talk = converse();
  talk.establish();
  assert.deepEqual(talk.handle({ type: 'start' }), []);
  const down = converse({ peer: testPeer({ shutdown: 'maintenance' }) });
  assert.deepEqual(down.handle({ type: 'start' }), []);
  assert.equal(down.view().state, 'Idle');
  const { effects } = down.accept();
  assert.deepEqual(inShort(effects), ['send 6/2', 'close']);
  const [told] = messagesSent(effects);
  assert.equal(told?.type === 'notification' ? Buffer.from(told.data).toString() : '', '\u000bmaintenance');
});

test('What told why there is no session is said on while attempts fail that tell nothing, until there is one', () => {
  const talk = converse({ peer: testPeer({ connect: 'active' }) });
  talk.hear(talk.connect(), testOpen({ asn: 65_009 }));
  const cause = talk.view().lastError;
  assert.match(cause?.text ?? '', /65009/);
  for (const reason of ['the peer has reset the connection', 'no answer within 10 s']) {
    let asked = talk.pass(500).find((effect) => effect.type === 'connect');
    while (asked === undefined) asked = talk.pass(500).find((effect) => effect.type === 'connect');
    talk.handle({ type: 'connectFailed', connection: asked.connection, reason });
    const { text = '', notification } = talk.view().lastError ?? {};
    assert.ok(text.startsWith(`${cause?.text}; now: `) && text.includes(reason), text);
    assert.deepEqual(notification, cause?.notification);
  }
  const connection = talk.connect();
  talk.hear(connection, testOpen());
  talk.hear(connection, KEEPALIVE);
  talk.handle({ type: 'closed', connection, reason: 'the peer has closed it' });
  assert.doesNotMatch(talk.view().lastError?.text ?? '', /65009/);
});
