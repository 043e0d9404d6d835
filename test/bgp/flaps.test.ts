import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { bgpWanted, NODE_ADDRESS, startTestSpeaker, wantedPeer, wantedRoute } from '../../controller/announcer/bgp/speaker/testing/speakerFacts.ts';
import { startTestRouter } from '../../controller/announcer/bgp/speaker/testing/testRouter.ts';
import { startCluster } from '../netns/cluster.ts';
import { lacksLab } from '../netns/lab.ts';
import { BINARY } from '../support/gatehouse.ts';
import { until } from '../support/until.ts';
import { BGP_POOL, bgpAdvertisement, bgpPeer, bgpPool, bgpService } from './lab/bgpObjects.ts';
import { allEstablished, peerOf } from './lab/bgpViews.ts';
import { FLAP_KINDS, FLAP_REASONS, lose, speak, type FlapKind } from './lab/hostileFlaps.ts';
import { startFlappers } from './lab/hostileFlappers.ts';
import { ownTime } from './lab/hostileTime.ts';
import { HOSTILE_ASN } from './lab/octets.ts';
import type { Neighbor, RouterPeer } from './lab/router.ts';
import { addRouterHost } from './lab/routerHost.ts';
import { PROGRAMS, startRouter } from './lab/startRouter.ts';

// A peer is held back for 0.75 to 1 s at least after each session, whoever connects, so that a hundred flaps of one take minutes: in the first
// test time is owned, in the second, at a Gatehouse as it is, GATEHOUSE_FLAPS says how many there are.

const skip = lacksLab(...PROGRAMS.bird);

const GOOD = '127.0.0.61';
const FLAPPER = '127.0.0.62';
const SESSIONS = 1_000;
/** After so many all is there that is made once. */
const WARM_SESSIONS = 500;
/** For all that follow: what is kept of a session, were it only its reason, would take more. */
const MAX_HEAP_GROWTH_BYTES = 512 * 1024;
/** The longest pause with this connect time, and hold time of a silent peer. */
const PAUSE_MS = 1_000;
const HOLD_MS = 3_000;

test('one peer is Established and lost a thousand times: nothing is left of it, and another has its route all the time', async (t) => {
  const time = ownTime(t);
  const good = await startTestRouter(t, { asn: 64_500, address: GOOD });
  const { speaker, events, transport } = await startTestSpeaker(t);
  speaker.want(bgpWanted([
    wantedPeer('net/good', { port: good.port, remote: { type: 'address', address: GOOD } }),
    wantedPeer('net/flapper', {
      connect: 'passive', remote: { type: 'address', address: FLAPPER }, remoteAsn: { type: 'number', asn: HOSTILE_ASN }, connectTimeMs: PAUSE_MS,
    }),
  ], [wantedRoute('10.80.0.1', ['net/good', 'net/flapper'])]));
  await good.until(() => good.routes.size === 1);
  const place = { address: FLAPPER, remote: NODE_ADDRESS, port: transport().listeningPorts()[0] ?? 0 };
  const loss = () => events.find(({ peer, up }) => peer === 'net/flapper' && !up);

  const flap = async (kind: FlapKind): Promise<void> => {
    const { socket, established, gone } = speak(place, kind);
    assert.equal(await established, true);
    lose(socket, kind);
    if (kind === 'silent') time.advance(HOLD_MS);
    while (loss() === undefined) await nextTurn();
    await gone;
    assert.match(loss()?.reason ?? '', FLAP_REASONS[kind]);
    events.length = 0;
    assert.equal(await speak(place, kind).established, false, 'it is held back after a session');
    time.advance(PAUSE_MS);
    good.send({ type: 'keepalive' });
    assert.equal(good.routes.size, 1);
  };
  const held = async () => {
    for (let turn = 0; turn < 50; turn += 1) await nextTurn();
    collectGarbage();
    return { heapBytes: process.memoryUsage().heapUsed, descriptors: descriptorsOf('self'), timers: time.timers() };
  };
  const flaps = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) await flap(FLAP_KINDS[index % FLAP_KINDS.length] ?? 'closed');
  };
  await flaps(WARM_SESSIONS);
  const warm = await held();
  await flaps(SESSIONS - WARM_SESSIONS);
  const last = await held();
  t.diagnostic(`after ${WARM_SESSIONS} sessions: ${JSON.stringify(warm)}; after ${SESSIONS}: ${JSON.stringify(last)}`);
  assert.ok(last.heapBytes - warm.heapBytes < MAX_HEAP_GROWTH_BYTES);
  assert.deepEqual([last.descriptors, last.timers], [warm.descriptors, warm.timers]);

  const { socket, established } = speak(place, 'stays');
  t.after(() => socket.destroy());
  assert.equal(await established, true, 'when it stays, it has its routes');
  const [flapper, other] = speaker.report().peers;
  assert.deepEqual([flapper?.established, flapper?.state], [SESSIONS + 1, 'Established']);
  assert.match(flapper?.lastError?.text ?? '', FLAP_REASONS.silent);
  assert.deepEqual([other?.established, other?.state, good.sessions()], [1, 'Established', 1]);
});

