import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Capability } from '../codec/message.ts';
import { createBgpTransport } from '../transport/bgpTransport.ts';
import { silentLogger } from '../../../../core/log/logger.ts';
import { bgpWanted, NODE_ADDRESS, startTestSpeaker, wantedPeer, wantedRoute } from './testing/speakerFacts.ts';
import { startTestRouter, type TestRouter } from './testing/testRouter.ts';
import type { WantedPeer } from '../bgpWanted.ts';

const ROUTER = { asn: 64500, address: '127.0.0.31' };
const GRACEFUL_SHUTDOWN = 0xffff_0000;
const CEASE = 6;
const GRACEFUL_RESTART: Capability = { type: 'gracefulRestart', restarting: false, notification: false, restartTimeS: 120, families: [{ family: 'ipv4', forwarding: true }] };
const BFD = { receiveIntervalMs: 50, transmitIntervalMs: 50, detectMultiplier: 3, echoIntervalMs: null, echoReceiveIntervalMs: 50, passive: false, hops: { type: 'single' } } as const;

function peerOf(router: TestRouter, rest: Partial<WantedPeer> = {}): WantedPeer {
  return wantedPeer('net/router', { port: router.port, ...rest });
}

function prefixesOf(router: TestRouter): readonly string[] {
  return [...router.routes.keys()].toSorted();
}

test('a peer gets the routes that are of use here, and loses them as soon as they are not', async (t) => {
  const router = await startTestRouter(t, ROUTER);
  const { speaker, events } = await startTestSpeaker(t);
  const names = ['net/router'];
  speaker.want(bgpWanted([peerOf(router)], [
    wantedRoute('192.0.2.1', names), wantedRoute('192.0.2.2', names, { needsProxy: true }), wantedRoute('192.0.2.3', names, { needsKernel: true }),
    wantedRoute('192.0.2.4', ['net/other']),
  ]));
  await router.until(() => router.routes.size === 1);
  assert.deepEqual(prefixesOf(router), ['192.0.2.1/32']);
  speaker.setServing(true);
  speaker.setForwarded(new Set(['192.0.2.3']));
  await router.until(() => router.routes.size === 3);
  speaker.setServing(false);
  await router.until(() => router.routes.size === 2);
  assert.deepEqual(prefixesOf(router), ['192.0.2.1/32', '192.0.2.3/32']);
  assert.deepEqual(events.map(({ peer, up }) => [peer, up]), [['net/router', true]]);
  const [peer] = speaker.report().peers;
  assert.equal(peer?.state, 'Established');
  assert.deepEqual(peer?.families, [{ family: 'ipv4', announced: 2, reason: '' }]);
  const [first, second] = speaker.report().routes;
  assert.deepEqual(first?.paths.map(({ nextHop, asPath }) => ({ nextHop, asPath })), [{ nextHop: NODE_ADDRESS, asPath: [64512] }]);
  assert.deepEqual({ state: second?.state, paths: second?.paths }, { state: 'withdrawn', paths: [] });
});

test('a VIP that nothing is ready behind is reported and not announced, and what customers alone may hear says so', async (t) => {
  const router = await startTestRouter(t, ROUTER);
  const { speaker } = await startTestSpeaker(t);
  const names = ['net/router'];
  const aggregate = wantedRoute('192.0.2.4', names);
  const routes = [
    wantedRoute('192.0.2.1', names), wantedRoute('192.0.2.2', names, { endpoints: 'none' }),
    { ...aggregate, prefix: '192.0.2.4/31', vips: [...aggregate.vips, ...wantedRoute('192.0.2.5', names, { endpoints: 'elsewhere', services: ['default/idle'] }).vips] },
  ];
  speaker.want(bgpWanted([peerOf(router, { role: 'provider' })], routes));
  await router.until(() => router.routes.size === 2);
  assert.deepEqual(prefixesOf(router), ['192.0.2.1/32', '192.0.2.4/31']);
  const [first, second, third] = speaker.report().routes;
  assert.deepEqual(first?.paths.map(({ onlyToCustomer }) => onlyToCustomer), [64512]);
  assert.deepEqual([second?.state, second?.reason, second?.paths], ['withdrawn', 'its Service has no ready endpoint', []]);
  assert.deepEqual(third?.vips, [
    { address: '192.0.2.4', services: ['default/web'], obstacle: '' },
    { address: '192.0.2.5', services: ['default/idle'], obstacle: 'externalTrafficPolicy is Local and no ready endpoint is on this node' },
  ]);
  speaker.want(bgpWanted([peerOf(router, { role: 'provider' })], [wantedRoute('192.0.2.1', names, { endpoints: 'elsewhere' }), ...routes.slice(1)]));
  await router.until(() => router.routes.size === 1);
  assert.equal(speaker.report().routes[0]?.state, 'withdrawn');
});

