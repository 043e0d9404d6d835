import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WantedPeer, WantedRoute } from './bgpWanted.ts';
import { isWantedPeers, isWantedRoute } from './isBgpWanted.ts';
import { ANNOUNCEMENT, PEER, routeOf } from './testing/bgpFacts.ts';

const FULL: WantedPeer = {
  ...PEER, sourceAddress: '10.0.0.1', vrf: 'red', minimumTtl: 254, ttl: 255, role: 'customer', shutdown: 'maintenance',
  authentication: { type: 'ao', keyId: 1, receiveKeyId: 2, algorithm: 'hmac-sha256', key: 'k' },
  gracefulRestart: { restartTimeMs: 120_000, longLivedStaleTimeMs: 1000 },
  bfd: { receiveIntervalMs: 50, transmitIntervalMs: 50, detectMultiplier: 3, echoIntervalMs: null, echoReceiveIntervalMs: 50, passive: false, hops: { type: 'multihop', minimumTtl: 254 } },
};

function peers(changes: object): boolean {
  return isWantedPeers(new Map([[PEER.name, { ...FULL, ...changes }]]));
}

test('peers are taken with and without all that may be left out', () => {
  assert.ok(isWantedPeers(new Map()));
  assert.ok(isWantedPeers(new Map([[PEER.name, PEER]])));
  assert.ok(peers({}));
  assert.ok(peers({ remote: { type: 'interface', interface: 'eth0' }, remoteAsn: { type: 'external' }, authentication: { type: 'md5', password: 'p' } }));
});

test('a peer with anything that does not belong there is refused', () => {
  const wrong: readonly object[] = [
    { name: 'other' }, { localAsn: 0 }, { localAsn: 2 ** 32 }, { remoteAsn: { type: 'number', asn: 0 } }, { remoteAsn: { type: 'any' } },
    { remote: { type: 'address', address: 'tor.example' } }, { remote: { type: 'address', address: 'fe80::1%eth0' } }, { remote: { type: 'interface', interface: '' } },
    { port: 0 }, { port: 65_536 }, { sourceAddress: 'here' }, { vrf: 7 }, { routerId: '::1' }, { connect: 'never' }, { delayOpenMs: -1 }, { holdTimeMs: 0.5 },
    { keepaliveTimeMs: null }, { connectTimeMs: '1' }, { authentication: { type: 'md5' } }, { authentication: { type: 'ao', key: 'k' } }, { ttl: 0 }, { ttl: 256 },
    { minimumTtl: 0 }, { families: ['ipv5'] }, { gracefulRestart: {} }, { addPathSend: -1 }, { role: 'king' }, { bfd: { ...FULL.bfd, detectMultiplier: 0 } },
    { bfd: { ...FULL.bfd, hops: { type: 'multihop', minimumTtl: 0 } } }, { shutdown: 7 },
  ];
  for (const changes of wrong) assert.equal(peers(changes), false, JSON.stringify(changes));
  assert.equal(isWantedPeers([PEER]), false);
});

test('routes are taken, and refused with anything that does not belong there', () => {
  const route: WantedRoute = routeOf('192.0.2.1', {
    otherNodes: [{ node: 'two', nextHop: '10.0.0.2' }],
    announcements: [{ ...ANNOUNCEMENT, localPref: 100, med: 0, communities: [1], largeCommunities: [[1, 2, 3]], linkBandwidth: 10 }],
  });
  assert.ok(isWantedRoute(route));
  const wrong: readonly object[] = [
    { prefix: '192.0.2.1' }, { prefix: 'all' }, { family: 'IPv4' }, { vips: [{}] }, { vips: [{ ...route.vips[0], address: 'x' }] }, { vips: [{ ...route.vips[0], draining: 0 }] },
    { vips: [{ ...route.vips[0], endpoints: 'some' }] },
    { announcements: [{ ...ANNOUNCEMENT, peers: [7] }] }, { announcements: [{ ...ANNOUNCEMENT, communities: [2 ** 32] }] },
    { announcements: [{ ...ANNOUNCEMENT, largeCommunities: [[1, 2]] }] }, { announcements: [{ ...ANNOUNCEMENT, med: -1 }] },
    { announcements: [{ ...ANNOUNCEMENT, asPathPrepend: null }] }, { otherNodes: [{ node: 'two', nextHop: 'x' }] },
  ];
  for (const changes of wrong) assert.equal(isWantedRoute({ ...route, ...changes }), false, JSON.stringify(changes));
});