const OWN_ASN = 64_500;
const ROUTER_ASN = 64_501;
const WEB = 1;
const FLAPPERS = 10;
/** Of each. */
const FLAPS = Number(process.env['GATEHOUSE_FLAPS'] ?? 10);
const ADDRESSES = Array.from({ length: FLAPPERS }, (_, index) => `10.77.0.${120 + index}`);
/** In turns; silence, which takes 3 s, only once. */
const QUICK = FLAP_KINDS.filter((kind) => kind !== 'silent');
const KINDS: readonly FlapKind[] = ['silent', ...Array.from({ length: FLAPS - 1 }, (_, index) => QUICK[index % QUICK.length] ?? 'closed')];
/** From here on nothing may grow any more. */
const WARM_LOSSES = 20;
const MAX_GROWTH_BYTES = 32 << 20;
const ROUTER_FLAPS = 12;
const LIMIT_MS = 30_000 + FLAPS * 3_000;
const NAMES = ADDRESSES.map((_, index) => `flapper-${index}`);

test(`ten peers lose ${FLAPS} sessions each and connect again at once: they are held back, and a router beside them notices nothing`, { skip }, async (t) => {
  const cluster = await startCluster(t, {
    lab: { nodes: 1 },
    objects: (lab) => ({
      others: [
        bgpPool(), bgpAdvertisement('all', { ipAddressPools: [BGP_POOL] }), ...bgpService(lab, { name: 'web', vip: WEB }),
        bgpPeer('good', peerSpec('10.77.0.31', ROUTER_ASN)),
        bgpPeer('router', { ...peerSpec('fd77::31', ROUTER_ASN), connectMode: 'active' }),
        ...ADDRESSES.map((address, index) => bgpPeer(NAMES[index] ?? '', { ...peerSpec(address, HOSTILE_ASN), connectMode: 'passive' })),
      ],
    }),
  });
  const { lab } = cluster;
  const gatehouse = cluster.gatehouse(1);
  const host = await addRouterHost(t, lab, 1);
  const node = lab.node(1).addresses;
  const to = (name: string, more: Pick<Neighbor, 'local' | 'remote' | 'families'> & Partial<Neighbor>): Neighbor => ({ name, remoteAsn: OWN_ASN, ...more });
  const bird = await startRouter(t, 'bird', host, {
    asn: ROUTER_ASN, routerId: '10.77.0.31',
    neighbors: [
      to('good', { local: '10.77.0.31', remote: node.ipv4, families: ['ipv4'] }),
      to('router', { local: 'fd77::31', remote: node.ipv6, families: ['ipv6'], passive: true }),
    ],
  });
  const birdc = (...words: readonly string[]) => host.namespace.exec('birdc', ['-s', join(host.folder, 'bird.ctl'), ...words]);
  await allEstablished(gatehouse, ['good', 'router']);
  await until('BIRD has the route', async () => (await bird.routes('good')).length === 1);
  const { incarnation } = await bird.session('good');
  const announcer = await gatehouse.pid('announcer');
  const descriptors = descriptorsOf(announcer);
  const flappers = await startFlappers(t, await addRouterHost(t, lab, 2), { addresses: ADDRESSES, remote: node.ipv4, kinds: KINDS });
  const allStay = until('all flappers stay', () => flappers.every((flapper) => flapper().stays), LIMIT_MS);
  const watched = watchRoutes(bird, allStay);
  // Told where it is waited for.
  watched.catch(() => {});

  await cluster.step('peers that connect again at once are held back, and memory is as before', async (st) => {
    await until('some are lost', () => flappers.reduce((sum, flapper) => sum + flapper().established, 0) >= WARM_LOSSES);
    const [before, startMs] = [costOf(announcer), performance.now()];
    for (let flap = 1; flap <= ROUTER_FLAPS; flap += 1) {
      await birdc('disable', 'to_router');
      await until('the router is missed', async () => (await peerOf(gatehouse, 'router')).state !== 'Established');
      await birdc('enable', 'to_router');
      await until('the router is back', async () => (await peerOf(gatehouse, 'router')).established > flap);
    }
    st.diagnostic(`a router that was disabled and enabled ${ROUTER_FLAPS} times: ${(await peerOf(gatehouse, 'router')).lastError?.text}`);
    await allStay;
    const [after, tookS] = [costOf(announcer), (performance.now() - startMs) / 1_000];
    st.diagnostic(`sessions and connections of each: ${flappers.map((flapper) => `${flapper().established} of ${flapper().connects}`).join(', ')}`);
    st.diagnostic(`CPU of the announcer: ${((100 * (after.cpuS - before.cpuS)) / tookS).toFixed(1)} % of a core for ${tookS.toFixed(1)} s`);
    st.diagnostic(`its memory: ${before.residentBytes >> 20} MiB after ${WARM_LOSSES} losses, ${after.residentBytes >> 20} MiB at the end`);
    assert.ok(after.residentBytes - before.residentBytes < MAX_GROWTH_BYTES);
    await until('no descriptor is left over', () => descriptorsOf(announcer) === descriptors + FLAPPERS);
  });

  await cluster.step('the other session is the same, and had its route whenever it was looked at', async (st) => {
    st.diagnostic(`looked at ${await watched} times`);
    assert.equal((await bird.session('good')).incarnation, incarnation);
    assert.equal(await gatehouse.pid('announcer'), announcer);
  });

  await cluster.step('the log tells of each end with its reason, and of nothing more', () => {
    for (const name of NAMES) {
      const lines = gatehouse.log.filter(({ peer }) => peer === `default/${name}`);
      const ends = lines.filter(({ up }) => up === false).map(({ reason }) => String(reason));
      assert.equal(ends.length, FLAPS);
      for (const [index, kind] of KINDS.entries()) assert.match(ends[index] ?? '', FLAP_REASONS[kind]);
      const others = lines.filter(({ type }) => type !== 'bgpPeer');
      assert.equal(lines.length - others.length, 2 * FLAPS + 1);
      // What a flapper gives up for want of an answer may be answered in that very moment: then it is a connection that ends too soon.
      const isGivenUp = ({ reason }: (typeof lines)[number]) => String(reason).startsWith("the connection was closed before the peer's OPEN");
      assert.deepEqual(others.filter((line) => !isGivenUp(line)).map(({ message }) => message), ['a peer connects too often; most of it gets no answer']);
    }
    return Promise.resolve();
  });

  await cluster.step('views tell how often, and what was last', async (st) => {
    for (const name of NAMES) {
      const { established, lastError, families } = await until('it has its route', async () => {
        const peer = await peerOf(gatehouse, name);
        return peer.established > FLAPS && peer.families[0]?.announced === 1 && peer;
      });
      assert.equal(established, FLAPS + 1);
      assert.equal(families.length, 1);
      assert.match(lastError?.text ?? '', FLAP_REASONS[KINDS.at(-1) ?? 'closed']);
    }
    const text = await lab.node(1).exec(BINARY, ['bgp', 'peers', '--admin', '127.0.0.1:9090']);
    st.diagnostic(text);
    for (const name of [...NAMES, 'good', 'router']) assert.match(text, new RegExp(`^default/${name} .* Established .* 1 ipv`, 'm'));
  });
});

/** Looks at the route of the router again and again until then; answers how often it was there, which is always. */
async function watchRoutes(router: RouterPeer, end: Promise<unknown>): Promise<number> {
  let [looks, isOver] = [0, false];
  const over = end.finally(() => { isOver = true; });
  while (!isOver) {
    assert.equal((await router.routes('good')).length, 1);
    looks += 1;
  }
  await over;
  return looks;
}

function peerSpec(peerAddress: string, peerASN: number) {
  return { myASN: OWN_ASN, peerASN, peerAddress, holdTime: '9s', keepaliveTime: '3s', connectTime: '1s' } as const;
}

/** Of a process until now: what it occupies, and the time that it has run. */
function costOf(pid: number): { readonly residentBytes: number; readonly cpuS: number } {
  const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN;
  // proc_pid_stat(5): fields 14 and 15, in ticks of 10 ms.
  const ticks = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ').slice(13, 15);
  return { residentBytes: Number(resident) * 1024, cpuS: ticks.reduce((sum, each) => sum + Number(each), 0) / 100 };
}

function descriptorsOf(pid: number | 'self'): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => { setImmediate(resolve); });
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
