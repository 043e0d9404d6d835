import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { startCluster } from '../netns/cluster.ts';
import type { GatehouseNode } from '../netns/gatehouseNode.ts';
import { lacksLab } from '../netns/lab.ts';
import { BINARY } from '../support/gatehouse.ts';
import { until } from '../support/until.ts';
import { BGP_POOL, bgpAdvertisement, bgpPeer, bgpPool, bgpPrefix, bgpService } from './lab/bgpObjects.ts';
import { allEstablished, peerOf } from './lab/bgpViews.ts';
import { HOSTILE_CASES, type HostileCase } from './lab/hostileCases.ts';
import { startHostilePeers, type HostileEvent, type HostilePeer } from './lab/hostilePeers.ts';
import { HOSTILE_ASN, manyPrefixes, open } from './lab/octets.ts';
import type { Neighbor, RouterOptions, RouterPeer } from './lab/router.ts';
import { addRouterHost } from './lab/routerHost.ts';
import { PROGRAMS, startRouter } from './lab/startRouter.ts';

const skip = lacksLab(...PROGRAMS.bird, ...PROGRAMS.frr);
const OWN_ASN = 64_500;
const ROUTER_ASN = 64_501;
const STRICT_ASN = 64_503;
const WEB = 1;
const FIRST_HOST = 120;
const MILLION = 1_000_000;
/** Beyond this, something is kept of what should be dropped. */
const MAX_GROWTH_BYTES = 96 << 20;

const plain = (host: number): HostilePeer => ({
  address: `10.77.0.${host}`, open: open(), afterwards: Buffer.alloc(0), pieces: 0, refreshes: false, stopsReading: false,
});
const CASE_PEERS = HOSTILE_CASES.map(({ open: own, afterwards, pieces, end }, index): HostilePeer => ({
  ...plain(FIRST_HOST + index), ...(own === undefined ? {} : { open: own }), ...(afterwards === undefined ? {} : { afterwards }),
  pieces: pieces ?? 0, refreshes: end === 'stays',
}));
const FULL_TABLE = FIRST_HOST + HOSTILE_CASES.length;
const DEAF = FULL_TABLE + 1;
const MORE_PEERS: readonly HostilePeer[] = [
  { ...plain(FULL_TABLE), afterwards: manyPrefixes(MILLION), refreshes: true },
  { ...plain(DEAF), stopsReading: true },
];
const peerName = (host: number): string => `hostile-${host}`;

