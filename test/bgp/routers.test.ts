import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lacksLab, startLab } from '../netns/lab.ts';
import { until } from '../support/until.ts';
import { ANNOUNCED, type Neighbor, type RouterPeer } from './lab/router.ts';
import { addRouterHost, type RouterHost } from './lab/routerHost.ts';
import { PROGRAMS, startRouter } from './lab/startRouter.ts';

const skip = lacksLab(...Object.values(PROGRAMS).flat());
const ASN = { bird: 64_501, frr: 4_200_000_002, gobgp: 64_503, exabgp: 4_200_000_004 } as const;

test('routers of the lab hear each other: what the suite reads of their tables is what was announced', { skip }, async (t) => {
  const lab = await startLab(t, { nodes: 0 });
  const [bird, frr, gobgp, exabgp] = await Promise.all([1, 2, 3, 4].map((number) => addRouterHost(t, lab, number)));
  assert.ok(bird && frr && gobgp && exabgp);
  const to = (from: RouterHost, other: RouterHost, family: 'ipv4' | 'ipv6', more: Pick<Neighbor, 'remoteAsn'> & Partial<Neighbor>): Neighbor => ({
    name: 'other', local: from.namespace.addresses[family], remote: other.namespace.addresses[family], families: ['ipv4', 'ipv6'], gracefulRestart: true, ...more,
  });
  const password = { password: 'secret' };
  const [first, second, third, fourth] = await Promise.all([
    startRouter(t, 'bird', bird, {
      asn: ASN.bird, routerId: '10.77.0.31', announces: ['192.0.2.1/32', '2001:db8::1/128'],
      neighbors: [to(bird, frr, 'ipv4', { remoteAsn: ASN.frr, bfd: true, ...password })],
    }),
    startRouter(t, 'frr', frr, {
      asn: ASN.frr, routerId: '10.77.0.32', announces: ['192.0.2.2/32', '2001:db8::2/128'],
      neighbors: [to(frr, bird, 'ipv4', { remoteAsn: ASN.bird, bfd: true, ...password })],
    }),
    startRouter(t, 'gobgp', gobgp, {
      asn: ASN.gobgp, routerId: '10.77.0.33', announces: ['192.0.2.3/32', '2001:db8::3/128'],
      neighbors: [to(gobgp, exabgp, 'ipv6', { remoteAsn: ASN.exabgp, families: ['ipv6'], addPath: true, ...password })],
    }),
    startRouter(t, 'exabgp', exabgp, {
      asn: ASN.exabgp, routerId: '10.77.0.34', announces: ['192.0.2.4/32', '2001:db8::4/128'],
      neighbors: [to(exabgp, gobgp, 'ipv6', { remoteAsn: ASN.gobgp, families: ['ipv6'], ...password })],
    }),
  ]);
  await heard(first, 2, ASN.frr);
  await heard(second, 1, ASN.bird);
  await heard(third, 4, ASN.exabgp);
  await heard(fourth, 3, ASN.gobgp);
  for (const router of [first, second]) await until(`BFD of ${router.kind}`, async () => (await router.session('other')).bfdUp);
  for (const router of [first, second, fourth]) {
    const before = await router.session('other');
    await router.refresh?.('other', 'ipv6');
    await until(`${router.kind} hears its routes again`, async () => (await router.session('other')).updates > before.updates);
    assert.equal((await router.session('other')).incarnation, before.incarnation);
  }
  await Promise.all([second.kill(), fourth.kill()]);
  await until('BIRD has noticed', async () => !(await first.session('other')).up);
  await until('GoBGP keeps what it has heard', async () => !(await third.session('other')).up && (await third.routes('other')).every(({ stale }) => stale));
  assert.equal((await third.routes('other')).length, 1);
});

async function heard(router: RouterPeer, number: number, asn: number): Promise<void> {
  const seen = await until(`${router.kind} hears the prefixes of router ${number}`, async () => {
    const routes = await router.routes('other');
    return routes.length === router.options.neighbors[0]?.families.length && routes;
  });
  assert.deepEqual(seen.map(({ prefix }) => prefix), [`192.0.2.${number}/32`, `2001:db8::${number}/128`].slice(-seen.length), router.kind);
  for (const route of seen) {
    assert.deepEqual(route.asPath, [asn], router.kind);
    assert.equal(route.med, ANNOUNCED.med, router.kind);
    assert.deepEqual(route.communities, ANNOUNCED.communities, router.kind);
    assert.deepEqual(route.largeCommunities, ANNOUNCED.largeCommunities, router.kind);
    assert.equal(route.stale, false);
  }
  const { up, incarnation } = await router.session('other');
  assert.ok(up && incarnation !== '', router.kind);
}
