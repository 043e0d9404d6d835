import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Capability, OpenMessage } from '../codec/message.ts';
import type { WantedPeer } from '../bgpWanted.ts';
import { codecOptions, mayRestart, negotiate } from './negotiate.ts';
import { openOffer } from './openOffer.ts';
import type { Negotiated } from './sessionEvents.ts';
import { TEST_BFD, TEST_ENDS, testOpen, testOptions, testPeer } from './testing/testPeer.ts';

const ENDS_V6 = { localAddress: 'fe80::1', remoteAddress: 'fe80::2' };

function offer(changes: Partial<WantedPeer>, restarting = false, ends = TEST_ENDS): OpenMessage {
  return openOffer(testOptions({ peer: testPeer(changes) }), ends, { level: 'all', restarting });
}

function agree(changes: Partial<WantedPeer>, theirs: readonly Capability[], ends = TEST_ENDS): Negotiated {
  return negotiate({ offered: offer(changes, false, ends), received: testOpen({ capabilities: theirs }) }, ends);
}

function offered<Type extends Capability['type']>(open: OpenMessage, type: Type): Capability | undefined {
  return open.capabilities.find((capability) => capability.type === type);
}

test('A plain peer is offered families, AS numbers of four octets, route refresh, extended messages and the host name', () => {
  assert.deepEqual(offer({ families: ['ipv4'] }), {
    type: 'open',
    asn: 64_512,
    holdTimeS: 90,
    routerId: '192.0.2.1',
    capabilities: [
      { type: 'multiprotocol', family: 'ipv4' }, { type: 'fourOctetAsn', asn: 64_512 }, { type: 'routeRefresh' }, { type: 'enhancedRouteRefresh' },
      { type: 'extendedMessage' }, { type: 'fqdn', hostName: 'node-a', domainName: '' },
    ],
  });
});

test('Graceful restart is offered with its families, whose forwarding goes on, and with the Restart State of the first OPEN', () => {
  const peer = { gracefulRestart: { restartTimeMs: 120_000, longLivedStaleTimeMs: 3_600_000 } };
  const families = [{ family: 'ipv4', forwarding: true }, { family: 'ipv6', forwarding: true }];
  assert.deepEqual(offered(offer(peer, true), 'gracefulRestart'), { type: 'gracefulRestart', restarting: true, notification: false, restartTimeS: 120, families });
  const watched = offered(offer({ ...peer, bfd: TEST_BFD }, true), 'gracefulRestart');
  assert.deepEqual(watched, { type: 'gracefulRestart', restarting: true, notification: true, restartTimeS: 120, families }, 'BFD tells of a node that is dead');
  assert.deepEqual(offered(offer(peer), 'longLivedGracefulRestart'), {
    type: 'longLivedGracefulRestart', families: families.map((family) => ({ ...family, staleTimeS: 3_600 })),
  });
  assert.equal(offered(offer({}), 'gracefulRestart'), undefined);
});

test('Times that do not fit are cut to the largest that do', () => {
  const open = offer({ holdTimeMs: 10 ** 9, gracefulRestart: { restartTimeMs: 10 ** 9, longLivedStaleTimeMs: 10 ** 12 } });
  assert.equal(open.holdTimeS, 65_535);
  const restart = offered(open, 'gracefulRestart');
  assert.equal(restart?.type === 'gracefulRestart' && restart.restartTimeS, 4_095);
  const longLived = offered(open, 'longLivedGracefulRestart');
  assert.equal(longLived?.type === 'longLivedGracefulRestart' && longLived.families[0]?.staleTimeS, 0xff_ffff);
  assert.equal(offer({ holdTimeMs: 1_000 }).holdTimeS, 3);
  assert.equal(offer({ holdTimeMs: 0 }).holdTimeS, 0);
});

test('Roles are offered to other ASes alone', () => {
  assert.deepEqual(offered(offer({ role: 'customer' }), 'role'), { type: 'role', role: 3 });
  assert.equal(offered(offer({ role: 'customer', remoteAsn: { type: 'internal' } }), 'role'), undefined);
  assert.equal(offered(offer({ role: 'customer', remoteAsn: { type: 'number', asn: 64_512 } }), 'role'), undefined);
});