test('a change that needs no new session leaves it, one that does makes another, and one that is gone is told so', async (t) => {
  const router = await startTestRouter(t, ROUTER);
  const { speaker } = await startTestSpeaker(t);
  const routes = [wantedRoute('192.0.2.1', ['net/router'])];
  speaker.want(bgpWanted([peerOf(router)], routes));
  await router.until(() => router.routes.size === 1);
  speaker.want(bgpWanted([peerOf(router, { connectTimeMs: 5_000, bfd: BFD })], [...routes, wantedRoute('192.0.2.2', ['net/router'])]));
  await router.until(() => router.routes.size === 2);
  assert.equal(router.sessions(), 1);
  speaker.want(bgpWanted([peerOf(router, { holdTimeMs: 60_000 })], routes));
  await router.until(() => router.sessions() === 2 && router.routes.size === 1);
  speaker.want(bgpWanted([peerOf(router, { shutdown: 'maintenance' })], routes));
  await router.until(() => router.notifications.length === 2);
  speaker.want(bgpWanted([peerOf(router)], routes));
  await router.until(() => router.sessions() === 3 && router.routes.size === 1);
  speaker.want(bgpWanted([], routes));
  await router.until(() => router.notifications.length === 3 && !router.isConnected());
  // Administrative Reset, Administrative Shutdown, Peer De-configured (RFC 4486).
  assert.deepEqual(router.notifications.map(({ code, subcode }) => [code, subcode]), [[CEASE, 4], [CEASE, 2], [CEASE, 3]]);
  assert.match(Buffer.from(router.notifications[1]?.data ?? []).toString('latin1'), /maintenance/);
});

test('the AS of a peer is what it must be, else what it said, even if that was refused', async (t) => {
  const { speaker } = await startTestSpeaker(t);
  const asnOf = (): number | null | undefined => speaker.report().peers[0]?.remoteAsn;
  const nobody = wantedPeer('net/router', { connect: 'passive' });
  for (const [remoteAsn, asn] of [[{ type: 'number', asn: 64500 }, 64500], [{ type: 'internal' }, nobody.localAsn], [{ type: 'external' }, null]] as const) {
    speaker.want(bgpWanted([{ ...nobody, remoteAsn }]));
    assert.equal(asnOf(), asn);
  }
  const router = await startTestRouter(t, { ...ROUTER, asn: 64999 });
  for (const [remoteAsn, asn] of [[{ type: 'number', asn: 64500 }, 64500], [{ type: 'internal' }, 64999]] as const) {
    const refusals = router.notifications.length;
    speaker.want(bgpWanted([peerOf(router, { remoteAsn })]));
    await router.until(() => router.notifications.length > refusals);
    assert.equal(asnOf(), asn);
  }
  const inOurs = await startTestRouter(t, { asn: nobody.localAsn, address: '127.0.0.32' });
  speaker.want(bgpWanted([peerOf(inOurs, { remoteAsn: { type: 'external' }, remote: { type: 'address', address: '127.0.0.32' } })]));
  await inOurs.until(() => inOurs.notifications.length > 0);
  assert.equal(asnOf(), nobody.localAsn);
  assert.match(speaker.report().peers[0]?.lastError?.text ?? '', /in our AS 64512, and another is expected/);
});

