import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpAddress } from '../../../../core/net/ipAddress.ts';
import { inRange, parseIpRange } from '../../../../core/net/ipRange.ts';
import { decodeObject } from '../../../decode/decodeObject.ts';
import { ObjectStore } from '../../../model/store.ts';
import type { WantedRoute } from '../../../announcer/bgp/bgpWanted.ts';
import type { KubeObject } from '../../../model/objects.ts';
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

/** A Service with an address, and the nodes of its ready endpoints. */
interface Case {
  readonly address: string;
  readonly policy?: 'Local';
  readonly on: readonly string[];
}

/** Routes of node `one` where `two` carries addresses as well, to a peer that takes several paths. */
function routesOf(cases: readonly Case[], spec: object): ReadonlyMap<string, WantedRoute> {
  const advertisement = decode('BGPAdvertisement', 'all', spec);
  assert.ok(advertisement.kind === 'BGPAdvertisement');
  const objects = new ObjectStore();
  const nodes = ['one', 'two'].map((name, index) =>
    decodeObject({ apiVersion: 'v1', kind: 'Node', metadata: { name }, status: { addresses: [{ type: 'InternalIP', address: `10.0.0.${index + 1}` }] } }, null).object);
  const peer = decode('BGPPeer', 'tor', { myASN: 64512, peerASN: 64513, peerAddress: '10.0.0.254', addPathSend: 4 });
  objects.apply({ upserts: [advertisement, peer, decode('IPAddressPool', 'lan', { addresses: ['192.0.2.0/24'] }), ...nodes.flatMap((node) => node ?? [])], deletes: [] });
  const wishes = cases.map(({ address, policy, on }, index): VipWish => {
    const name = `web-${index}`;
    const service = decode('Service', name, { type: 'LoadBalancer', externalTrafficPolicy: policy, ports: [{ port: 80 }] });
    assert.ok(service.kind === 'Service');
    const { object: slice } = decodeObject({
      apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', ports: [{ port: 8080 }],
      metadata: { name, namespace: 'net', labels: { 'kubernetes.io/service-name': name } },
      endpoints: on.map((nodeName, place) => ({ addresses: [`10.1.${index}.${place + 1}`], nodeName, conditions: { ready: true } })),
    }, null);
    assert.ok(slice !== null);
    objects.apply({ upserts: [slice], deletes: [] });
    return { service, isPublished: false, address, advertisements: [], bgpAdvertisements: [advertisement], needsProxy: false, needsKernel: true };
  });
  return wantedRoutes(wishes, { objects, options: OPTIONS, peers: wantedPeers(objects, OPTIONS) }).routes;
}

test('a VIP that nothing is ready behind has a route that says so and that nobody is told of', () => {
  const cases: readonly (readonly [readonly Omit<Case, 'address'>[], string])[] = [
    [[{ on: [] }], 'none'],
    [[{ on: ['two'] }], 'ready'],
    [[{ on: [], policy: 'Local' }], 'none'],
    [[{ on: ['two'], policy: 'Local' }], 'elsewhere'],
    [[{ on: ['one'], policy: 'Local' }], 'ready'],
    // Services that share it: one with endpoints is enough, and with Local the node must have those of both where one has.
    [[{ on: [] }, { on: ['two'] }], 'ready'],
    [[{ on: [] }, { on: [] }], 'none'],
    [[{ on: ['one', 'two'], policy: 'Local' }, { on: ['two'], policy: 'Local' }], 'elsewhere'],
    [[{ on: ['one'], policy: 'Local' }, { on: ['two'], policy: 'Local' }], 'ready'],
    [[{ on: [], policy: 'Local' }, { on: ['one'] }], 'elsewhere'],
  ];
  for (const [sharers, endpoints] of cases) {
    const route = routesOf(sharers.map((sharer) => ({ ...sharer, address: '192.0.2.1' })), {}).get('192.0.2.1/32');
    assert.equal(route?.vips[0]?.endpoints, endpoints, JSON.stringify(sharers));
    assert.equal(route.announcements.length, endpoints === 'ready' ? 1 : 0);
    if (endpoints !== 'ready') assert.deepEqual(route.otherNodes, []);
  }
});

test('what is not for this node or for none of its peers has no route', () => {
  for (const spec of [{ nodeSelectors: [{ matchLabels: { rack: 'a' } }] }, { peers: ['other'] }]) {
    assert.equal(routesOf([{ address: '192.0.2.1', on: [] }, { address: '192.0.2.2', on: ['one'] }], spec).size, 0);
  }
});

