import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WantedPeer } from '../bgpWanted.ts';
import { peerChange, type PeerChange } from './peerChange.ts';
import { wantedPeer } from './testing/speakerFacts.ts';

const BFD = { receiveIntervalMs: 50, transmitIntervalMs: 50, detectMultiplier: 3, echoIntervalMs: null, echoReceiveIntervalMs: 50, passive: false, hops: { type: 'single' } } as const;

test('each change of a field costs what it must, and the same again nothing', () => {
  const before = wantedPeer('a/b');
  assert.equal(peerChange(before, structuredClone(before), null), 'none');
  const changes: readonly (readonly [Partial<WantedPeer>, PeerChange])[] = [
    [{ localAsn: 1 }, 'session'], [{ remoteAsn: { type: 'external' } }, 'session'], [{ remote: { type: 'address', address: '127.0.0.9' } }, 'session'],
    [{ port: 1 }, 'session'], [{ sourceAddress: null }, 'session'], [{ vrf: 'red' }, 'session'], [{ routerId: '1.1.1.1' }, 'session'],
    [{ authentication: { type: 'md5', password: 'x' } }, 'session'], [{ ttl: 255 }, 'session'], [{ minimumTtl: 255 }, 'session'],
    [{ families: ['ipv4', 'ipv6'] }, 'session'], [{ holdTimeMs: 3_000 }, 'session'], [{ keepaliveTimeMs: 1_000 }, 'live'],
    [{ gracefulRestart: { restartTimeMs: 1, longLivedStaleTimeMs: null } }, 'session'], [{ role: 'peer' }, 'session'], [{ shutdown: '' }, 'session'],
    [{ addPathSend: 2 }, 'session'], [{ bfd: BFD }, 'live'], [{ connect: 'both' }, 'live'], [{ delayOpenMs: 1 }, 'live'], [{ connectTimeMs: 1 }, 'live'],
    [{ bfd: BFD, port: 1 }, 'session'],
  ];
  for (const [change, cost] of changes) assert.equal(peerChange(before, { ...before, ...change }, null), cost, JSON.stringify(change));
  assert.equal(peerChange({ ...before, addPathSend: 2 }, { ...before, addPathSend: 3 }, null), 'live');
  assert.equal(peerChange({ ...before, addPathSend: 2 }, { ...before, addPathSend: 0 }, null), 'session');
});

test('another rule for the AS of the peer ends a session only where its AS is against it', () => {
  const before = { ...wantedPeer('a/b'), localAsn: 64_512, remoteAsn: { type: 'number', asn: 64_513 } } as const;
  const rules: readonly (readonly [WantedPeer['remoteAsn'], PeerChange])[] = [
    [{ type: 'external' }, 'live'], [{ type: 'internal' }, 'session'], [{ type: 'number', asn: 64_514 }, 'session'], [{ type: 'number', asn: 64_513 }, 'none'],
  ];
  for (const [remoteAsn, cost] of rules) assert.equal(peerChange(before, { ...before, remoteAsn }, 64_513), cost, JSON.stringify(remoteAsn));
  assert.equal(peerChange({ ...before, remoteAsn: { type: 'external' } }, before, 64_513), 'live');
  assert.equal(peerChange({ ...before, remoteAsn: { type: 'internal' } }, { ...before, remoteAsn: { type: 'number', asn: 64_512 } }, 64_512), 'live');
});
