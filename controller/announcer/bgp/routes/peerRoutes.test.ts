import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteAnnouncement, WantedPeer, WantedRoute } from '../bgpWanted.ts';
import type { Negotiated } from '../session/sessionEvents.ts';
import { ANNOUNCEMENT, linkOf, NEGOTIATED, PEER, routeOf } from '../testing/bgpFacts.ts';
import { createPeerRoutes, peerRoutes, type PeerRoutesInput } from './peerRoutes.ts';
import type { RouteState } from './routeBook.ts';

interface Changes {
  readonly routes?: readonly WantedRoute[];
  readonly state?: RouteState['state'];
  readonly peer?: Partial<WantedPeer>;
  readonly negotiated?: Partial<Negotiated>;
  readonly alive?: readonly string[];
  readonly links?: PeerRoutesInput['links'];
}

function make({ routes = [routeOf('192.0.2.1')], state = 'announced', peer = {}, negotiated = {}, alive = [], links = [] }: Changes) {
  return peerRoutes({
    routes: new Map(routes.map((route) => [route.prefix, route])),
    states: new Map(routes.map(({ prefix }) => [prefix, { state, reason: '', obstacles: new Map(), sinceMs: 0 }])),
    peer: { ...PEER, ...peer }, negotiated: { ...NEGOTIATED, ...negotiated }, links, nodeName: 'one', alive: new Set(alive),
  });
}

function attributes(changes: Changes & { readonly announcement?: Partial<RouteAnnouncement> }) {
  const announcements = [{ ...ANNOUNCEMENT, ...changes.announcement }];
  const { routes } = make({ ...changes, routes: [routeOf('192.0.2.1', { announcements })] });
  const found = routes.get('192.0.2.1/32 0')?.attributes;
  assert.ok(found !== undefined);
  return found;
}

test('peers of another AS get the path with the own AS, peers of the own AS the preference', () => {
  const external = attributes({ announcement: { localPref: 300, asPathPrepend: 2, med: 7 } });
  assert.deepEqual([external.asPath, external.localPref, external.med, external.nextHop], [[64_512, 64_512, 64_512], null, 7, '10.0.0.1']);
  const internal = attributes({ negotiated: { internal: true }, announcement: { localPref: 300, asPathPrepend: 2 } });
  assert.deepEqual([internal.asPath, internal.localPref], [[], 300]);
  assert.equal(attributes({ negotiated: { internal: true } }).localPref, 100);
});

test('what is drained has GRACEFUL_SHUTDOWN and, within the AS, the least preference', () => {
  const communities = [0xfc00_0001, 0xffff_ff01];
  const external = attributes({ state: 'draining', announcement: { communities } });
  assert.deepEqual([external.communities, external.localPref], [[0xfc00_0001, 0xffff_0000, 0xffff_ff01], null]);
  assert.equal(attributes({ state: 'draining', negotiated: { internal: true }, announcement: { localPref: 300 } }).localPref, 0);
  assert.equal(make({ state: 'withdrawn' }).routes.size, 0);
});

test('the link bandwidth community crosses to another AS only in its transitive form', () => {
  assert.deepEqual(attributes({ announcement: { linkBandwidth: 2e6 } }).linkBandwidth, { asn: 64_512, octetsPerSecond: 2e6, transitive: true });
  const internal = attributes({ negotiated: { internal: true, localAsn: 4_200_000_000 }, announcement: { linkBandwidth: 2e6 } });
  assert.deepEqual(internal.linkBandwidth, { asn: 23_456, octetsPerSecond: 2e6, transitive: false });
});

test('customers, peers and clients of a route server are told to pass routes on to customers alone (RFC 9234 section 5)', () => {
  const marks = (['provider', 'peer', 'route-server', 'customer', 'route-server-client', null] as const).map((role) => attributes({ peer: { role } }).onlyToCustomer);
  assert.deepEqual(marks, [64_512, 64_512, 64_512, null, null, null]);
  assert.equal(attributes({ peer: { role: 'provider' }, negotiated: { internal: true } }).onlyToCustomer, null);
});

test('a peer gets only what is announced to it, in families that were negotiated', () => {
  const elsewhere = routeOf('192.0.2.2', { announcements: [{ ...ANNOUNCEMENT, peers: ['default/other'] }] });
  const six = routeOf('2001:db8::1');
  const { routes, refusals } = make({ routes: [routeOf('192.0.2.1'), elsewhere, six] });
  assert.deepEqual([[...routes.keys()], refusals.size], [['192.0.2.1/32 0'], 0]);
});

test('a family that this end has no next hop for is refused in words', () => {
  const negotiated = { families: ['ipv4', 'ipv6'] } as const;
  const { routes, refusals } = make({ routes: [routeOf('192.0.2.1'), routeOf('2001:db8::1')], negotiated, links: [linkOf('eth0', '10.0.0.1')] });
  assert.deepEqual([...routes.keys()], ['192.0.2.1/32 0']);
  assert.match(refusals.get('ipv6') ?? '', /^eth0 has no IPv6 address, which routes of this family would need as next hop$/);
});

test('of interfaces with the same link-local address that of an unnumbered peer gives the next hop', () => {
  const links = [linkOf('eth0', '10.0.0.1', 'fe80::1'), linkOf('eth0.100', '10.0.100.1', 'fe80::1')];
  const over = { ends: { localAddress: 'fe80::1', remoteAddress: 'fe80::2' } };
  const found = attributes({ links, negotiated: over, peer: { remote: { type: 'interface', interface: 'eth0.100' } } });
  assert.equal(found.nextHop, '10.0.100.1');
});