test('before a stop for good clients are led away, then routes are withdrawn, then the session is shut down', async (t) => {
  const router = await startTestRouter(t, { ...ROUTER, capabilities: [GRACEFUL_RESTART] });
  const { speaker } = await startTestSpeaker(t);
  speaker.want(bgpWanted([peerOf(router, { gracefulRestart: { restartTimeMs: 120_000, longLivedStaleTimeMs: null } })], [wantedRoute('192.0.2.1', ['net/router'])]));
  await router.until(() => router.routes.size === 1);
  const stopping = speaker.stop(true);
  await router.until(() => router.routes.get('192.0.2.1/32')?.communities.includes(GRACEFUL_SHUTDOWN) === true);
  assert.deepEqual(router.notifications, []);
  await router.until(() => router.routes.size === 0);
  await stopping;
  await router.until(() => router.notifications.length === 1);
  assert.deepEqual(router.notifications.map(({ code, subcode }) => [code, subcode]), [[CEASE, 2]]);
});

test('before a restart peers that keep routes are left in silence, and others lose them first', async (t) => {
  const keeper = await startTestRouter(t, { ...ROUTER, capabilities: [GRACEFUL_RESTART] });
  const other = await startTestRouter(t, { asn: 64500, address: '127.0.0.32' });
  const { speaker } = await startTestSpeaker(t);
  const gracefulRestart = { restartTimeMs: 120_000, longLivedStaleTimeMs: null };
  speaker.want(bgpWanted([
    peerOf(keeper, { gracefulRestart }),
    wantedPeer('net/other', { gracefulRestart, port: other.port, remote: { type: 'address', address: '127.0.0.32' } }),
  ], [wantedRoute('192.0.2.1', ['net/other', 'net/router'])]));
  await Promise.all([keeper, other].map((router) => router.until(() => router.routes.size === 1)));
  await speaker.stop(false);
  await keeper.until(() => !keeper.isConnected());
  await other.until(() => other.notifications.length === 1);
  assert.deepEqual([keeper.routes.size, keeper.notifications.length, other.routes.size], [1, 0, 0]);
});

test('a peer is heard when it connects by itself, and a stranger is not', async (t) => {
  const { speaker, transport } = await startTestSpeaker(t);
  speaker.want(bgpWanted([wantedPeer('net/router', { connect: 'passive' })]));
  const [port = 0] = transport().listeningPorts();
  const client = createBgpTransport({ links: () => [], logger: silentLogger, listenPort: 0, events: { accepted: () => null } });
  const heard = Promise.withResolvers<Uint8Array>();
  const common = { port, remote: { type: 'address', address: NODE_ADDRESS }, vrf: null, authentication: null, ttl: 1, minimumTtl: null, connect: 'active' } as const;
  const silent = { connected: () => {}, writable: () => {} };
  const connection = client.connect({ ...common, name: 'x', sourceAddress: '127.0.0.31' }, { ...silent, octets: heard.resolve, closed: () => {} });
  t.after(() => connection.destroy());
  assert.equal((await heard.promise)[18], 1, 'an OPEN');
  const refused = Promise.withResolvers<string>();
  client.connect({ ...common, name: 'y', sourceAddress: '127.0.0.77' }, { ...silent, octets: () => {}, closed: refused.resolve });
  assert.match(await refused.promise, /reset/);
});

test('BFD is spoken with peers that want it, and ends the session when it says that the peer is gone', async (t) => {
  const router = await startTestRouter(t, ROUTER);
  const { speaker, events, bfd } = await startTestSpeaker(t);
  speaker.want(bgpWanted([peerOf(router, { bfd: BFD })], [wantedRoute('192.0.2.1', ['net/router'])]));
  await router.until(() => router.routes.size === 1);
  assert.deepEqual(bfd.sessions.map(({ name, localAddress, remoteAddress, interface: link }) => [name, localAddress, remoteAddress, link]), [
    ['net/router', NODE_ADDRESS, '127.0.0.31', 'lo'],
  ]);
  bfd.tell({ name: 'net/router', state: 'Down', remoteState: 'Down', why: 'it has not been up', withoutFault: false });
  bfd.tell({ name: 'net/router', state: 'Up', remoteState: 'Up', why: '', withoutFault: false });
  bfd.tell({ name: 'net/router', state: 'Down', remoteState: 'AdminDown', why: 'the peer takes it down', withoutFault: false });
  bfd.tell({ name: 'net/router', state: 'Down', remoteState: 'Down', why: 'nothing more is heard of it', withoutFault: false });
  assert.equal(router.sessions(), 1);
  bfd.tell({ name: 'net/router', state: 'Up', remoteState: 'Up', why: '', withoutFault: false });
  bfd.tell({ name: 'net/router', state: 'Down', remoteState: 'Down', why: 'Control Detection Time Expired', withoutFault: false });
  await router.until(() => router.notifications.length === 1);
  assert.deepEqual([router.notifications[0]?.code, router.notifications[0]?.subcode], [CEASE, 10]);
  assert.equal(events.at(-1)?.up, false);
  bfd.tell({ name: 'net/router', state: 'Up', remoteState: 'Up', why: '', withoutFault: false });
  await router.until(() => router.sessions() === 2);
});

