import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMetallbConfigMap } from './metallbConfigMap.ts';
import type { Decoded } from '../decodeObject.ts';

function decode(config: string): readonly Decoded[] {
  return decodeMetallbConfigMap({ metadata: { name: 'config', namespace: 'metallb-system' }, data: { config } });
}

const FULL = `
peers:
- peer-address: 10.0.0.1
  peer-asn: 64512
  my-asn: 64513
  hold-time: 120s
  keepalive-time: 30s
  node-selectors:
  - match-labels: { kubernetes.io/hostname: prod-01 }
    match-expressions: [{ key: kubernetes.io/arch, operator: In, values: [amd64] }]
  bfd-profile: fast
  password: swordfish
address-pools:
- name: routed
  protocol: bgp
  addresses: [192.0.2.0/24, 198.51.100.1-198.51.100.9]
  avoid-buggy-ips: true
  auto-assign: false
  bgp-advertisements:
  - { aggregation-length: 32, localpref: 100, communities: [no-export] }
  - { aggregation-length: 24 }
- name: local
  protocol: layer2
  addresses: [203.0.113.0/24]
- name: plain
  protocol: bgp
  addresses: [10.1.0.0/24]
bgp-communities: { no-export: 65535:65281 }
bfd-profiles: [{ name: fast, receive-interval: 100, detect-multiplier: 5 }]
`;

test('The whole of the old form becomes objects of ours', () => {
  const all = decode(FULL);
  assert.deepEqual(all.flatMap(({ problems }) => problems), []);
  const names = all.map(({ object }) => `${object?.kind} ${object?.metadata.namespace}/${object?.metadata.name}`);
  assert.deepEqual(names, [
    'IPAddressPool metallb-system/routed',
    'BGPAdvertisement metallb-system/routed',
    'BGPAdvertisement metallb-system/routed-2',
    'IPAddressPool metallb-system/local',
    'L2Advertisement metallb-system/local',
    'IPAddressPool metallb-system/plain',
    'BGPAdvertisement metallb-system/plain',
    'BGPPeer metallb-system/peer-1',
    'BFDProfile metallb-system/fast',
    'Community metallb-system/communities',
  ]);
  const [routed, first, second, , local, , , peer, profile, communities] = all.map(({ object }) => object);
  assert.ok(routed?.kind === 'IPAddressPool' && first?.kind === 'BGPAdvertisement' && second?.kind === 'BGPAdvertisement');
  assert.deepEqual([routed.group, routed.autoAssign, routed.avoidBuggyIPs], ['metallb.io', false, true]);
  assert.deepEqual([first.localPref, first.communities, first.ipAddressPools], [100, ['no-export'], ['routed']]);
  assert.equal(second.aggregationLength, 24);
  assert.ok(local?.kind === 'L2Advertisement' && peer?.kind === 'BGPPeer' && profile?.kind === 'BFDProfile' && communities?.kind === 'Community');
  assert.deepEqual(local.ipAddressPools, ['local']);
  assert.deepEqual([peer.holdTimeMs, peer.keepaliveTimeMs, peer.bfdProfile, peer.password], [120_000, 30_000, 'fast', 'swordfish']);
  assert.equal(peer.nodeSelectors[0]?.matchExpressions[0]?.key, 'kubernetes.io/arch');
  assert.deepEqual([profile.receiveIntervalMs, profile.detectMultiplier], [100, 5]);
  assert.deepEqual(communities.communities, [{ name: 'no-export', value: '65535:65281' }]);
});

test('The oldest form of the hold time is a number of seconds', () => {
  const [peer] = decode('peers: [{ my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1, hold-time: 120 }]');
  assert.ok(peer?.object?.kind === 'BGPPeer');
  assert.equal(peer.object.holdTimeMs, 120_000);
});

