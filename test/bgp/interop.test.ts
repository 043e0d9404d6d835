import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lacksLab } from '../netns/lab.ts';
import { allAlive } from '../netns/failover.ts';
import type { LabManifest } from '../netns/labObjects.ts';
import { BINARY } from '../support/gatehouse.ts';
import { until } from '../support/until.ts';
import { BLOCK, blocks, blocksOf, PARTS } from './lab/bgpBlocks.ts';
import { bgpPrefix, bgpService, plainService, withEndpoints } from './lab/bgpObjects.ts';
import { allEstablished, listedAsWithdrawn, peerOf } from './lab/bgpViews.ts';
import {
  ALL_PEERS, configuration, OWN_ASN, peerName, ROUTER_ASN, startInterop, type Interop, type SessionName,
} from './lab/interop.ts';
import { createMatrix } from './lab/matrix.ts';
import { ROUTER_KINDS, type Route, type RouterKind } from './lab/router.ts';
import { PROGRAMS } from './lab/startRouter.ts';

const skip = lacksLab(...Object.values(PROGRAMS).flat());
const WEB = 1;
const LOCAL = 2;
const IDLE = 3;
/** Of both VIPs and families. */
const FAR_ROUTES = 4;
const VIPS = 1_000;
/** For those: what has become ready together goes together, a few hundred in each. */
const MOST_UPDATES = 40;
/** RFC 6793: for an AS number that has no room in two octets. */
const AS_TRANS = 23_456;
/** RFC 9234 section 4.2. */
const ROLE_MISMATCH = { code: 2, subcode: 11 } as const;
/** RFC 9494 section 3.3. */
const LLGR_STALE = '65535:6';
const NO_ROLES = { gobgp: 'it does not know roles', exabgp: 'it does not know roles' } as const;
const NO_BFD = { gobgp: 'it does not speak BFD', exabgp: 'it does not speak BFD' } as const;
const NOT_UNNUMBERED = {
  bird: 'it must be told the address of its neighbour', gobgp: 'FRR alone has a link of its own here', exabgp: 'it must be told the address of its neighbour',
} as const;

