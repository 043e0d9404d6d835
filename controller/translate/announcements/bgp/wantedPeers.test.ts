import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeerAuthentication } from '../../../announcer/bgp/bgpWanted.ts';
import { keysOf } from '../../../announcer/bgp/transport/peerSocket.ts';
import { decodeObject } from '../../../decode/decodeObject.ts';
import { ObjectStore } from '../../../model/store.ts';
import { wantedPeers } from './wantedPeers.ts';

/** The octets that sign the segments of a peer. */
function keyOf(spec: object, password: Buffer | null): Buffer | undefined {
  const objects = new ObjectStore();
  const { object: peer } = decodeObject({
    apiVersion: 'gatehouse.dev/v1', kind: 'BGPPeer', metadata: { name: 'tor', namespace: 'net' },
    spec: { myASN: 64512, peerASN: 64513, peerAddress: '10.0.0.254', ...spec },
  }, null);
  const { object: secret } = decodeObject({
    apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key', namespace: 'net' }, type: 'kubernetes.io/basic-auth', data: { password: password?.toString('base64') ?? '' },
  }, null);
  assert.ok(peer !== null && secret !== null);
  objects.apply({ upserts: [peer, secret], deletes: [] });
  const wanted = wantedPeers(objects, { nodeName: 'one' }).wanted.get('net/tor');
  const authentication: PeerAuthentication | null = wanted?.authentication ?? null;
  return wanted === undefined ? undefined : keysOf({ ...wanted, authentication }, { address: '10.0.0.254', scopeId: 0 })[0]?.key;
}

test('the key is what the Secret has, octet for octet, and what the text is in UTF-8', () => {
  const octets = Buffer.from([0x67, 0xc3, 0xa9, 0xff, 0x80, 0x00, 0x31]);
  assert.deepEqual(keyOf({ passwordSecret: { name: 'key' } }, octets), octets);
  assert.deepEqual(keyOf({ password: 'geh\u00e9im' }, null), Buffer.from('geh\u00e9im'));
  assert.deepEqual(keyOf({ passwordSecret: { name: 'key' }, tcpAO: { keyID: 1, algorithm: 'hmac-sha256' } }, octets), octets);
});

test('a session has the family of its own address, and both where that is asked for, whatever the deprecated disableMP says', () => {
  const familiesOf = (spec: object): readonly string[] | undefined => {
    const { object } = decodeObject({
      apiVersion: 'metallb.io/v1beta2', kind: 'BGPPeer', metadata: { name: 'tor', namespace: 'net' }, spec: { myASN: 64512, peerASN: 64513, ...spec },
    }, null);
    const objects = new ObjectStore();
    objects.apply({ upserts: object === null ? [] : [object], deletes: [] });
    return wantedPeers(objects, { nodeName: 'one' }).wanted.get('net/tor')?.families;
  };
  for (const disableMP of [false, true]) {
    assert.deepEqual(familiesOf({ peerAddress: '10.0.0.254', disableMP }), ['ipv4']);
    assert.deepEqual(familiesOf({ peerAddress: '2001:db8::1', disableMP }), ['ipv6']);
    assert.deepEqual(familiesOf({ peerAddress: '10.0.0.254', dualStackAddressFamily: true, disableMP }), ['ipv4', 'ipv6']);
    assert.deepEqual(familiesOf({ interface: 'eth0', disableMP }), ['ipv4', 'ipv6']);
  }
});

test('a peer that is left out does not have others left out', () => {
  const objects = new ObjectStore();
  const upserts = [{ myASN: 1, peerAddress: '10.0.0.1' }, { myASN: 2, peerAddress: '10.0.0.2' }, { myASN: 1, peerAddress: '10.0.0.2' }].flatMap((spec, index) => {
    const metadata = { name: `${'abc'[index]}`, namespace: 'net', creationTimestamp: `2026-01-0${index + 1}T00:00:00Z` };
    return decodeObject({ apiVersion: 'gatehouse.dev/v1', kind: 'BGPPeer', metadata, spec: { peerASN: 64513, ...spec } }, null).object ?? [];
  });
  objects.apply({ upserts, deletes: [] });
  assert.deepEqual([...wantedPeers(objects, { nodeName: 'one' }).wanted.keys()], ['net/a', 'net/c']);
});

test('echo is asked for wherever the profile does, as a peer of the own AS may be on the link; how far it is decides later', () => {
  const echoOf = (spec: object, profile: object): number | null | undefined => {
    const objects = new ObjectStore();
    const upserts = [
      { kind: 'BGPPeer', metadata: { name: 'tor', namespace: 'net' }, spec: { myASN: 64512, peerAddress: '10.0.0.254', bfdProfile: 'fast', ...spec } },
      { kind: 'BFDProfile', metadata: { name: 'fast', namespace: 'net' }, spec: profile },
    ].flatMap((object) => decodeObject({ apiVersion: 'gatehouse.dev/v1', ...object }, null).object ?? []);
    objects.apply({ upserts, deletes: [] });
    return wantedPeers(objects, { nodeName: 'one' }).wanted.get('net/tor')?.bfd?.echoIntervalMs;
  };
  for (const spec of [{ peerASN: 64513 }, { peerASN: 64512 }, { dynamicASN: 'internal' }]) {
    assert.equal(echoOf(spec, { echoMode: true, echoInterval: 40 }), 40);
    assert.equal(echoOf(spec, { echoInterval: 40 }), null);
  }
});