test('the next session with a router is begun only when the connection of the one before is gone', async (t) => {
  const router = await startTestRouter(t, ROUTER);
  const { speaker } = await startTestSpeaker(t);
  const routes = [wantedRoute('192.0.2.1', ['net/router'])];
  speaker.want(bgpWanted([peerOf(router)], routes));
  await router.until(() => router.sessions() === 1);
  for (const holdTimeMs of [30_000, 60_000]) {
    speaker.want(bgpWanted([peerOf(router, { holdTimeMs })], routes));
    assert.equal(speaker.report().peers[0]?.state, 'Idle', 'a router that has not read yet why it ended would take it for a restart');
  }
  await router.until(() => router.sessions() === 2 && router.routes.size === 1);
  assert.deepEqual(router.notifications.map(({ code, subcode }) => [code, subcode]), [[CEASE, 4]]);
});

test('a peer that is left hears so from BGP, and from BFD only when the connection is gone', async (t) => {
  const router = await startTestRouter(t, ROUTER);
  const { speaker, bfd } = await startTestSpeaker(t);
  const routes = [wantedRoute('192.0.2.1', ['net/router'])];
  const watched = (): readonly string[] => bfd.sessions.map(({ name }) => name);
  for (const [index, left] of [[], [peerOf(router, { bfd: BFD, shutdown: 'maintenance' })]].entries()) {
    speaker.want(bgpWanted([peerOf(router, { bfd: BFD })], routes));
    await router.until(() => router.sessions() === index + 1);
    bfd.ended = Promise.withResolvers();
    speaker.want(bgpWanted(left, routes));
    assert.deepEqual(watched(), ['net/router']);
    await bfd.ended.promise;
    await router.until(() => router.notifications.length > index && !router.isConnected());
  }
  speaker.want(bgpWanted([peerOf(router, { bfd: BFD })], routes));
  await router.until(() => router.sessions() === 3);
  speaker.want(bgpWanted([{ ...peerOf(router, { bfd: BFD }), name: 'net/renamed' }], routes));
  assert.deepEqual(watched(), ['net/renamed'], 'never two with one router');
});

test('a session that is made anew for other settings still ends when BFD, which goes on, says that the peer is gone', async (t) => {
  const router = await startTestRouter(t, ROUTER);
  const { speaker, bfd } = await startTestSpeaker(t);
  const routes = [wantedRoute('192.0.2.1', ['net/router'])];
  speaker.want(bgpWanted([peerOf(router, { bfd: BFD })], routes));
  await router.until(() => router.routes.size === 1);
  bfd.tell({ name: 'net/router', state: 'Up', remoteState: 'Up', why: '', withoutFault: false });
  speaker.want(bgpWanted([peerOf(router, { bfd: BFD, holdTimeMs: 30_000 })], routes));
  await router.until(() => router.sessions() === 2 && router.routes.size === 1);
  const before = router.notifications.length;
  bfd.tell({ name: 'net/router', state: 'Down', remoteState: 'Down', why: 'Control Detection Time Expired', withoutFault: false });
  await router.until(() => router.notifications.length > before || !router.isConnected());
  assert.deepEqual([router.notifications.at(-1)?.code, router.notifications.at(-1)?.subcode], [CEASE, 10]);
});

test('an announcer that ends at once leaves without a word', async (t) => {
  const router = await startTestRouter(t, ROUTER);
  const { speaker } = await startTestSpeaker(t);
  speaker.want(bgpWanted([peerOf(router)], [wantedRoute('192.0.2.1', ['net/router'])]));
  await router.until(() => router.routes.size === 1);
  speaker.abandon();
  await router.until(() => !router.isConnected());
  assert.deepEqual([router.routes.size, router.notifications.length], [1, 0]);
  await speaker.stop(true);
});
