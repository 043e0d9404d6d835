import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { silentLogger } from '../../core/log/logger.ts';
import { NO_BGP_REPORT, type BgpPeerReport } from '../announcer/bgp/bgpReport.ts';
import { createSessionEventWriter, type SessionEventWriter } from './sessionEventWriter.ts';
import { createManualTime, type ManualTime } from './testing/manualTime.ts';
import { SimulatedApi } from './testing/simulatedApi.ts';
import { inputOf } from './testing/world.ts';

const PEERS = '/apis/gatehouse.dev/v1/namespaces/edge/bgppeers';
const EVENTS = '/api/v1/namespaces/edge/events/';
const TOR = '10.0.0.254';

interface PeerWorld {
  readonly api: SimulatedApi;
  readonly time: ManualTime;
  readonly writer: SessionEventWriter;
  /** Reads all objects anew. */
  readonly look: () => void;
  readonly put: (name?: string, spec?: object) => void;
  readonly up: () => Promise<void>;
  readonly down: (reason?: string) => Promise<void>;
  readonly report: (state: BgpPeerReport['state'], error?: string) => Promise<void>;
  /** `TYPE REASON COUNT MESSAGE` of all Events, in the order they were made. */
  readonly events: () => readonly string[];
}

/** `known`: the BGPPeer edge/tor is there at the first look. */
function createWorld({ known }: { readonly known: boolean }): PeerWorld {
  const api = new SimulatedApi();
  const time = createManualTime();
  const { clock, schedule, wallClock } = time;
  const writer = createSessionEventWriter({ api, nodeName: 'node-a', clock, wallClock, random: () => 0.5, schedule, logger: silentLogger });
  const look = (): void => writer.look(inputOf(api, {}).objects);
  const put = (name = 'tor', spec: object = {}): void => {
    api.put(`${PEERS}/${name}`, {
      apiVersion: 'gatehouse.dev/v1', kind: 'BGPPeer', metadata: { name, namespace: 'edge' }, spec: { myASN: 64_512, peerASN: 64_513, peerAddress: TOR, ...spec },
    });
  };
  const happened = async (up: boolean, reason: string): Promise<void> => {
    writer.happened({ type: 'bgpPeer', peer: 'edge/tor', remote: TOR, up, reason, atMs: wallClock() });
    await time.advance(1);
  };
  if (known) put();
  look();
  if (!known) put();
  look();
  return {
    api, time, writer, look, put,
    up: () => happened(true, 'Established'),
    down: (reason = 'the hold time is over') => happened(false, reason),
    report: async (state, error) => {
      writer.reported({ ...NO_BGP_REPORT, peers: [peerReport(state, error)] });
      await time.advance(1);
    },
    events: () => {
      const found = [...api.objects].filter(([path]) => path.startsWith(EVENTS)).map(([, event]) => event);
      return found.map((event) => [event['type'], event['reason'], event['count'], event['message']].join(' '));
    },
  };
}

function peerReport(state: BgpPeerReport['state'], error?: string): BgpPeerReport {
  const counts = { open: 0, update: 0, notification: 0, keepalive: 0, routeRefresh: 0, octets: 0 };
  return {
    name: 'edge/tor', remote: TOR, port: 179, vrf: null, state, sinceMs: 0, localAddress: null, localAsn: 64_512, remoteAsn: 64_513, routerId: '10.0.0.1',
    remoteRouterId: null, remoteHostName: '', holdTimeMs: null, keepaliveTimeMs: null, capabilities: [], families: [], sent: counts, received: counts,
    prefixesReceived: 0, established: 0, lastError: error === undefined ? null : { atMs: 0, text: error, notification: null }, retryInMs: null, bfd: null,
  };
}

const ESTABLISHED = `Normal SessionEstablished 1 node "node-a": the session with ${TOR} is established`;
const DOWN = `Warning SessionDown 1 node "node-a": the session with ${TOR} is down: the hold time is over`;