test('hostile peers end their own sessions at most, and Gatehouse says what they did', { skip }, async (t) => {
  const hosts = [...CASE_PEERS, ...MORE_PEERS].map((_, index) => FIRST_HOST + index);
  const cluster = await startCluster(t, {
    lab: { nodes: 1 },
    objects: (lab) => ({
      others: [
        bgpPool(), bgpAdvertisement('all', { ipAddressPools: [BGP_POOL] }), ...bgpService(lab, { name: 'web', vip: WEB }),
        bgpPeer('good', peerSpec('10.77.0.31', ROUTER_ASN)),
        bgpPeer('strict', peerSpec('10.77.0.33', STRICT_ASN)),
        bgpPeer('wrong-password', { ...peerSpec('fd77::31', ROUTER_ASN), password: 'one' }),
        ...hosts.map((host) => bgpPeer(peerName(host), peerSpec(`10.77.0.${host}`, HOSTILE_ASN))),
      ],
    }),
  });
  const { lab } = cluster;
  const gatehouse = cluster.gatehouse(1);
  const goodHost = await addRouterHost(t, lab, 1);
  const node = lab.node(1).addresses;
  const to = (name: string, local: string, more: Partial<Neighbor> = {}): Neighbor =>
    ({ name, local, remote: node.ipv4, remoteAsn: OWN_ASN, families: ['ipv4'], ...more });
  const options: RouterOptions = {
    asn: ROUTER_ASN, routerId: '10.77.0.31',
    neighbors: [to('good', '10.77.0.31'), to('wrongpassword', 'fd77::31', { remote: node.ipv6, families: ['ipv6'], password: 'another' })],
  };
  const good = await startRouter(t, 'bird', goodHost, options);
  await startRouter(t, 'frr', await addRouterHost(t, lab, 3), {
    asn: STRICT_ASN, routerId: '10.77.0.33', neighbors: [to('strict', '10.77.0.33', { ttlSecurity: true })],
  });
  await allEstablished(gatehouse, ['good']);
  await until('BIRD has the route', async () => (await good.routes('good')).length === 1);
  const { incarnation } = await good.session('good');
  const announcer = await gatehouse.pid('announcer');
  const beforeBytes = await residentBytes(announcer);
  const hostile = await startHostilePeers(t, await addRouterHost(t, lab, 2), [...CASE_PEERS, ...MORE_PEERS]);

  await cluster.step('each is answered as the RFCs say', async () => {
    const wrong: string[] = [];
    await Promise.all(HOSTILE_CASES.map(async (each, index) => {
      try {
        await ended(gatehouse, each, { host: FIRST_HOST + index, heard: () => hostile.heard(index) });
      } catch (error) {
        wrong.push(`${each.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }));
    if (wrong.length > 0) throw new Error(wrong.join('\n'));
  });

  await cluster.step('a million prefixes are counted, and dropped', async () => {
    await until('all are counted', async () => (await peerOf(gatehouse, peerName(FULL_TABLE))).prefixesReceived >= MILLION);
    assert.equal((await peerOf(gatehouse, peerName(FULL_TABLE))).state, 'Established');
  });

  await cluster.step('a peer that stops reading costs nothing', async (st) => {
    const { state, received } = await peerOf(gatehouse, peerName(DEAF));
    st.diagnostic(`a peer that stops reading: ${state}, ${received.routeRefresh} times asked for all routes`);
    assert.ok(received.routeRefresh > 0);
  });

  await cluster.step('the other session has seen nothing of it, and memory is as before', async (st) => {
    assert.equal((await good.session('good')).incarnation, incarnation);
    assert.equal((await good.routes('good')).length, 1);
    assert.equal(await gatehouse.pid('announcer'), announcer);
    const growth = (await residentBytes(announcer)) - beforeBytes;
    st.diagnostic(`the announcer has grown by ${Math.round(growth / (1 << 20))} MiB, from ${Math.round(beforeBytes / (1 << 20))} MiB`);
    assert.ok(growth < MAX_GROWTH_BYTES);
  });

  await cluster.step('the log tells of every session that ended, and why', async (st) => {
    for (const [index, { name, end }] of HOSTILE_CASES.entries()) {
      if (end === 'stays' || end === 'nothing') continue;
      const reasons = reasonsIn(gatehouse, peerName(FIRST_HOST + index));
      // What this side has ended is told with the NOTIFICATION that was sent.
      const own = reasons.find((reason) => reason.includes(end === 'closed' ? 'the peer has closed' : '(sent: '));
      st.diagnostic(`${name}: ${own}`);
      if (name === 'a wrong AS') assert.match(own ?? '', /AS 64998.*AS 64999/);
      assert.ok(own !== undefined, `nothing in the log says why ${name} was ended: ${reasons.join('; ')}`);
    }
  });

  await cluster.step('the command shows who is there and who is not, with the reason', async (st) => {
    const text = await lab.node(1).exec(BINARY, ['bgp', 'peers', '--admin', '127.0.0.1:9090']);
    const wrongAs = text.split('\n').filter((line) => line.includes(peerName(FIRST_HOST + HOSTILE_CASES.findIndex(({ name }) => name === 'a wrong AS'))));
    st.diagnostic(text.split('\n').slice(0, 6).join('\n'));
    st.diagnostic(wrongAs.join('\n'));
    assert.match(text, /good .*Established/);
  });

  await cluster.step('a wrong password is told in words', async (st) => {
    const { text } = await until('it is told', async () => (await peerOf(gatehouse, 'wrong-password')).lastError);
    st.diagnostic(text);
    assert.match(text, /password/);
  });

  await cluster.step('TTL security at the router alone is told as what it may be', async (st) => {
    // Until FRR listens it is told of that.
    const text = await until('it is told', async () => {
      const { lastError } = await peerOf(gatehouse, 'strict');
      return /ttlSecurity|TTL security/.test(lastError?.text ?? '') && lastError?.text;
    });
    st.diagnostic(text);
  });

  await cluster.step('a router that dies and returns is spoken to again', async (st) => {
    await good.kill();
    await until('it is missed', async () => (await peerOf(gatehouse, 'good')).state !== 'Established');
    const { lastError } = await peerOf(gatehouse, 'good');
    st.diagnostic(`a router that died: ${lastError?.text}`);
    const returned: RouterPeer = await startRouter(st, 'bird', goodHost, options);
    await allEstablished(gatehouse, ['good']);
    await until('it has the route again', async () => (await returned.routes('good')).some(({ prefix }) => prefix === bgpPrefix(WEB).ipv4));
    await returned.stop();
    const { text } = await until('its end is told', async () => {
      const { state, lastError: last } = await peerOf(gatehouse, 'good');
      return state !== 'Established' && last;
    });
    st.diagnostic(`a router that was stopped: ${text}`);
    assert.match(text, /shut down/);
  });
});

function peerSpec(peerAddress: string, peerASN: number) {
  return { myASN: OWN_ASN, peerASN, peerAddress, holdTime: '9s', keepaliveTime: '3s', connectTime: '1s' } as const;
}

interface Heard {
  readonly host: number;
  readonly heard: () => readonly HostileEvent[];
}

/** Resolves once a case has ended as it must; throws with what came instead. */
async function ended(gatehouse: GatehouseNode, { end }: HostileCase, { host, heard }: Heard): Promise<void> {
  if (end === 'nothing') return;
  if (end === 'stays') {
    await until('all routes are asked for in the session', async () => {
      const { lastError, received, state, established } = await peerOf(gatehouse, peerName(host));
      if (heard().some(({ event }) => event === 'closed')) throw new Error(`it was ended: ${JSON.stringify(heard())}, ${lastError?.text}`);
      return received.routeRefresh > 0 && state === 'Established' && established === 1;
    });
    return;
  }
  await until('it is closed', () => heard().some(({ event }) => event === 'closed'));
  const notification = heard().find(({ event }) => event === 'notification');
  if (end === 'closed') return assert.equal(notification, undefined);
  assert.deepEqual({ code: notification?.code, subcode: end.subcode === undefined ? undefined : notification?.subcode }, { code: end.code, subcode: end.subcode });
}

/** Why sessions with a peer ended, as the log says. */
function reasonsIn({ log }: GatehouseNode, name: string): readonly string[] {
  return log.flatMap((line) => (String(line['peer']).endsWith(`/${name}`) && typeof line['reason'] === 'string' ? [line['reason']] : []));
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1024;
}