test('BIRD, FRR, GoBGP and ExaBGP have in their own tables what Gatehouse announces', { skip }, async (t) => {
  const matrix = createMatrix(t);
  const interop = await startInterop(t, (lab) => [
    ...bgpService(lab, { name: 'web', vip: WEB }),
    ...bgpService(lab, { name: 'local', vip: LOCAL, policy: 'Local', on: [withEndpoints(lab.node(1), 1)] }),
    ...blocks(lab, ['first', 'second', 'edge', 'middle']),
  ]);
  const { cluster, gatehouse, router, settings } = interop;
  const { lab } = cluster;
  await allAlive(cluster);
  const one = (kind: RouterKind, session: SessionName, prefix: string) => theRoute(interop, { kind, session, prefix });

  await cluster.step('sessions are established', () => allEstablished(gatehouse, ALL_PEERS));

  await cluster.step('routes have the attributes that the objects say', async () => {
    const node = lab.node(1).addresses;
    await matrix.check({
      name: 'eBGP, IPv4, MD5',
      check: async (kind) => {
        const { asPath, nextHops, med } = await one(kind, 'plain', bgpPrefix(WEB).ipv4);
        assert.deepEqual({ asPath, nextHops, med }, { asPath: [OWN_ASN], nextHops: [node.ipv4], med: 30 });
      },
    });
    await matrix.check({
      name: 'TTL security',
      lacks: { exabgp: 'it answers connections with the TTL of its system' },
      check: async (kind) => {
        await one(kind, 'plain', bgpPrefix(WEB).ipv4);
      },
    });
    await matrix.check({
      name: 'iBGP, IPv6',
      check: async (kind) => {
        const { asPath, localPref, med } = await one(kind, 'inner', bgpPrefix(LOCAL).ipv6);
        assert.deepEqual({ asPath, localPref, med }, { asPath: [], localPref: 250, med: null });
      },
    });
    await matrix.check({
      name: 'communities, large communities',
      check: async (kind) => {
        const { communities, largeCommunities } = await one(kind, 'plain', bgpPrefix(WEB).ipv4);
        assert.deepEqual({ communities, largeCommunities }, { communities: [`${OWN_ASN}:100`, `${OWN_ASN}:7`], largeCommunities: [`${OWN_ASN}:1:2`] });
        assert.deepEqual((await one(kind, 'inner', bgpPrefix(LOCAL).ipv6)).communities, [`${OWN_ASN}:100`]);
      },
    });
    await matrix.check({
      name: 'multihop, source address, prepend',
      check: async (kind) => {
        const { asPath, nextHops, communities } = await one(kind, 'far', bgpPrefix(WEB).ipv4);
        assert.deepEqual({ asPath, nextHops, communities }, { asPath: [OWN_ASN, OWN_ASN, OWN_ASN], nextHops: ['10.79.1.1'], communities: [] });
      },
    });
    await matrix.check({
      name: 'IPv6 routes over IPv4',
      check: async (kind) => assert.deepEqual((await one(kind, 'far', bgpPrefix(WEB).ipv6)).asPath, [OWN_ASN, OWN_ASN, OWN_ASN]),
    });
    await matrix.check({
      name: '4-octet AS',
      check: async (kind) => assert.equal((await peerOf(gatehouse, peerName(kind, 'far'))).remoteAsn, ROUTER_ASN[kind]),
    });
    await matrix.check({
      name: 'extended messages',
      lacks: { gobgp: 'it does not say that it takes longer messages' },
      check: async (kind) => {
        const { capabilities } = await peerOf(gatehouse, peerName(kind, 'far'));
        assert.ok(capabilities.includes('extended messages'), capabilities.join(', '));
      },
    });
    await matrix.check({
      name: 'add-path',
      check: async (kind) => {
        const expected = lab.nodes.map(({ addresses }) => addresses.ipv6);
        const paths = await until(`${kind} has two paths`, async () => {
          const seen = (await routesOf(interop, kind, 'inner')).filter(({ prefix }) => prefix === bgpPrefix(WEB).ipv6);
          return seen.length === 2 && seen;
        });
        assert.deepEqual(paths.map(({ nextHops }) => nextHops.find((each) => expected.includes(each)) ?? '').toSorted((a, b) => (a < b ? -1 : 1)), expected);
        assert.ok(paths.every(({ localPref }) => localPref === 250));
      },
    });
    await matrix.check({
      name: 'link bandwidth, eBGP',
      check: async (kind) => {
        const { linkBandwidth } = await one(kind, 'far', bgpPrefix(WEB).ipv4);
        assert.equal(linkBandwidth?.asn, OWN_ASN);
        assert.equal(linkBandwidth.transitive ?? true, true);
        // Two endpoints and one.
        assert.deepEqual([linkBandwidth.octetsPerSecond, (await one(kind, 'far', bgpPrefix(LOCAL).ipv4)).linkBandwidth?.octetsPerSecond], [2_000_000, 1_000_000]);
      },
    });
    await matrix.check({
      name: 'link bandwidth, iBGP',
      check: async (kind) => {
        const { linkBandwidth } = await one(kind, 'inner', bgpPrefix(LOCAL).ipv6);
        assert.equal(linkBandwidth?.asn, AS_TRANS);
        assert.equal(linkBandwidth.transitive ?? false, false);
      },
    });
    await matrix.check({
      name: 'roles',
      lacks: NO_ROLES,
      // Without ours they end the session.
      check: async (kind) => assert.ok((await router[kind].session('far')).up),
    });
    await matrix.check({
      name: 'ONLY_TO_CUSTOMER',
      check: async (kind) => {
        assert.equal((await one(kind, 'far', bgpPrefix(WEB).ipv6)).onlyToCustomer, OWN_ASN);
        assert.equal((await one(kind, 'plain', bgpPrefix(WEB).ipv4)).onlyToCustomer, null);
      },
    });
    await matrix.check({
      name: 'aggregation',
      check: async (kind) => {
        assert.deepEqual(await blocksOf(router[kind], 'plain'), [BLOCK.ipv4, ...PARTS]);
        assert.deepEqual(await blocksOf(router[kind], 'inner'), [BLOCK.ipv6]);
      },
    });
    await matrix.check({
      name: 'BFD, with TTL security',
      lacks: NO_BFD,
      check: async (kind) => {
        await until(`BFD of ${kind}`, async () => (await router[kind].session('plain')).bfdUp);
        await until(`BFD with ${kind}`, async () => (await peerOf(gatehouse, peerName(kind, 'plain'))).bfd?.state === 'Up');
      },
    });
    await matrix.check({
      name: 'unnumbered',
      lacks: NOT_UNNUMBERED,
      check: async (kind) => {
        for (const prefix of [bgpPrefix(WEB).ipv4, bgpPrefix(WEB).ipv6]) {
          const { asPath, nextHops } = await one(kind, 'link', prefix);
          assert.deepEqual(asPath, [OWN_ASN]);
          assert.ok(nextHops.some((each) => each.startsWith('fe80:')), nextHops.join(' '));
        }
      },
    });
  });

  await cluster.step('all is sent again to whoever asks for it', async () => {
    await matrix.check({
      name: 'route refresh',
      lacks: { gobgp: 'it keeps all that it has heard, and never asks' },
      check: async (kind) => {
        const before = await router[kind].session('plain');
        const counted = (await peerOf(gatehouse, peerName(kind, 'plain'))).received.routeRefresh;
        await router[kind].refresh?.('plain', 'ipv4');
        await until(`${kind} has asked`, async () => (await peerOf(gatehouse, peerName(kind, 'plain'))).received.routeRefresh > counted);
        await until(`${kind} hears them`, async () => (await router[kind].session('plain')).updates > before.updates);
        assert.equal((await router[kind].session('plain')).incarnation, before.incarnation);
      },
    });
  });

  await cluster.step('a change elsewhere is none of theirs', async () => {
    const before = await sessionsNow(interop);
    await cluster.change({ services: [{ name: 'elsewhere', vip: 201 }] });
    await cluster.change({ services: [] });
    assert.deepEqual(await sessionsNow(interop), before);
  });

  await cluster.step('routes go when they must', async () => {
    const web = bgpService(lab, { name: 'web', vip: WEB });
    const local = (...on: readonly number[]) => bgpService(lab, { name: 'local', vip: LOCAL, policy: 'Local', on: on.map((number) => lab.node(number)) });
    const idle = bgpService(lab, { name: 'idle', vip: IDLE, on: [] });
    await cluster.change({ others: [...settings, ...web, ...local(2), ...idle, ...blocks(lab, ['second'])] });
    await matrix.check({
      name: 'withdrawn: no endpoint here (Local)',
      check: async (kind) => {
        await gone(interop, kind, LOCAL);
        await gone(interop, kind, IDLE);
        await one(kind, 'plain', bgpPrefix(WEB).ipv4);
      },
    });
    await listedAsWithdrawn(gatehouse, IDLE, 'its Service has no ready endpoint');
    await listedAsWithdrawn(gatehouse, LOCAL, 'externalTrafficPolicy is Local and no ready endpoint is on this node');
    await matrix.check({
      name: 'aggregation: one VIP is left',
      check: async (kind) => {
        await until(`${kind} has no other blocks`, async () => (await blocksOf(router[kind], 'plain')).join() === BLOCK.ipv4);
        await until(`${kind} has no block of IPv6`, async () => (await blocksOf(router[kind], 'inner')).length === 0);
      },
    });
    await cluster.change({ others: [...settings, ...local(1)] });
    await matrix.check({
      name: 'aggregation: none is left',
      check: async (kind) => {
        await until(`${kind} has no block`, async () => (await blocksOf(router[kind], 'plain')).length === 0);
      },
    });
    await matrix.check({
      name: 'withdrawn: Service deleted',
      check: async (kind) => {
        await one(kind, 'plain', bgpPrefix(LOCAL).ipv4);
        await gone(interop, kind, WEB);
      },
    });
    await cluster.change({ others: [...settings, ...web, ...local(1)] });
    for (const kind of ROUTER_KINDS) await one(kind, 'plain', bgpPrefix(WEB).ipv4);
  });

  await cluster.step('another node dies: its paths go, and nothing else', async () => {
    const before = await sessionsNow(interop);
    const [own, other] = lab.nodes.map(({ addresses }) => addresses.ipv6);
    const pathsOf = async (kind: RouterKind) =>
      (await routesOf(interop, kind, 'inner')).filter(({ prefix }) => prefix === bgpPrefix(WEB).ipv6).map(({ nextHops }) => nextHops.find((each) => lab.nodes.some(({ addresses }) => addresses.ipv6 === each)));
    await lab.cut(2);
    try {
      await matrix.check({
        name: 'add-path: a dead node is left',
        check: async (kind) => {
          await until(`${kind} has the path by the living node alone`, async () => {
            const paths = await pathsOf(kind);
            assert.ok(paths.includes(own), `${kind} has lost the path by the living node`);
            return paths.length === 1;
          });
          assert.equal((await router[kind].session('inner')).incarnation, before.get(peerName(kind, 'inner'))?.incarnation);
        },
      });
    } finally {
      await lab.restore(2);
    }
    await allAlive(cluster);
    for (const kind of ROUTER_KINDS) await until(`${kind} has both paths`, async () => (await pathsOf(kind)).includes(other));
  });

  await cluster.step('a thousand VIPs', async (st) => {
    const rest = [...bgpService(lab, { name: 'web', vip: WEB }), ...bgpService(lab, { name: 'local', vip: LOCAL, policy: 'Local', on: [lab.node(1)] })];
    const many = Array.from({ length: VIPS }, (_, index) => plainService(lab, `many-${index}`, [manyVip(index)])).flat();
    const heard = async (kind: RouterKind) => (await routesOf(interop, kind, 'plain')).filter(({ prefix }) => prefix.startsWith('10.84.')).length;
    const change = async (others: readonly LabManifest[], count: number): Promise<void> => {
      const sent = new Map(await Promise.all(ROUTER_KINDS.map(async (kind) => [kind, (await peerOf(gatehouse, peerName(kind, 'plain'))).sent.update] as const)));
      const startedMs = performance.now();
      const changed = cluster.change({ others: [...settings, ...rest, ...others] });
      // One of them is asked all the time: four would keep the machine from what they are asked about.
      await until(`BIRD has ${count} of them`, async () => (await heard('bird')) === count);
      const tookMs = Math.round(performance.now() - startedMs);
      await changed;
      const figures: string[] = [];
      await matrix.check({
        name: count > 0 ? '1,000 VIPs at once' : '1,000 VIPs withdrawn',
        check: async (kind) => {
          await until(`${kind} has ${count} of them`, async () => (await heard(kind)) === count);
          await until(`Gatehouse has told of ${kind}`, async () =>
            (await peerOf(gatehouse, peerName(kind, 'plain'))).families.find(({ announced: paths }) => paths === count + 2));
          const updates = (await peerOf(gatehouse, peerName(kind, 'plain'))).sent.update - (sent.get(kind) ?? 0);
          figures.push(`${kind} ${updates}`);
          assert.ok(updates > 0 && updates <= MOST_UPDATES, `${updates} UPDATEs`);
        },
      });
      st.diagnostic(`BIRD has ${count} of them ${tookMs} ms after the objects were changed; UPDATEs: ${figures.toSorted().join(', ')}`);
    };
    await change(many, VIPS);
    await change([], 0);
  });

  await cluster.step('roles that do not fit each other', async (st) => {
    const services = bgpService(lab, { name: 'web', vip: WEB });
    await cluster.change({ others: [...configuration(lab, { role: 'customer' }), ...services] });
    await matrix.check({
      name: 'roles: two customers',
      lacks: NO_ROLES,
      check: async (kind) => {
        const fault = await until(`Gatehouse says what is wrong with ${kind}`, async () => {
          const { lastError } = await peerOf(gatehouse, peerName(kind, 'far'));
          return lastError?.text.includes('role') === true && lastError.notification?.fault;
        });
        assert.deepEqual(fault, ROLE_MISMATCH);
      },
    });
    const text = await lab.node(1).exec(BINARY, ['bgp', 'peers', '--admin', '127.0.0.1:9090']);
    const lines = text.split('\n').filter((line) => line.includes('bird-far'));
    st.diagnostic(lines.join('\n'));
    assert.match(lines.join('\n'), /role/i);
    await cluster.change({ others: [...settings, ...services, ...bgpService(lab, { name: 'local', vip: LOCAL, policy: 'Local', on: [lab.node(1)] })] });
    await allEstablished(gatehouse, ALL_PEERS);
    for (const kind of ROUTER_KINDS) await until(`${kind} has all routes`, async () => (await routesOf(interop, kind, 'far')).length === FAR_ROUTES);
  });

  await cluster.step('the announcer dies: routers keep what it has announced', async () => {
    const before = await sessionsNow(interop);
    const controller = await gatehouse.pid('controller');
    // Nobody starts another one until it was looked at.
    process.kill(controller, 'SIGSTOP');
    await gatehouse.kill('announcer', 'SIGKILL');
    try {
      await matrix.check({
        name: 'graceful restart: kept',
        lacks: { exabgp: 'it has no table in which it could keep anything' },
        check: async (kind) => {
          await until(`${kind} has noticed`, async () => !(await router[kind].session('far')).up);
          for (const prefix of Object.values(bgpPrefix(WEB)) as string[]) assert.equal((await one(kind, 'far', prefix)).stale, true);
        },
      });
      await matrix.check({
        name: 'long-lived graceful restart',
        lacks: { exabgp: 'it has no table in which it could keep anything' },
        check: async (kind) => {
          await until(`${kind} takes them for a last resort`, async () => {
            const routes = await routesOf(interop, kind, 'far');
            assert.equal(routes.length, FAR_ROUTES);
            return routes.every(({ communities }) => communities.includes(LLGR_STALE));
          });
        },
      });
    } finally {
      process.kill(controller, 'SIGCONT');
    }
    await matrix.check({
      name: 'graceful restart: taken up again',
      check: async (kind) => {
        await until(`${kind} has a new session`, async () => {
          const { up, incarnation } = await router[kind].session('far');
          return up && incarnation !== before.get(peerName(kind, 'far'))?.incarnation;
        });
        await until(`nothing of ${kind} is stale`, async () => {
          const routes = await routesOf(interop, kind, 'far');
          return routes.length === FAR_ROUTES && routes.every(({ stale, communities }) => !stale && !communities.includes(LLGR_STALE));
        });
      },
    });
    await allEstablished(gatehouse, ALL_PEERS);
  });

  await cluster.step('Gatehouse ends for good (SIGINT): all is withdrawn', async () => {
    gatehouse.process.kill('SIGINT');
    await matrix.check({
      name: 'led away first (RFC 8326)',
      check: async (kind) => {
        await until(`${kind} hears that ${bgpPrefix(WEB).ipv4} is to go`, async () =>
          (await routesOf(interop, kind, 'plain')).some(({ prefix, communities }) => prefix === bgpPrefix(WEB).ipv4 && communities.includes('65535:0')));
      },
    });
    await matrix.check({
      name: 'withdrawn: SIGINT',
      check: async (kind) => {
        await gone(interop, kind, WEB);
        await gone(interop, kind, LOCAL);
      },
    });
  });
});

