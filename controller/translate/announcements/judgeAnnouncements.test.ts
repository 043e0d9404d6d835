import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Problem } from '../../../core/ir/problem.ts';
import { decodeObject } from '../../decode/decodeObject.ts';
import { ObjectStore } from '../../model/store.ts';
import { judgeAnnouncements } from './judgeAnnouncements.ts';

type Raw = Readonly<Record<string, unknown>>;

/** An object of gatehouse.dev; those further down are younger when `objects` are judged in this order. */
function raw(kind: string, name: string, spec: Raw, labels: Readonly<Record<string, string>> = {}): Raw {
  return { apiVersion: kind === 'Node' ? 'v1' : 'gatehouse.dev/v1', kind, metadata: { name, labels }, spec };
}

function peer(name: string, spec: Raw): Raw {
  return raw('BGPPeer', name, { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.1', ...spec });
}

/** `severity name field: rule` of each problem. */
function judge(objects: readonly Raw[]): string[] {
  return problemsOf(objects).map(({ severity, object, field, rule }) => `${severity} ${object?.name} ${field}: ${rule}`);
}

/** `name: effect` of each problem. */
function effects(objects: readonly Raw[]): string[] {
  return problemsOf(objects).map(({ object, effect }) => `${object?.name}: ${effect}`);
}

function problemsOf(objects: readonly Raw[]): readonly Problem[] {
  const store = new ObjectStore();
  const upserts = objects.map((object, index) => {
    const createdAt = new Date(Date.UTC(2026, 0, 1, 0, index)).toISOString();
    const decoded = decodeObject({ ...object, metadata: { ...(object['metadata'] as Raw), creationTimestamp: createdAt } }, null);
    assert.ok(decoded.object !== null, JSON.stringify(decoded.problems));
    return decoded.object;
  });
  store.apply({ upserts: upserts.toReversed(), deletes: [] });
  const problems = judgeAnnouncements(store);
  const inOrder = new ObjectStore();
  inOrder.apply({ upserts, deletes: [] });
  assert.deepEqual(judgeAnnouncements(inOrder), problems, 'the order in which objects come must not matter');
  return problems;
}

const EDGE = [{ matchLabels: { role: 'edge' } }];
const CORE = [{ matchLabels: { role: 'core' } }];
const NODES = [raw('Node', 'n1', {}, { role: 'edge' }), raw('Node', 'n2', {}, { role: 'core' })];

test('Peers that differ in their neighbour and agree in the rest have no problems', () => {
  assert.deepEqual(judge([peer('a', { routerID: '10.0.0.1' }), peer('b', { peerAddress: '192.0.2.2', routerID: '10.0.0.1' }), peer('c', { peerAddress: '192.0.2.3' })]), []);
});

test('The same neighbour twice is the younger one\'s fault, however it is spelt', () => {
  const problems = judge([peer('a', { peerAddress: '2001:db8::1' }), peer('b', { peerAddress: '2001:0db8:0:0::0001' })]);
  assert.deepEqual(problems, ['error b spec.peerAddress: must differ from those of other peers on the same nodes; BGPPeer default/a has it']);
});

test('The same neighbour in two VRFs, or on nodes of which none is in both, is not the same', () => {
  assert.deepEqual(judge([peer('a', { vrf: 'red' }), peer('b', { vrf: 'blue' })]), []);
  assert.deepEqual(judge([...NODES, peer('a', { nodeSelectors: EDGE }), peer('b', { nodeSelectors: CORE })]), []);
});

test('While no node is known, selectors may mean any of them', () => {
  assert.equal(judge([peer('a', { nodeSelectors: EDGE }), peer('b', { nodeSelectors: CORE })]).length, 1);
});

test('One AS number per VRF and one router ID per node', () => {
  const problems = judge([
    peer('a', { routerID: '10.0.0.1' }),
    peer('b', { peerAddress: '192.0.2.2', myASN: 64999, routerID: '10.0.0.2' }),
    peer('c', { peerAddress: '192.0.2.3', myASN: 64999, vrf: 'red', routerID: '10.0.0.1' }),
  ]);
  assert.deepEqual(problems, [
    'error b spec.myASN: must be that of all peers on the same nodes and in the same VRF (localASN may differ); BGPPeer default/a has 64512',
    'error b spec.routerID: must be that of all peers on the same nodes; BGPPeer default/a has 10.0.0.1',
  ]);
});

test('A peer that is refused claims nothing where it is, and all it asks for elsewhere', () => {
  const [other, same] = ['192.0.2.2', '192.0.2.3'];
  const second = (spec: Raw): Raw => peer('b', { peerAddress: other, myASN: 64999, routerID: '10.0.0.2', ...spec });
  const refused = 'error b spec.myASN: must be that of all peers on the same nodes and in the same VRF (localASN may differ); BGPPeer default/a has 64512';
  assert.deepEqual(judge([peer('a', {}), second({}), peer('c', { peerAddress: other }), peer('d', { peerAddress: same, routerID: '10.0.0.4' })]), [refused]);
  assert.deepEqual(judge([...NODES, peer('a', { nodeSelectors: EDGE }), second({}), peer('c', { peerAddress: other, nodeSelectors: EDGE })]), [refused]);
  assert.deepEqual(judge([...NODES, peer('a', { nodeSelectors: EDGE }), second({}), peer('c', { peerAddress: other, myASN: 64999, nodeSelectors: CORE })]), [
    refused, 'error c spec.peerAddress: must differ from those of other peers on the same nodes; BGPPeer default/b has it',
  ]);
  // Nodes that come later are like none that is known.
  assert.deepEqual(judge([...NODES, peer('a', { nodeSelectors: EDGE }), second({}), peer('c', { peerAddress: same })]).length, 2);
});

test('A profile is found by name; echo that will never be sent is warned of', () => {
  assert.deepEqual(judge([raw('BFDProfile', 'p', {}), peer('a', { bfdProfile: 'p' })]), []);
  assert.match(judge([peer('a', { bfdProfile: 'p' })]).join(), /^warning a spec\.bfdProfile: must name a BFDProfile/);
  const echoTo = (spec: Raw): string[] => judge([raw('BFDProfile', 'p', { echoMode: true }), peer('a', { bfdProfile: 'p', ...spec })]);
  const warned = (why: string): string[] => [`warning a spec.bfdProfile: must not have echoMode for a peer ${why}`];
  assert.deepEqual(echoTo({ ebgpMultiHop: true }), warned('with ebgpMultiHop (RFC 5883)'));
  assert.deepEqual(echoTo({ peerAddress: '2001:db8::1' }), warned('with an IPv6 address'));
  assert.deepEqual(echoTo({ peerAddress: undefined, interface: 'eth1' }), warned('on an interface, which is spoken to over IPv6'));
  assert.deepEqual(echoTo({}), []);
  // It is tried over the link, too.
  assert.deepEqual(echoTo({ peerASN: 64512 }), []);
  assert.deepEqual(effects([raw('BFDProfile', 'p', { echoMode: true }), peer('a', { bfdProfile: 'p', ebgpMultiHop: true })]), ['a: no echo packets are sent to this peer']);
});

test('Of two profiles with one name the older is judged, as it is the one that counts', () => {
  const profile = (namespace: string, echoMode: boolean): Raw => ({ ...raw('BFDProfile', 'p', { echoMode }), metadata: { name: 'p', namespace } });
  const watched = peer('a', { bfdProfile: 'p', ebgpMultiHop: true });
  assert.equal(judge([profile('one', true), profile('two', false), watched]).length, 1);
  assert.equal(judge([profile('one', false), profile('two', true), watched]).length, 0);
});

test('A community that no object names silences its advertisement, which says so', () => {
  const advertisement = raw('BGPAdvertisement', 'adv', { communities: ['64512:1', 'ghost', 'no-export'] });
  assert.deepEqual(judge([advertisement]), ['warning adv spec.communities[1]: must name an entry of a Community that exists']);
  assert.deepEqual(effects([advertisement]), ['adv: it announces nothing until there is one']);
  assert.deepEqual(judge([advertisement, raw('Community', 'names', { communities: [{ name: 'ghost', value: '64512:2' }] })]), []);
});

test('A community has one meaning in all Community objects', () => {
  const community = (name: string, entries: readonly string[]): Raw =>
    raw('Community', name, { communities: entries.map((entry) => ({ name: entry, value: '64512:1' })) });
  assert.deepEqual(judge([community('a', ['x', 'y']), community('b', ['z', 'y'])]), [
    'error b spec.communities[1].name: must differ from the names in all Community objects; Community default/a has it',
  ]);
});

test('An aggregate may not be wider than the blocks a pool is made of', () => {
  const advertise = (aggregationLength: number): Raw => raw('BGPAdvertisement', 'adv', { aggregationLength, ipAddressPools: ['p'] });
  for (const [addresses, widest] of [
    ['192.0.2.0/24', 24],
    ['192.0.2.10-192.0.2.20', 30],
    ['192.0.2.7-192.0.2.8', 32],
    ['192.0.2.0-192.0.2.255', 24],
    ['192.0.2.1-192.0.3.255', 24],
  ] as const) {
    const pool = raw('IPAddressPool', 'p', { addresses: [addresses] });
    assert.ok(judge([pool, advertise(widest)]).every((text) => text.startsWith('warning')), addresses);
    assert.match(judge([pool, advertise(widest - 1)]).join(), new RegExp(`spec\\.aggregationLength: must be at least ${widest}`), addresses);
  }
});

test('Each pool that is too narrow for an aggregate is named, by family, and says nothing of the others', () => {
  const pools = [
    raw('IPAddressPool', 'wide', { addresses: ['192.0.2.0/24', '198.51.100.16/28'] }),
    raw('IPAddressPool', 'narrow', { addresses: ['203.0.113.0/28', '2001:db8::/64'] }),
    raw('IPAddressPool', 'narrower', { addresses: ['203.0.113.128/29'] }),
  ];
  const reported = judge([...pools, raw('BGPAdvertisement', 'adv', { aggregationLength: 20, aggregationLengthV6: 64 })]);
  const tooShort = (least: number, pool: string): string => `error adv spec.aggregationLength: must be at least ${least}, the widest block of IPAddressPool default/${pool}`;
  assert.deepEqual(reported, [tooShort(24, 'wide'), tooShort(28, 'narrow'), tooShort(29, 'narrower')]);
  assert.deepEqual(effects([...pools, raw('BGPAdvertisement', 'adv', { aggregationLength: 28 })]), ['adv: IPv4 addresses of the pool are not announced by it']);
  // What is announced is looked at as if the others were not there.
  assert.deepEqual(judge([...pools, raw('BGPAdvertisement', 'adv', { aggregationLength: 24 })]), [
    tooShort(28, 'narrow'), tooShort(29, 'narrower'), 'warning adv spec.aggregationLength: makes networks that reach beyond 198.51.100.16/28 of IPAddressPool default/wide',
  ]);
});

test('An aggregate that does not divide the ranges of a pool is said to be announced in parts', () => {
  const advertise = (spec: Raw): Raw => raw('BGPAdvertisement', 'adv', spec);
  const warnings = (addresses: readonly string[], spec: Raw): string[] => judge([raw('IPAddressPool', 'p', { addresses }), advertise(spec)]);
  const reachBeyond = (field: string, range: string): string[] => [`warning adv spec.${field}: makes networks that reach beyond ${range} of IPAddressPool default/p`];
  assert.deepEqual(warnings(['192.0.2.10-192.0.2.20'], { aggregationLength: 30 }), reachBeyond('aggregationLength', '192.0.2.10-192.0.2.20'));
  assert.deepEqual(warnings(['192.0.2.0/24', '198.51.100.16/28'], { aggregationLength: 24 }), reachBeyond('aggregationLength', '198.51.100.16/28'));
  assert.deepEqual(warnings(['2001:db8::/64', '2001:db8:1::1-2001:db8:1::4'], { aggregationLengthV6: 64 }), reachBeyond('aggregationLengthV6', '2001:db8:1::1-2001:db8:1::4'));
  for (const length of [24, 28, 32]) assert.deepEqual(warnings(['192.0.2.0/24', '198.51.100.0-198.51.101.255'], { aggregationLength: length }), []);
  assert.deepEqual(warnings(['192.0.2.10-192.0.2.20', '2001:db8::1-2001:db8::9'], {}), []);
  // What is refused is not announced at all.
  assert.deepEqual(warnings(['192.0.2.10-192.0.2.20'], { aggregationLength: 29 }).map((text) => text.slice(0, 5)), ['error']);
});

test('Two local preferences contradict each other only for one pool, length, peer and node, and without serviceSelectors', () => {
  const objects = [...NODES, raw('IPAddressPool', 'p', { addresses: ['192.0.2.0/24'] }, { tier: 'gold' }), raw('IPAddressPool', 'q', { addresses: ['198.51.100.0/24'] }), peer('r1', {}), peer('r2', { peerAddress: '192.0.2.2' })];
  const first = raw('BGPAdvertisement', 'one', { localPref: 100, ipAddressPoolSelectors: [{ matchLabels: { tier: 'gold' } }], peers: ['r1'], nodeSelectors: EDGE });
  const against = (spec: Raw): number => judge([...objects, first, raw('BGPAdvertisement', 'two', { localPref: 200, ...spec })]).length;
  assert.equal(against({}), 1);
  assert.equal(against({ ipAddressPools: ['p'], peers: ['r1', 'r2'], nodeSelectors: EDGE }), 1);
  assert.equal(against({ ipAddressPools: ['q'] }), 0);
  assert.equal(against({ peers: ['r2'] }), 0);
  assert.equal(against({ nodeSelectors: CORE }), 0);
  assert.equal(against({ aggregationLength: 24 }), 0);
  assert.equal(against({ localPref: 100 }), 0);
  assert.equal(against({ serviceSelectors: [{ matchLabels: { a: 'b' } }] }), 0);
});

test('Where one advertisement says no local preference, the other one\'s is said to count, whichever is older', () => {
  const pool = raw('IPAddressPool', 'p', { addresses: ['192.0.2.0/24'] });
  const advertise = (name: string, localPref: number | undefined): Raw => raw('BGPAdvertisement', name, { localPref });
  const rule = (name: string, holder: string): string =>
    `${name} spec.localPref: must be that of other advertisements of the same pools, peers and nodes; BGPAdvertisement default/${holder}`;
  const sent = (value: number, name: string): string => `where both apply, the ${value} of BGPAdvertisement default/${name} is sent`;
  for (const none of [undefined, 0]) {
    const [first, second] = [[pool, advertise('x1', none), advertise('x2', 200)], [pool, advertise('x1', 200), advertise('x2', none)]];
    assert.deepEqual([judge(first), effects(first)], [[`warning ${rule('x2', 'x1')} has none`], [`x2: ${sent(200, 'x2')}`]]);
    assert.deepEqual([judge(second), effects(second)], [[`warning ${rule('x2', 'x1')} has 200`], [`x2: ${sent(200, 'x1')}`]]);
    // Against several, the oldest that says one.
    const third = [...first, advertise('x3', 300)];
    assert.deepEqual([judge(third)[1], effects(third)[1]], [`error ${rule('x3', 'x2')} has 200`, `x3: ${sent(200, 'x2')}`]);
  }
});

test('A local preference that is not announced for want of a wider pool contradicts nobody', () => {
  const pool = raw('IPAddressPool', 'p', { addresses: ['192.0.2.0/24'] });
  const advertise = (name: string, localPref: number): Raw => raw('BGPAdvertisement', name, { localPref, aggregationLength: 16 });
  assert.deepEqual(judge([pool, advertise('x1', 100), advertise('x2', 200)]).filter((text) => text.includes('localPref')), []);
});

test('So many advertisements for one pool that they cannot all be compared are said to be', () => {
  const many = Array.from({ length: 700 }, (_, index) => raw('BGPAdvertisement', `a${index}`, { localPref: index + 1, peers: [`p${index}`] }));
  const problems = judge([raw('IPAddressPool', 'p', { addresses: ['192.0.2.0/24'] }), ...many]).filter((text) => text.includes('localPref'));
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /too many/);
});
