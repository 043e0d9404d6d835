import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf, raw, review, type Raw } from './testing/cluster.ts';

const NOTHING = { allowed: true, problems: [], warnings: [] };

function pool(name: string, addresses: readonly string[], more: Readonly<Record<string, unknown>> = {}): Raw {
  return raw('IPAddressPool', `gatehouse/${name}`, { addresses, ...more });
}

function peer(name: string, spec: Readonly<Record<string, unknown>>): Raw {
  return raw('BGPPeer', `gatehouse/${name}`, { myASN: 64512, peerASN: 64513, ...spec });
}

function service(name: string, ip: string): Raw {
  return { ...raw('Service', `shop/${name}`, { type: 'LoadBalancer', ports: [{ port: 80 }] }), status: { loadBalancer: { ingress: [{ ip }] } } };
}

test('A range of a pool must be one, and is denied with its place', () => {
  const { allowed, problems } = review(clusterOf([]), pool('a', ['192.0.2.0/24', '192.0.2.9-192.0.2.1']));
  assert.equal(allowed, false);
  assert.deepEqual(problems, ['spec.addresses[1]: must not end before it begins']);
});

test('A pool that overlaps another is denied, naming it, whichever is older', () => {
  const context = clusterOf([pool('a', ['192.0.2.0/24'])]);
  const overlapping = ['spec.addresses[1]: must not overlap IPAddressPool gatehouse/a'];
  assert.deepEqual(review(context, pool('b', ['198.51.100.0/24', '192.0.2.128/25'])).problems, overlapping);
  const grown = pool('z', ['198.51.100.0/24', '192.0.2.0/28']);
  const older = { ...pool('z', ['198.51.100.0/24']) };
  assert.deepEqual(review(clusterOf([pool('a', ['192.0.2.0/24']), older]), grown, older).problems, overlapping);
});

test('A pool that has ranges of one of another product is let through with a warning: so one moves', () => {
  const context = clusterOf([{ ...pool('first', ['192.0.2.0/24']), apiVersion: 'metallb.io/v1beta1' }]);
  const { allowed, warnings } = review(context, pool('b', ['192.0.2.0/25']));
  assert.equal(allowed, true);
  assert.match(warnings.join(), /must not overlap IPAddressPool gatehouse\/first/);
  assert.deepEqual(review(context, pool('first', ['192.0.2.0/24'])), NOTHING);
});

test('An overlap that stands already does not keep a pool from being changed in other ways', () => {
  const old = pool('b', ['192.0.2.128/25']);
  const context = clusterOf([pool('a', ['192.0.2.0/24']), old]);
  const { allowed, warnings } = review(context, pool('b', ['192.0.2.128/25'], { autoAssign: false }), old);
  assert.equal(allowed, true);
  assert.match(warnings.join(), /must not overlap/);
});

test('Pools of one name in two namespaces are denied', () => {
  const { problems } = review(clusterOf([pool('a', ['192.0.2.0/24'])]), raw('IPAddressPool', 'other/a', { addresses: ['198.51.100.0/24'] }));
  assert.match(problems.join(), /metadata\.name: must differ/);
});

test('A pool that holds the address of a node is allowed with a warning that names node and address', () => {
  const node = { ...raw('Node', 'one', {}), status: { addresses: [{ type: 'InternalIP', address: '192.0.2.7' }] } };
  const { allowed, warnings } = review(clusterOf([node]), pool('a', ['198.51.100.0/24', '192.0.2.0/28']));
  assert.equal(allowed, true);
  assert.deepEqual(warnings, ['spec.addresses[1]: should not hold the address of Node one (192.0.2.7)']);
});