function manyVip(index: number): string {
  return `10.84.${index >> 8}.${index & 0xff}`;
}

function routesOf({ router }: Interop, kind: RouterKind, session: SessionName): Promise<readonly Route[]> {
  return router[kind].routes(session);
}

interface Wanted {
  readonly kind: RouterKind;
  readonly session: SessionName;
  readonly prefix: string;
}

/** The route of a prefix, by node 1 where there are several; waits for it. */
async function theRoute(interop: Interop, { kind, session, prefix }: Wanted): Promise<Route> {
  let last: readonly Route[] = [];
  try {
    return await until(`${kind} has ${prefix} of ${session}`, async () => {
      last = await routesOf(interop, kind, session);
      return last.find((each) => each.prefix === prefix);
    }, LIMIT_MS);
  } catch (error) {
    throw new Error(`${kind} has no ${prefix} of ${session}, but ${JSON.stringify(last)}`, { cause: error });
  }
}

const LIMIT_MS = 10_000;

/** Resolves once a router has nothing of a VIP any more from any session. */
async function gone(interop: Interop, kind: RouterKind, vip: number): Promise<void> {
  const prefixes: readonly string[] = Object.values(bgpPrefix(vip));
  for (const { name } of interop.router[kind].options.neighbors) {
    await until(`${kind} has nothing of ${prefixes.join(' and ')} from ${name}`, async () => {
      const routes = await interop.router[kind].routes(name);
      return !routes.some(({ prefix, stale }) => prefixes.includes(prefix) && !stale);
    }, LIMIT_MS);
  }
}

/** By name of the peer: its present session, and how much was heard in it. */
async function sessionsNow({ router }: Interop): Promise<ReadonlyMap<string, { readonly incarnation: string; readonly updates: number }>> {
  const sessions = await Promise.all(ROUTER_KINDS.flatMap((kind) => router[kind].options.neighbors.map(async ({ name }) => {
    const { incarnation, updates } = await router[kind].session(name);
    return [`${kind}-${name}`, { incarnation, updates }] as const;
  })));
  return new Map(sessions);
}
