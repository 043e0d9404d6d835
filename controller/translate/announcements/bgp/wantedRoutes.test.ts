import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpAddress } from '../../../../core/net/ipAddress.ts';
import { inRange, parseIpRange } from '../../../../core/net/ipRange.ts';
import { decodeObject } from '../../../decode/decodeObject.ts';
import { ObjectStore } from '../../../model/store.ts';
import type { VipWish } from '../announceVips.ts';
import { wantedPeers } from './wantedPeers.ts';
import { wantedRoutes } from './wantedRoutes.ts';

const OPTIONS = { nodeName: 'one', peers: [], cordonMovesVips: false };

function decode(kind: string, name: string, spec: object) {
  const apiVersion = kind === 'Service' ? 'v1' : 'gatehouse.dev/v1';
  const { object, problems } = decodeObject({ apiVersion, kind, metadata: { name, namespace: 'net' }, spec }, null);
  assert.ok(object !== null, JSON.stringify(problems));
  return object;
}

/** Prefixes that are announced of these addresses, each the publish Service's. */
function prefixes(pool: readonly string[], spec: object, addresses: readonly string[]): readonly string[] {
  const advertisement = decode('BGPAdvertisement', 'all', spec);
  assert.ok(advertisement.kind === 'BGPAdvertisement');
  const objects = new ObjectStore();
  const peer = decode('BGPPeer', 'tor', { myASN: 64512, peerASN: 64513, peerAddress: '10.0.0.254' });
  objects.apply({ upserts: [advertisement, peer, decode('IPAddressPool', 'lan', { addresses: pool })], deletes: [] });
  const service = decode('Service', 'web', { type: 'LoadBalancer', ports: [{ port: 80 }] });
  assert.ok(service.kind === 'Service');
  const wishes = addresses.map((address): VipWish => ({
    service, isPublished: true, address, advertisements: [], bgpAdvertisements: [advertisement], needsProxy: true, needsKernel: false,
  }));
  return [...wantedRoutes(wishes, { objects, options: OPTIONS, peers: wantedPeers(objects, OPTIONS) }).routes.keys()];
}

test('an aggregate has no address that is not of the pool', () => {
  assert.deepEqual(prefixes(['192.0.2.0/24'], { aggregationLength: 24 }, ['192.0.2.1', '192.0.2.9']), ['192.0.2.0/24']);
  // Where it meets the widest block of the pool, it may still be wider than another.
  assert.deepEqual(prefixes(['192.0.2.0/24', '198.51.100.16/28'], { aggregationLength: 24 }, ['192.0.2.1', '198.51.100.17']), ['192.0.2.0/24', '198.51.100.16/28']);
  assert.deepEqual(prefixes(['192.0.2.10-192.0.2.20'], { aggregationLength: 30 }, ['192.0.2.10', '192.0.2.13', '192.0.2.20']), ['192.0.2.10/31', '192.0.2.12/30', '192.0.2.20/32']);
  assert.deepEqual(prefixes(['2001:db8::10/124', '2001:db8:1::/64'], { aggregationLengthV6: 64 }, ['2001:db8::11', '2001:db8:1::5']), ['2001:db8:1::/64', '2001:db8::10/124']);
  // An address that the pool has no more, as long as the Service still has it.
  assert.deepEqual(prefixes(['192.0.2.0/24'], { aggregationLength: 24 }, ['203.0.113.5']), ['203.0.113.5/32']);
});

test('whatever the ranges and lengths, every prefix lies within one range and has its address', () => {
  for (let last = 1; last < 64; last += 1) {
    for (const length of [24, 26, 29, 31, 32]) {
      const range = parseIpRange(`192.0.2.1-192.0.2.${last}`);
      assert.ok(range.ok);
      for (const prefix of prefixes([`192.0.2.1-192.0.2.${last}`], { aggregationLength: length }, [`192.0.2.${last}`])) {
        const block = parseIpRange(prefix);
        const address = parseIpAddress(`192.0.2.${last}`);
        assert.ok(block.ok && address !== null && inRange(block.range, address));
        assert.ok(block.range.first >= range.range.first && block.range.last <= range.range.last, prefix);
      }
    }
  }
});