test('Problems name the place in the configuration', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['address-pools: [{ name: a, protocol: bgp, addresses: [x] }]', 'data.config: address-pools[0].addresses[0]'],
    ['address-pools: [{ name: a, protocol: arp, addresses: [10.0.0.0/24] }]', 'data.config: address-pools[0].protocol'],
    ['address-pools: [{ name: a, protocol: bgp, addresses: [10.0.0.0/24], bgp-advertisements: 5 }]', 'data.config: address-pools[0].bgp-advertisements'],
    ['address-pools: [{ name: a, protocol: bgp, addresses: [10.0.0.0/24], cidr: [10.0.0.0/8] }]', 'data.config: address-pools[0].cidr'],
    ['peers: [{ my-asn: 1, peer-asn: 2, peer-address: here }]', 'data.config: peers[0].peer-address'],
    ['peers: 5', 'data.config.peers'],
    ['pools: []', 'data.config: pools'],
    ['bgp-communities: { a: b }', 'data.config: bgp-communities.communities[0].value'],
    ['bgp-communities: []', 'data.config: bgp-communities'],
    ['a: [', 'data.config'],
    ['5', 'data.config'],
  ];
  for (const [config, field] of cases) {
    const fields = decode(config).flatMap(({ problems }) => problems.map((problem) => problem.field));
    assert.deepEqual(fields, [field], config);
  }
});

test('A bomb of aliases is refused', () => {
  const lines = ['a0: &a0 [1,1,1,1,1,1,1,1,1]'];
  for (let depth = 1; depth < 9; depth += 1) lines.push(`a${depth}: &a${depth} [${Array(9).fill(`*a${depth - 1}`).join(',')}]`);
  const [decoded] = decode(lines.join('\n'));
  assert.deepEqual([decoded?.object, decoded?.problems[0]?.field], [null, 'data.config']);
});

test('A password is never stated', () => {
  const all = decode('peers: [{ my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1, password: 987654 }]');
  assert.equal(all[0]?.object, null);
  assert.ok(!JSON.stringify(all).includes('987654'));
});

test('Every advertisement has a name of its own, also where pools are called so', () => {
  const pools = ['a', 'a-2', 'a-3'].map((name, index) => `{ name: ${name}, protocol: bgp, addresses: [10.0.${index}.0/24], bgp-advertisements: [{}, { aggregation-length: 24 }, {}] }`);
  const all = decode(`address-pools: [${pools.join()}]`);
  assert.deepEqual(all.flatMap(({ problems }) => problems), []);
  const names = all.flatMap(({ object }) => (object?.kind === 'BGPAdvertisement' ? [object.metadata.name] : []));
  assert.deepEqual(names, ['a', 'a-4', 'a-5', 'a-2', 'a-2-2', 'a-2-3', 'a-3', 'a-3-2', 'a-3-3']);
});

test('Of pools and profiles with one name the first counts, and the others are named', () => {
  const pool = (protocol: string, octet: number): string => `{ name: a, protocol: ${protocol}, addresses: [10.0.${octet}.0/24] }`;
  const all = decode(`address-pools: [${pool('bgp', 0)}, ${pool('layer2', 1)}]\nbfd-profiles: [{ name: f, detect-multiplier: 5 }, { name: f }]`);
  assert.deepEqual(all.flatMap(({ problems }) => problems.map(({ field, rule }) => `${field} ${rule}`)), [
    'data.config: address-pools[1].name must differ from the other names',
    'data.config: bfd-profiles[1].name must differ from the other names',
  ]);
  assert.deepEqual(all.flatMap(({ object }) => (object === null ? [] : [object.kind])), ['IPAddressPool', 'BGPAdvertisement', 'BFDProfile']);
  const [, profile] = all.flatMap(({ object }) => (object?.kind === 'IPAddressPool' || object?.kind === 'BFDProfile' ? [object] : []));
  assert.ok(profile?.kind === 'BFDProfile' && profile.detectMultiplier === 5);
});