test('an aggregate counts endpoints and other nodes of those VIPs alone that are of use here', () => {
  const used: Case = { address: '192.0.2.1', policy: 'Local', on: ['one'] };
  // Of the second address this node has one endpoint, and not of both Services.
  const idle: readonly Case[] = [{ address: '192.0.2.2', policy: 'Local', on: ['one', 'two'] }, { address: '192.0.2.2', policy: 'Local', on: ['two'] }, { address: '192.0.2.3', on: [] }];
  const spec = { aggregationLength: 24, linkBandwidth: 'endpoints' };
  const route = routesOf([used, ...idle], spec).get('192.0.2.0/24');
  assert.deepEqual(route?.vips.map(({ address, endpoints }) => [address, endpoints]), [['192.0.2.1', 'ready'], ['192.0.2.2', 'elsewhere'], ['192.0.2.3', 'none']]);
  assert.deepEqual([route?.announcements.map(({ linkBandwidth }) => linkBandwidth), route?.otherNodes], [[1_000_000], []]);
  const without = routesOf(idle, spec).get('192.0.2.0/24');
  assert.deepEqual([without?.announcements, without?.otherNodes], [[], []]);
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

/** Prefixes with the attributes that a peer of the own AS hears, and what is said of it, for addresses that each have a Service. */
function announced(objects: readonly KubeObject[], addresses: readonly string[]) {
  const store = new ObjectStore();
  store.apply({ upserts: [decode('BGPPeer', 'tor', { myASN: 64512, peerASN: 64512, peerAddress: '10.0.0.254' }), ...objects], deletes: [] });
  const bgpAdvertisements = [...store.list('BGPAdvertisement')];
  const wishes = addresses.map((address, index): VipWish => {
    const service = decode('Service', `web-${index}`, { type: 'LoadBalancer', ports: [{ port: 80 }] });
    assert.ok(service.kind === 'Service');
    return { service, isPublished: true, address, advertisements: [], bgpAdvertisements, needsProxy: true, needsKernel: false };
  });
  const { routes, problems } = wantedRoutes(wishes, { objects: store, options: OPTIONS, peers: wantedPeers(store, OPTIONS) });
  return {
    routes: [...routes].map(([prefix, { announcements }]) => [prefix, ...announcements.map(({ localPref, communities }) => [localPref, communities])]),
    problems: problems.map(({ object, rule, effect }) => `${object?.name}: ${rule}; ${effect}`),
  };
}

test('an aggregate is not announced of the pools that are too narrow for it, family by family, and of the others it is', () => {
  const pools = [
    decode('IPAddressPool', 'wide', { addresses: ['192.0.2.0/24', '2001:db8::/64'] }), decode('IPAddressPool', 'narrow', { addresses: ['203.0.113.0/28', '2001:db8:1::/48'] }),
  ];
  const addresses = ['192.0.2.1', '203.0.113.1', '2001:db8::1', '2001:db8:1::1'];
  const prefixesWith = (spec: object): readonly unknown[] => announced([...pools, decode('BGPAdvertisement', 'all', spec)], addresses).routes.map(([prefix]) => prefix);
  assert.deepEqual(prefixesWith({ aggregationLength: 24 }), ['192.0.2.0/24', '2001:db8:1::1/128', '2001:db8::1/128']);
  assert.deepEqual(prefixesWith({ aggregationLength: 28, aggregationLengthV6: 48 }), ['192.0.2.0/28', '2001:db8:1::/48', '203.0.113.0/28']);
  assert.deepEqual(prefixesWith({ aggregationLength: 23, aggregationLengthV6: 47 }), []);
});

test('an advertisement with a community that no object names announces nothing, and others are not kept from it', () => {
  const pool = decode('IPAddressPool', 'lan', { addresses: ['192.0.2.0/24'] });
  const broken = decode('BGPAdvertisement', 'broken', { communities: ['ghost', '1:1'], localPref: 300 });
  assert.deepEqual(announced([pool, broken], ['192.0.2.1']).routes, []);
  const other = decode('BGPAdvertisement', 'other', { communities: ['1:2'], serviceSelectors: [{}] });
  assert.deepEqual(announced([pool, broken, other], ['192.0.2.1']), { routes: [['192.0.2.1/32', [null, [0x1_0002]]]], problems: [] });
  const names = decode('Community', 'names', { communities: [{ name: 'ghost', value: '65535:65281' }] });
  assert.deepEqual(announced([pool, broken, names], ['192.0.2.1']).routes, [['192.0.2.1/32', [300, [0x1_0001, 0xffff_ff01]]]]);
});

test('a local preference that one advertisement of a Service has and another has not is sent, and every Service is told', () => {
  const pool = decode('IPAddressPool', 'lan', { addresses: ['192.0.2.0/24'] });
  const none = decode('BGPAdvertisement', 'a-none', { serviceSelectors: [{}] });
  const rule = 'must not be chosen by advertisements with different localPref: BGPAdvertisement net/b-two has 200, BGPAdvertisement net';
  assert.deepEqual(announced([pool, none, decode('BGPAdvertisement', 'b-two', { localPref: 200 })], ['192.0.2.1', '192.0.2.2']), {
    routes: [['192.0.2.1/32', [200, []]], ['192.0.2.2/32', [200, []]]],
    problems: ['web-0', 'web-1'].map((service) => `${service}: ${rule}/a-none none; it is announced with 200`),
  });
  // Without selectors the objects themselves are told.
  const all = [decode('BGPAdvertisement', 'a-none', {}), decode('BGPAdvertisement', 'b-two', { localPref: 200 })];
  assert.deepEqual(announced([pool, ...all], ['192.0.2.1']), { routes: [['192.0.2.1/32', [200, []]]], problems: [] });
});
