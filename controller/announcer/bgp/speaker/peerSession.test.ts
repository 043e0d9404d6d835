import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { silentLogger } from '../../../../core/log/logger.ts';
import { seededRandom, testSeed } from '../../../../core/testing/seededRandom.ts';
import { encodeMessage } from '../codec/codec.ts';
import { PLAIN_CODEC, type BgpMessage, type CodecOptions } from '../codec/message.ts';
import { PLAIN_ATTRIBUTES } from '../codec/testing/codecOptions.ts';
import type { OutRoutes } from '../routes/outRoute.ts';
import { attributesOf, routerTable, type RouterTable } from '../routes/testing/routerTable.ts';
import type { ConnectionEvents } from '../transport/transport.ts';
import { PeerSession } from './peerSession.ts';
import { wantedPeer } from './testing/speakerFacts.ts';

const CODEC: CodecOptions = { ...PLAIN_CODEC, fourOctetAsn: true };
const ENDS = { localAddress: '127.0.0.21', remoteAddress: '127.0.0.31' };

/** A router without sockets, which takes as many messages at once as the test lets it. */
interface PlayedRouter {
  readonly session: PeerSession;
  table: RouterTable;
  /** Messages that it takes before it says that it takes no more. */
  room: number;
  isConnected(): boolean;
  say(message: BgpMessage): void;
  /** It reads what has waited. */
  read(room: number): void;
  /** The connection breaks off. */
  breakOff(): void;
  /** All that goes on by itself is over, and pauses too. */
  settle(): Promise<void>;
}

/** A connection as the router sees it. */
interface PlayedConnection {
  readonly events: ConnectionEvents;
  /** Messages since it last read. */
  taken: number;
  isOpen: boolean;
}

function playRouter(t: TestContext, wanted: () => OutRoutes, isReady = () => true): PlayedRouter {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 0;
  let connection = null as PlayedConnection | null;
  const session: PeerSession = new PeerSession({
    peer: wantedPeer('net/tor', { connectTimeMs: 1_000 }), hostName: 'node-1', restarting: false, now: () => ({ monotonicMs: nowMs, wallMs: nowMs }), random: () => 0,
    logger: silentLogger, established: () => { if (isReady()) session.want(wanted()); }, event: () => {}, changed: () => {},
    transport: {
      accept: () => [], refused: () => 0, stop: () => {},
      connect: (_peer, events) => {
        const made: PlayedConnection = { events, taken: 0, isOpen: true };
        connection = made;
        router.table = routerTable(CODEC);
        setImmediate(() => {
          events.connected(ENDS);
          router.say({ type: 'open', asn: 64500, holdTimeS: 90, routerId: '127.0.0.31', capabilities: [{ type: 'fourOctetAsn', asn: 64500 }, { type: 'routeRefresh' }] });
          router.say({ type: 'keepalive' });
        });
        return { send: (octets) => take(made, octets), close: () => end(made), destroy: () => end(made) };
      },
    },
  });
  const end = (open: PlayedConnection): void => {
    if (!open.isOpen) return;
    open.isOpen = false;
    setImmediate(() => open.events.closed('it broke off'));
  };
  const take = (open: PlayedConnection, octets: Uint8Array): boolean => {
    if (octets[18] === 2) router.table.take({ type: 'update', octets, messages: 1 });
    open.taken += 1;
    return open.taken < router.room;
  };
  const router: PlayedRouter = {
    session, table: routerTable(CODEC), room: Number.POSITIVE_INFINITY,
    isConnected: () => connection?.isOpen === true,
    say: (message) => { if (connection?.isOpen === true) connection.events.octets(encodeMessage(message, PLAIN_CODEC)); },
    read: (room) => {
      router.room = room;
      if (connection !== null) connection.taken = 0;
      if (connection?.isOpen === true) connection.events.writable(true);
    },
    breakOff: () => { if (connection !== null) end(connection); },
    settle: async () => {
      for (let turn = 0; turn < 40; turn += 1) {
        nowMs += 100;
        t.mock.timers.tick(100);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
  t.after(() => session.abandon());
  return router;
}

function routesOf(...entries: readonly (readonly [prefix: string, med: number])[]): OutRoutes {
  return new Map(entries.map(([prefix, med]) => [`${prefix} 0`, { family: 'ipv4', prefix, pathId: 0, attributes: { ...PLAIN_ATTRIBUTES, med } }]));
}

test('a peer that asks for all routes again and again is given them once a second', async (t) => {
  const router = playRouter(t, () => routesOf(['192.0.2.1/32', 1], ['192.0.2.2/32', 1]));
  router.session.start();
  await router.settle();
  assert.equal(router.table.announced, 2);
  for (let asked = 0; asked < 20; asked += 1) {
    router.say({ type: 'routeRefresh', family: 'ipv4', subtype: 'request' });
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(router.table.announced, 4);
  // The last of them is not forgotten.
  await router.settle();
  assert.equal(router.table.announced, 6);
});

test('a peer that flaps, reads slowly and asks again has in the end what is wanted, whatever came in between', async (t) => {
  const seed = testSeed();
  t.diagnostic(`GATEHOUSE_SEED=${seed}`);
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  let wanted = routesOf();
  const router = playRouter(t, () => wanted);
  router.session.start();
  const deeds: readonly (() => void)[] = [
    () => {
      wanted = routesOf(...Array.from({ length: below(30) }, () => [`10.0.0.${below(40)}/32`, below(10)] as const));
      if (router.session.negotiated() !== null) router.session.want(wanted);
    },
    () => router.say({ type: 'routeRefresh', family: 'ipv4', subtype: 'request' }),
    () => router.read(1 + below(4)),
    () => { if (random() < 0.3) router.breakOff(); },
    () => { if (random() < 0.3) router.say({ type: 'notification', code: 6, subcode: 4, data: new Uint8Array(0) }); },
  ];
  for (let turn = 0; turn < 300; turn += 1) {
    deeds[below(deeds.length)]?.();
    if (random() < 0.5) await new Promise((resolve) => setImmediate(resolve));
    if (random() < 0.1) await router.settle();
  }
  router.read(Number.POSITIVE_INFINITY);
  await router.settle();
  await router.settle();
  assert.ok(router.isConnected(), `GATEHOUSE_SEED=${seed}`);
  assert.deepEqual(router.table.paths, attributesOf(wanted), `GATEHOUSE_SEED=${seed}`);
  assert.deepEqual([...new Set(router.table.marks)], ['end-of-rib ipv4']);
});

test('End-of-RIB waits until it was said what the peer is to have', async (t) => {
  let isReady = false;
  const router = playRouter(t, () => routesOf(['192.0.2.1/32', 1]), () => isReady);
  router.session.start();
  await router.settle();
  assert.deepEqual([router.session.negotiated() !== null, router.table.marks], [true, []]);
  isReady = true;
  router.session.want(routesOf(['192.0.2.1/32', 1]));
  await router.settle();
  assert.deepEqual([router.table.paths.size, router.table.marks], [1, ['end-of-rib ipv4']]);
});
