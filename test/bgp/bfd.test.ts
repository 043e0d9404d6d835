import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { describe, test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { BfdSettings } from '../../controller/announcer/bfd/bfdSettings.ts';
import type { BfdEndpoint } from '../../controller/announcer/bfd/bfdSpeaker.ts';
import { encodeControlPacket } from '../../controller/announcer/bfd/controlPacket.ts';
import { lacks } from '../support/requirement.ts';
import { until } from '../support/until.ts';
import {
  FAR_NODE, FAR_ROUTER, FAST, lacksBfdPeer, NODE, ROUTER, startBfdPeer, startCable, type BfdPeer, type BfdPeerKind, type Cable, type PeerSession,
} from './bfdPeers.ts';
import { watchStalls } from './lab/machineStalls.ts';
import { startBfdSpeaker, type BfdSpeakerProcess } from './bfdSpeakerProcess.ts';

const SETTINGS: BfdSettings = { ...FAST, echoIntervalMs: null, echoReceiveIntervalMs: 50, passive: false, hops: { type: 'single' } };
/** BIRD sends multihop packets with the system's usual TTL, 64. */
const MULTIHOP: BfdSettings = { ...SETTINGS, hops: { type: 'multihop', minimumTtl: 60 } };

/**
 * A stall of 100 ms ends a session with a Detection Time of 150 ms when it begins 50 ms after a packet, and a shorter one where both ends
 * have theirs.
 */
const EXCUSING_STALL_MS = 75;

/** Single hop and multihop, both families. */
const ENDPOINTS: readonly BfdEndpoint[] = (['IPv4', 'IPv6'] as const).flatMap((family) => [
  { name: `single ${family}`, localAddress: NODE[family], remoteAddress: ROUTER[family], interface: 'eth0', vrf: null, settings: SETTINGS },
  { name: `multihop ${family}`, localAddress: FAR_NODE[family], remoteAddress: FAR_ROUTER[family], interface: null, vrf: null, settings: MULTIHOP },
]);

const NAMES = ENDPOINTS.map(({ name }) => name);
const withSettings = (settings: Partial<BfdSettings>): readonly BfdEndpoint[] =>
  ENDPOINTS.map((endpoint) => ({ ...endpoint, settings: { ...endpoint.settings, ...settings } }));
const mirrored = ({ localAddress, remoteAddress, settings }: BfdEndpoint): PeerSession =>
  ({ local: remoteAddress, remote: localAddress, multihop: settings.hops.type === 'multihop' });

interface Running {
  readonly cable: Cable;
  readonly peer: BfdPeer;
  readonly speaker: BfdSpeakerProcess;
}

/** Both ends, every session up as negotiated. */
async function startUp(t: TestContext, kind: BfdPeerKind, endpoints: readonly BfdEndpoint[] = ENDPOINTS): Promise<Running> {
  const cable = await startCable(t);
  const peer = await startBfdPeer(kind, cable, endpoints.map(mirrored));
  const speaker = await startBfdSpeaker(t, cable.node);
  await speaker.setSessions(endpoints);
  for (const { name } of endpoints) {
    await speaker.untilReport(name, 'up at 3 x 50 ms', ({ state, remoteState, transmitIntervalMs, receiveIntervalMs, detectionTimeMs }) =>
      state === 'Up' && remoteState === 'Up' && transmitIntervalMs === 50 && receiveIntervalMs === 50 && detectionTimeMs === 150);
  }
  return { cable, peer, speaker };
}

const peerSays = async (peer: BfdPeer, remote: string, state: RegExp): Promise<void> => {
  let last = '';
  await until(`the peer's state of ${remote} is ${state.source}`, async () => {
    last = await peer.state(remote);
    return state.test(last);
  }, 10_000).catch((error: unknown) => { throw new Error(`${String(error)}; last: ${last}`); });
};

/** Keeps threads of this process busy until the test ends. */
function burn(t: TestContext, threads: number): void {
  for (let count = 0; count < threads; count += 1) {
    const worker = new Worker('for (;;) JSON.parse(JSON.stringify({ a: [1, 2, 3] }));', { eval: true });
    t.after(() => worker.terminate());
  }
}

for (const kind of ['bird', 'frr'] satisfies BfdPeerKind[]) {
  const skip = lacksBfdPeer(kind);

  test(`${kind}: single hop and multihop, IPv4 and IPv6, come up at 3 x 50 ms, follow new timers of either end without a flap, and end with AdminDown`,
    { skip }, async (t) => {
      const { peer, speaker } = await startUp(t, kind);
      for (const { localAddress } of ENDPOINTS) assert.equal(await peer.state(localAddress), 'up');
      await speaker.setSessions(withSettings({ transmitIntervalMs: 200, receiveIntervalMs: 120, detectMultiplier: 4 }));
      for (const name of NAMES) {
        await speaker.untilReport(name, 'slower', ({ transmitIntervalMs, receiveIntervalMs }) => transmitIntervalMs === 200 && receiveIntervalMs === 120);
      }
      await peer.setTimers({ receiveIntervalMs: 300, transmitIntervalMs: 150, detectMultiplier: 5 });
      for (const name of NAMES) {
        const { detectionTimeMs, downs } = await speaker.untilReport(name, 'slower still', ({ transmitIntervalMs, receiveIntervalMs, detectionTimeMs: timeMs }) =>
          transmitIntervalMs === 300 && receiveIntervalMs === 150 && timeMs === 750);
        assert.deepEqual([detectionTimeMs, downs], [750, 0]);
      }
      await speaker.setSessions(ENDPOINTS.slice(1));
      await peerSays(peer, NODE.IPv4, /down|^$/);
      for (const { localAddress } of ENDPOINTS.slice(1)) assert.equal(await peer.state(localAddress), 'up');
      await speaker.stop();
      for (const { localAddress } of ENDPOINTS) await peerSays(peer, localAddress, /down|^$/);
    });

  test(`${kind}: its sudden death is seen${kind === 'bird' ? ', and its return' : ''}`, { skip }, async (t) => {
    const { cable, peer, speaker } = await startUp(t, kind);
    const killedMs = Date.now();
    await peer.kill();
    for (const name of NAMES) {
      const report = await speaker.untilReport(name, 'down', ({ state }) => state !== 'Up');
      assert.equal(report.diagnostic, 'Control Detection Time Expired');
      assert.equal(report.downs, 1);
    }
    const seen = speaker.events.flatMap((event) => event.type === 'changed' && event.news.state === 'Down' && event.atMs >= killedMs ? [event.atMs - killedMs] : []);
    t.diagnostic(`seen ${seen.join(', ')} ms after SIGKILL was asked for, detection time 150 ms`);
    if (kind === 'frr') return;
    await startBfdPeer(kind, cable, ENDPOINTS.map(mirrored));
    for (const name of NAMES) await speaker.untilReport(name, 'up again', ({ state }) => state === 'Up');
  });
}

test('under load and with a busy main thread no session at 3 x 50 ms flaps', { skip: lacksBfdPeer('bird') || lacks('cyclictest') }, async (t) => {
  const { speaker } = await startUp(t, 'bird');
  // More than there are processors: what the thread waits for must not wait for its turn.
  burn(t, 2 * availableParallelism());
  const flapsDuring = async (work: () => Promise<void>): Promise<number> => {
    const count = async (): Promise<number> => {
      const reports = await Promise.all(NAMES.map((name) => speaker.untilReport(name, 'up', ({ state }) => state === 'Up')));
      t.diagnostic(reports.map(({ name, sent, received }) => `${name}: ${sent} sent, ${received} received`).join('; '));
      return reports.reduce((sum, { downs }) => sum + downs, 0);
    };
    const before = await count();
    await work();
    return await count() - before;
  };
  for (let attempt = 1; ; attempt += 1) {
    const machine = await watchStalls(t);
    // Its main thread does nothing else for that long, twice.
    const flaps = await flapsDuring(async () => { for (let count = 0; count < 2; count += 1) await speaker.block(4_500); });
    const stallMs = await machine.longestMs();
    t.diagnostic(`attempt ${attempt}: ${flaps} flaps; the machine itself stood still for ${stallMs.toFixed(1)} ms at most`);
    if (flaps === 0) return;
    // Its hypervisor takes processors away: a session whose end does not run for that long flaps rightly.
    assert.ok(stallMs > EXCUSING_STALL_MS && attempt < 3, JSON.stringify(speaker.events));
  }
});

describe('each in namespaces of its own', { concurrency: true }, () => {
  test('frr: its AdminDown is told as such', { skip: lacksBfdPeer('frr') }, async (t) => {
    const { peer, speaker } = await startUp(t, 'frr', ENDPOINTS.slice(0, 1));
    await peer.shutDown(NODE.IPv4);
    const report = await speaker.untilReport('single IPv4', 'AdminDown', ({ remoteState }) => remoteState === 'AdminDown');
    assert.equal(report.state, 'Down');
  });

  test('frr: echo packets come back by its forwarding, and their absence is seen while it is well otherwise', { skip: lacksBfdPeer('frr') }, async (t) => {
    const cable = await startCable(t);
    const forward = (on: 0 | 1) => cable.router.exec('sysctl', ['-qw', `net.ipv4.ip_forward=${on}`]);
    await forward(1);
    const [plain] = ENDPOINTS;
    assert.ok(plain !== undefined);
    const endpoint: BfdEndpoint = { ...plain, settings: { ...SETTINGS, echoIntervalMs: 40 } };
    await startBfdPeer('frr', cable, [mirrored(endpoint)]);
    const speaker = await startBfdSpeaker(t, cable.node);
    await speaker.setSessions([endpoint]);
    // No more often than FRR can stand by its own account.
    const up = await speaker.untilReport(endpoint.name, 'echo', ({ state, echoIntervalMs }) => state === 'Up' && echoIntervalMs === 50);
    await speaker.untilReport(endpoint.name, 'many packets later', ({ received }) => received >= up.received + 40);
    assert.equal((await speaker.report(endpoint.name)).downs, 0);
    await forward(0);
    await until('the echo function fails', () => speaker.events.some((event) => event.type === 'changed' && event.news.why.includes('echo packets')));
    await speaker.setSessions([plain]);
    await speaker.untilReport(endpoint.name, 'up without echo', ({ state, echoIntervalMs }) => state === 'Up' && echoIntervalMs === null);
  });

  test('a cut cable is seen, and a session returns with it', { skip: lacksBfdPeer('bird') }, async (t) => {
    const { cable, speaker } = await startUp(t, 'bird');
    await cable.router.exec('ip', ['link', 'set', 'eth0', 'down']);
    for (const name of NAMES) await speaker.untilReport(name, 'down', ({ state }) => state === 'Down');
    await cable.router.exec('ip', ['link', 'set', 'eth0', 'up']);
    await speaker.untilReport('single IPv4', 'up again', ({ state }) => state === 'Up');
  });

  test('a main thread that is stuck is not spoken for, and is once it runs again', { skip: lacksBfdPeer('bird') }, async (t) => {
    const { peer, speaker } = await startUp(t, 'bird', ENDPOINTS.slice(0, 1));
    // Three seconds longer than it takes to be called stuck: so long the peer can be seen to have missed it.
    const blocked = speaker.block(8_000);
    await peerSays(peer, NODE.IPv4, /down/);
    await blocked;
    // How often is another matter: whether a machine that does much else takes it down once more is asked under load, above, beside a watch over the machine.
    await speaker.untilReport('single IPv4', 'up again', ({ state, downs }) => state === 'Up' && downs >= 1);
  });

  test('link-local addresses and a passive side', { skip: lacksBfdPeer('bird') }, async (t) => {
    const cable = await startCable(t);
    const [own, theirs] = ['fe80::97:1', 'fe80::97:2'] as const;
    await cable.node.exec('ip', ['address', 'add', `${own}/64`, 'dev', 'eth0', 'nodad']);
    await cable.router.exec('ip', ['address', 'add', `${theirs}/64`, 'dev', 'eth0', 'nodad']);
    const endpoint: BfdEndpoint = {
      name: 'link-local', localAddress: own, remoteAddress: theirs, interface: 'eth0', vrf: null, settings: { ...SETTINGS, passive: true },
    };
    const speaker = await startBfdSpeaker(t, cable.node);
    await speaker.setSessions([endpoint]);
    assert.equal((await speaker.report('link-local')).sent, 0);
    await startBfdPeer('bird', cable, [mirrored(endpoint)]);
    await speaker.untilReport('link-local', 'up', ({ state }) => state === 'Up');
  });

  test('a forged packet that a router has passed on changes nothing', { skip: lacksBfdPeer('bird') }, async (t) => {
    const { cable, speaker } = await startUp(t, 'bird', ENDPOINTS.slice(0, 2));
    const forge = async (destination: string, port: number, source: string, ttl: number): Promise<void> => {
      const octets = encodeControlPacket({
        diagnostic: 0, state: 'AdminDown', poll: false, final: false, controlPlaneIndependent: false, authenticated: false, demand: false,
        detectMultiplier: 3, myDiscriminator: 1, yourDiscriminator: 0, desiredMinTxUs: 1, requiredMinRxUs: 1, requiredMinEchoRxUs: 0,
      });
      await cable.router.exec(process.execPath, ['-e', `
        const socket = require('node:dgram').createSocket('udp4');
        socket.bind(0, '${source}', () => {
          socket.setTTL(${ttl});
          socket.send(Buffer.from('${octets.toString('hex')}', 'hex'), ${port}, '${destination}', () => socket.close());
        });`]);
    };
    await forge(NODE.IPv4, 3784, ROUTER.IPv4, 254);
    await forge(FAR_NODE.IPv4, 4784, FAR_ROUTER.IPv4, 59);
    await speaker.untilReport('multihop IPv4', 'one dropped', ({ dropped }) => dropped === 1);
    for (const name of ['single IPv4', 'multihop IPv4']) assert.equal((await speaker.report(name)).downs, 0);
    // The same with the right TTL is believed: so it was the TTL that mattered.
    await forge(NODE.IPv4, 3784, ROUTER.IPv4, 255);
    await speaker.untilReport('single IPv4', 'one down', ({ downs }) => downs === 1);
  });

  test('a port that another program has is named, and used once it is free', { skip: lacksBfdPeer('bird') }, async (t) => {
    const cable = await startCable(t);
    const squatter = await startBfdSpeaker(t, cable.node);
    await squatter.setSessions(ENDPOINTS.slice(0, 1));
    const speaker = await startBfdSpeaker(t, cable.node);
    await speaker.setSessions(ENDPOINTS.slice(0, 1));
    const logged = (pattern: RegExp) => speaker.events.some((event) => event.type === 'log' && pattern.test(`${event.message} ${event.fields}`));
    await until('the fault is logged', () => logged(/cannot be used .*UDP port 3784, IPv4.*EADDRINUSE/s));
    await squatter.stop();
    await until('its end is logged', () => logged(/can be used again .*UDP port 3784/s));
  });
});