test('Families are those of both; a peer that says none speaks IPv4', () => {
  assert.deepEqual(agree({}, [{ type: 'multiprotocol', family: 'ipv6' }]).families, ['ipv6']);
  assert.deepEqual(agree({}, []).families, ['ipv4']);
  const twice: readonly Capability[] = [{ type: 'multiprotocol', family: 'ipv4' }, { type: 'multiprotocol', family: 'ipv4' }];
  assert.deepEqual(agree({}, twice).families, ['ipv4']);
});

test('Several paths are sent in families that the peer takes them in', () => {
  const theirs: Capability = { type: 'addPath', families: [{ family: 'ipv4', send: true, receive: true }, { family: 'ipv6', send: true, receive: false }] };
  assert.deepEqual(agree({ addPathSend: 4 }, [...testOpen().capabilities, theirs]).addPathSend, ['ipv4']);
  assert.deepEqual(agree({ addPathSend: 0 }, [...testOpen().capabilities, theirs]).addPathSend, []);
  assert.deepEqual(agree({ addPathSend: 4 }, [theirs]).addPathSend, ['ipv4']);
});

test('IPv4 routes have IPv6 next hops only over IPv6, and if both say so', () => {
  const theirs: Capability = { type: 'extendedNextHop', entries: [{ family: 'ipv4', nextHop: 'ipv6' }] };
  assert.equal(agree({}, [...testOpen().capabilities, theirs], ENDS_V6).extendedNextHop, true);
  assert.equal(agree({}, [...testOpen().capabilities, theirs]).extendedNextHop, false);
  assert.equal(agree({}, testOpen().capabilities, ENDS_V6).extendedNextHop, false);
  assert.equal(agree({ families: ['ipv6'] }, [...testOpen().capabilities, theirs], ENDS_V6).extendedNextHop, false);
});

test('Graceful restart is agreed on with a peer that lists no families too, which keeps ours but does not restart', () => {
  const peer = { gracefulRestart: { restartTimeMs: 120_000, longLivedStaleTimeMs: 1_000 }, bfd: TEST_BFD };
  const helper: Capability = { type: 'gracefulRestart', restarting: true, notification: true, restartTimeS: 60, families: [] };
  const agreed = agree(peer, [...testOpen().capabilities, helper]);
  assert.deepEqual(agreed.gracefulRestart, { notification: true, families: ['ipv4', 'ipv6'], peerRestartTimeMs: 60_000, peerRestarting: true });
  assert.deepEqual(agreed.longLivedGracefulRestart, []);
  assert.equal(mayRestart(agreed), false);
  const both: readonly Capability[] = [helper, { ...helper, notification: false, families: [{ family: 'ipv4', forwarding: false }] }, { type: 'longLivedGracefulRestart', families: [] }];
  const last = agree(peer, [...testOpen().capabilities, ...both]);
  assert.equal(last.gracefulRestart?.notification, false, 'the last of several counts');
  assert.deepEqual(last.longLivedGracefulRestart, ['ipv4', 'ipv6']);
  assert.equal(mayRestart(last), true);
  assert.equal(agree({}, [...testOpen().capabilities, helper]).gracefulRestart, null);
});

test('The codec is told what was agreed on, and a host name is fit for a terminal', () => {
  const agreed = agree({}, [...testOpen().capabilities, { type: 'extendedMessage' }, { type: 'fqdn', hostName: 'leaf\u001b[31m', domainName: 'example.net' }]);
  assert.deepEqual(codecOptions(agreed), {
    fourOctetAsn: true, extendedMessages: true, addPathSend: [], addPathReceive: [], families: ['ipv4', 'ipv6'], internal: false,
  });
  assert.equal(agreed.remoteHostName, 'leaf?[31m.example.net');
  assert.equal(agree({}, []).fourOctetAsn, false);
});