suite('a BGP session of this node', () => {
  test('is told of when it comes with a new peer, when it goes, why, and when it comes again', async () => {
    const world = createWorld({ known: false });
    await world.up();
    assert.deepEqual(world.events(), [ESTABLISHED]);
    await world.down();
    assert.deepEqual(world.events(), [ESTABLISHED, DOWN]);
    await world.up();
    assert.deepEqual(world.events(), [ESTABLISHED.replace(' 1 ', ' 2 '), DOWN], 'the same words count the Event up');
    const event = [...world.api.objects].find(([path]) => path.startsWith(EVENTS))?.[1];
    assert.deepEqual(event?.['involvedObject'], {
      apiVersion: 'gatehouse.dev/v1', kind: 'BGPPeer', namespace: 'edge', name: 'tor', uid: world.api.at(`${PEERS}/tor`).metadata.uid, resourceVersion: '101',
    });
    assert.deepEqual(event?.['source'], { component: 'gatehouse-controller', host: 'node-a' });
    assert.deepEqual(world.writer.counts().events, [
      { reason: 'SessionEstablished', outcome: 'written', count: 2 }, { reason: 'SessionDown', outcome: 'written', count: 1 },
    ]);
  });

  test('is no news when it comes after a start, and is when it goes then', async () => {
    const world = createWorld({ known: true });
    await world.up();
    assert.deepEqual(world.events(), []);
    await world.down();
    await world.up();
    assert.deepEqual(world.events(), [DOWN, ESTABLISHED]);
  });

  test('that cannot be begun for a minute is told of once, with the reason', async () => {
    const world = createWorld({ known: true });
    for (let second = 0; second < 120; second += 5) {
      await world.report('Connect', 'connection refused');
      if (second === 50) assert.deepEqual(world.events(), []);
      await world.time.advance(5_000);
    }
    assert.deepEqual(world.events(), [`Warning SessionDown 1 node "node-a": there is no session with ${TOR}: connection refused`]);
    await world.up();
    assert.equal(world.events()[1], ESTABLISHED);
  });

  test('that went without a word, as the announcer did, is told of when it is not there again in a minute', async () => {
    const world = createWorld({ known: true });
    await world.up();
    await world.report('Established');
    await world.report('Active');
    await world.time.advance(30_000);
    await world.up();
    await world.report('Established');
    await world.report('Active');
    await world.time.advance(59_000);
    await world.report('Active');
    assert.deepEqual(world.events(), []);
    await world.time.advance(2_000);
    await world.report('Active');
    assert.deepEqual(world.events(), [`Warning SessionDown 1 node "node-a": there is no session with ${TOR}: nobody has answered or connected`]);
  });

  test('that is not to be, as the peer is shut down, is not missed', async () => {
    const world = createWorld({ known: true });
    world.put('tor', { shutdown: { message: 'maintenance' } });
    world.look();
    await world.report('Idle');
    await world.time.advance(600_000);
    await world.report('Idle');
    assert.deepEqual(world.events(), []);
  });
});

suite('a session that comes and goes all the time', () => {
  test('makes ten Events, then one each five minutes that says how often, and the last word is told', async () => {
    const world = createWorld({ known: true });
    await world.up();
    for (let flap = 0; flap < 100; flap += 1) {
      await world.down(`the peer has closed it, ${flap}`);
      await world.up();
    }
    assert.equal(world.api.log.length, 10);
    await world.time.advance(299_000);
    assert.equal(world.api.log.length, 10);
    await world.time.advance(2_000);
    assert.equal(world.api.log.length, 11);
    assert.equal(
      world.events().at(-1),
      `Normal SessionEstablished 1 node "node-a": the session with ${TOR} is established again; it was lost 95 times since the last Event: the peer has closed it, 99`,
    );
    for (const reason of ['a', 'b']) {
      await world.up();
      await world.down(reason);
    }
    await world.time.advance(301_000);
    assert.match(world.events().at(-1) ?? '', /is down: b \(lost 2 times since the last Event\)$/);
    await world.time.advance(3_600_000);
    assert.equal(world.api.log.length, 12, 'nothing has happened since');
    assert.equal(world.time.timers, 0);
  });

  test('has its share of Events again after a calm hour', async () => {
    const world = createWorld({ known: true });
    for (let flap = 0; flap < 20; flap += 1) {
      await world.up();
      await world.down();
    }
    await world.time.advance(3_600_000);
    const before = world.api.log.length;
    await world.up();
    await world.down();
    assert.equal(world.api.log.length, before + 2);
  });
});

test('a BGPPeer that is gone has no Events, and one that comes in its place is a new one', async () => {
  const world = createWorld({ known: true });
  await world.up();
  world.api.objects.delete(`${PEERS}/tor`);
  world.look();
  await world.down('the peer is no longer configured');
  assert.deepEqual(world.events(), []);
  world.put();
  world.look();
  await world.up();
  assert.deepEqual(world.events(), [ESTABLISHED]);
});

test('a BGPPeer of MetalLB is named as what it is', async () => {
  const world = createWorld({ known: true });
  world.api.objects.delete(`${PEERS}/tor`);
  const metadata = { name: 'tor', namespace: 'edge' };
  world.api.put('/apis/metallb.io/v1beta2/namespaces/edge/bgppeers/tor', {
    apiVersion: 'metallb.io/v1beta2', kind: 'BGPPeer', metadata, spec: { myASN: 64_512, peerASN: 64_513, peerAddress: TOR },
  });
  world.look();
  await world.up();
  const event = [...world.api.objects].find(([path]) => path.startsWith(EVENTS))?.[1];
  assert.equal((event?.['involvedObject'] as { readonly apiVersion?: string } | undefined)?.apiVersion, 'metallb.io/v1beta2');
});

test('once it is stopped nothing more is told', async () => {
  const world = createWorld({ known: false });
  await world.writer.stop();
  await world.up();
  await world.time.advance(600_000);
  assert.deepEqual(world.api.log, []);
});