test('Taking away ranges that Services have addresses of, or the whole pool, is allowed with a warning', () => {
  const old = pool('a', ['192.0.2.0/28', '192.0.2.16/28']);
  const context = clusterOf([old, service('x', '192.0.2.17'), service('y', '192.0.2.18'), service('z', '192.0.2.1')]);
  const left = pool('a', ['192.0.2.0/28']);
  assert.deepEqual(review(context, left, old).warnings, ['spec.addresses: should keep the ranges that Services have addresses of']);
  assert.deepEqual(review(context, pool('a', ['192.0.2.0/27']), old).warnings, [], 'the same addresses in another spelling');
  assert.deepEqual(review(context, null, old).warnings, [': should not be deleted']);
  assert.deepEqual(review(clusterOf([old]), null, old), NOTHING);
});

test('A pool may not shrink below what an advertisement of it aggregates', () => {
  const old = pool('a', ['192.0.2.0/28']);
  const context = clusterOf([old, raw('BGPAdvertisement', 'gatehouse/adv', { ipAddressPools: ['a'], aggregationLength: 28 })]);
  const { allowed, problems } = review(context, pool('a', ['192.0.2.0/29']), old);
  assert.equal(allowed, false);
  assert.deepEqual(problems, ['spec.aggregationLength: must be at least 29, the widest block of IPAddressPool gatehouse/a']);
  assert.deepEqual(review(context, pool('a', ['192.0.2.0/24']), old), NOTHING);
});

test('A BFDProfile in use is not deleted; one that nobody uses is', () => {
  const profile = raw('BFDProfile', 'gatehouse/fast', {});
  const user = peer('r1', { peerAddress: '192.0.2.1', bfdProfile: 'fast' });
  const { allowed, problems } = review(clusterOf([profile, user]), null, profile);
  assert.equal(allowed, false);
  assert.deepEqual(problems, [': must not be deleted while it is in use by BGPPeer gatehouse/r1']);
  assert.deepEqual(review(clusterOf([profile]), null, profile), NOTHING);
});

test('Objects may come in any order: what they refer to and is not there yet is a warning', () => {
  const advertisement = raw('BGPAdvertisement', 'gatehouse/adv', { ipAddressPools: ['later'], peers: ['r9'], communities: ['unheard-of', '64512:1'] });
  const { allowed, warnings } = review(clusterOf([]), advertisement);
  assert.equal(allowed, true);
  assert.equal(warnings.length, 3, warnings.join('\n'));
  assert.equal(review(clusterOf([]), raw('L2Advertisement', 'gatehouse/l2', { ipAddressPools: ['later'] })).warnings.length, 1);
  assert.equal(review(clusterOf([]), peer('r1', { peerAddress: '192.0.2.1', bfdProfile: 'later' })).warnings.length, 1);
});

test('An advertisement that contradicts another is denied, naming it; one for other peers is not', () => {
  const first = raw('BGPAdvertisement', 'gatehouse/one', { localPref: 100, peers: ['r1'] });
  const context = clusterOf([pool('a', ['192.0.2.0/24']), peer('r1', { peerAddress: '192.0.2.1' }), peer('r2', { peerAddress: '192.0.2.2' }), first]);
  const { allowed, problems } = review(context, raw('BGPAdvertisement', 'gatehouse/two', { localPref: 200 }));
  assert.equal(allowed, false);
  assert.match(problems.join(), /^spec\.localPref: must be that of other advertisements .* BGPAdvertisement gatehouse\/one has 100$/);
  assert.deepEqual(review(context, raw('BGPAdvertisement', 'gatehouse/two', { localPref: 200, peers: ['r2'] })), NOTHING);
});

test('A contradiction is denied also where it makes the other object the one at fault', () => {
  const younger = raw('BGPPeer', 'gatehouse/young', { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.1' }, { creationTimestamp: '2026-02-01T00:00:00Z' });
  const old = peer('old', { peerAddress: '192.0.2.2' });
  const { allowed, problems } = review(clusterOf([younger, old]), peer('old', { peerAddress: '192.0.2.1' }), old);
  assert.equal(allowed, false);
  assert.match(problems.join(), /BGPPeer gatehouse\/old has it/);
});
