import assert from 'node:assert/strict';
import { test } from 'node:test';
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
  const store = new ObjectStore();
  const upserts = objects.map((object, index) => {
    const createdAt = new Date(Date.UTC(2026, 0, 1, 0, index)).toISOString();
    const decoded = decodeObject({ ...object, metadata: { ...(object['metadata'] as Raw), creationTimestamp: createdAt } }, null);
    assert.ok(decoded.object !== null, JSON.stringify(decoded.problems));
    return decoded.object;
  });
  // The order in which objects come must not matter.
  store.apply({ upserts: upserts.toReversed(), deletes: [] });
  return judgeAnnouncements(store).map(({ severity, object, field, rule }) => `${severity} ${object?.name} ${field}: ${rule}`);
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

test('A profile is found by name; echo over several hops is warned of', () => {
  assert.deepEqual(judge([raw('BFDProfile', 'p', {}), peer('a', { bfdProfile: 'p' })]), []);
  assert.match(judge([peer('a', { bfdProfile: 'p' })]).join(), /^warning a spec\.bfdProfile: must name a BFDProfile/);
  assert.match(judge([raw('BFDProfile', 'p', { echoMode: true }), peer('a', { bfdProfile: 'p', ebgpMultiHop: true })]).join(), /must not have echoMode/);
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
    assert.deepEqual(judge([pool, advertise(widest)]), [], addresses);
    assert.match(judge([pool, advertise(widest - 1)]).join(), new RegExp(`spec\\.aggregationLength: must be at least ${widest}`), addresses);
  }
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

test('So many advertisements for one pool that they cannot all be compared are said to be', () => {
  const many = Array.from({ length: 700 }, (_, index) => raw('BGPAdvertisement', `a${index}`, { localPref: index + 1, peers: [`p${index}`] }));
  const problems = judge([raw('IPAddressPool', 'p', { addresses: ['192.0.2.0/24'] }), ...many]).filter((text) => text.includes('localPref'));
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /too many/);
});
