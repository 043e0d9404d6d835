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