test('where the peer takes several paths it gets those by other nodes too, while they are alive', () => {
  const otherNodes = ['two', 'three', 'four'].map((node, index) => ({ node, nextHop: `10.0.0.${index + 2}` }));
  const routes = [routeOf('192.0.2.1', { otherNodes, announcements: [{ ...ANNOUNCEMENT, linkBandwidth: 1 }] })];
  const paths = (changes: Changes) => [...make({ routes, ...changes }).routes.values()];
  assert.deepEqual(paths({ alive: ['two', 'three'] }).map(({ pathId }) => pathId), [0]);
  const several = { negotiated: { addPathSend: ['ipv4'] as const }, peer: { addPathSend: 8 } };
  const sent = paths({ ...several, alive: ['two', 'three'] });
  assert.deepEqual(sent.map(({ attributes: { nextHop, linkBandwidth } }) => [nextHop, linkBandwidth?.octetsPerSecond]), [['10.0.0.1', 1], ['10.0.0.2', undefined], ['10.0.0.3', undefined]]);
  assert.equal(new Set(sent.map(({ pathId }) => pathId)).size, 3);
  assert.ok(sent.every(({ pathId }) => pathId > 0));
  // Whoever leaves, the others keep their identifiers.
  assert.deepEqual(paths({ ...several, alive: ['three'] }).map(({ pathId }) => pathId), [sent[0]?.pathId, sent[2]?.pathId]);
  assert.equal(paths({ ...several, peer: { addPathSend: 2 }, alive: ['two', 'three', 'four'] }).length, 2);
});

test('paths by other nodes are those of each route\'s own list, with its attributes, whatever other routes share with it', () => {
  const listOf = (...nodes: readonly string[]) => nodes.map((node) => ({ node, nextHop: `10.0.0.${node.length}` }));
  const shared = listOf('four', 'seven');
  const better = [{ ...ANNOUNCEMENT, med: 5 }];
  const routes = [
    routeOf('192.0.2.1', { otherNodes: shared }), routeOf('192.0.2.2', { otherNodes: shared }), routeOf('192.0.2.3', { otherNodes: listOf('four') }),
    routeOf('192.0.2.4', { otherNodes: shared, announcements: better }),
  ];
  const several = { negotiated: { addPathSend: ['ipv4'] as const }, peer: { addPathSend: 8 }, alive: ['four', 'seven'] };
  const sent = [...make({ routes, ...several }).routes.values()];
  const shown = sent.map(({ prefix, attributes: { nextHop, med } }) => `${prefix} ${nextHop} ${med}`);
  assert.deepEqual(shown, [
    '192.0.2.1/32 10.0.0.1 null', '192.0.2.1/32 10.0.0.4 null', '192.0.2.1/32 10.0.0.5 null',
    '192.0.2.2/32 10.0.0.1 null', '192.0.2.2/32 10.0.0.4 null', '192.0.2.2/32 10.0.0.5 null',
    '192.0.2.3/32 10.0.0.1 null', '192.0.2.3/32 10.0.0.4 null',
    '192.0.2.4/32 10.0.0.1 5', '192.0.2.4/32 10.0.0.4 5', '192.0.2.4/32 10.0.0.5 5',
  ]);
  const identifiers = (index: number): readonly number[] => sent.filter(({ prefix }) => prefix === `192.0.2.${index}/32`).map(({ pathId }) => pathId);
  assert.deepEqual([identifiers(2), identifiers(4), identifiers(3)], [identifiers(1), identifiers(1), identifiers(1).slice(0, 2)]);
});

test('what a change does not touch is answered with the same objects', () => {
  const [one, two] = [routeOf('192.0.2.1'), routeOf('192.0.2.2')];
  const states = new Map<string, RouteState>([one, two].map(({ prefix }) => [prefix, { state: 'announced', reason: '', obstacles: new Map(), sinceMs: 0 }]));
  const routesOf = (...routes: readonly WantedRoute[]): ReadonlyMap<string, WantedRoute> => new Map(routes.map((route) => [route.prefix, route]));
  const input: PeerRoutesInput = { routes: routesOf(one, two), states, peer: PEER, negotiated: NEGOTIATED, links: [], nodeName: 'one', alive: new Set() };
  const make = createPeerRoutes();
  const first = make(input);
  assert.equal(first.routes.get('192.0.2.1/32 0')?.attributes, first.routes.get('192.0.2.2/32 0')?.attributes);
  assert.equal(make({ ...input, links: [linkOf('eth0')] }), first);
  assert.equal(make({ ...input, routes: routesOf(one, two) }), first);
  const changed = make({ ...input, routes: routesOf(one, { ...two, announcements: [{ ...ANNOUNCEMENT, med: 5 }] }) });
  assert.equal(changed.routes.get('192.0.2.1/32 0'), first.routes.get('192.0.2.1/32 0'));
  assert.equal(changed.routes.get('192.0.2.2/32 0')?.attributes.med, 5);
  const draining = make({ ...input, states: new Map([...states, [two.prefix, { state: 'draining', reason: '', obstacles: new Map(), sinceMs: 0 }]]) });
  assert.deepEqual(draining.routes.get('192.0.2.2/32 0')?.attributes.communities, [0xffff_0000]);
  assert.equal(make({ ...input, routes: routesOf(one) }).routes.size, 1);
  assert.equal(make({ ...input, negotiated: { ...NEGOTIATED, ends: { localAddress: '10.0.0.9', remoteAddress: '10.0.0.254' } } }).routes.get('192.0.2.1/32 0')?.attributes.nextHop, '10.0.0.9');
});
