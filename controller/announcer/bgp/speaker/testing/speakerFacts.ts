import type { TestContext } from 'node:test';
import { silentLogger } from '../../../../../core/log/logger.ts';
import { systemClock } from '../../../../../core/time/clock.ts';
import type { BfdEndpoint, BfdSpeaker, BfdSpeakerEvents } from '../../../bfd/bfdSpeaker.ts';
import type { Link } from '../../../parts.ts';
import type { BgpPeerEvent } from '../../bgpReport.ts';
import type { BgpSpeaker } from '../../bgpSpeaker.ts';
import type { BgpWanted, RouteVip, WantedPeer, WantedRoute } from '../../bgpWanted.ts';
import { createBgpTransport, type ListeningBgpTransport } from '../../transport/bgpTransport.ts';
import { createBgpSpeaker } from '../createBgpSpeaker.ts';

/** Where the speaker of a test is. */
export const NODE_ADDRESS = '127.0.0.21';

/** A peer of AS 64500 at an address of the loopback. */
export function wantedPeer(name: string, rest: Partial<WantedPeer> = {}): WantedPeer {
  return {
    name, localAsn: 64512, remoteAsn: { type: 'number', asn: 64500 }, remote: { type: 'address', address: '127.0.0.31' }, port: 179,
    sourceAddress: NODE_ADDRESS, vrf: null, routerId: NODE_ADDRESS, connect: 'active', delayOpenMs: 0, holdTimeMs: 90_000, keepaliveTimeMs: 30_000,
    connectTimeMs: 1_000, authentication: null, ttl: 1, minimumTtl: null, families: ['ipv4'], gracefulRestart: null, addPathSend: 0, role: null,
    bfd: null, shutdown: null, ...rest,
  };
}

/** A route that stands for its one address, to these peers. */
export function wantedRoute(address: string, peers: readonly string[], vip: Partial<RouteVip> = {}): WantedRoute {
  return {
    prefix: `${address}/32`, family: 'ipv4', otherNodes: [],
    vips: [{ address, endpoints: 'ready', needsProxy: false, needsKernel: false, draining: false, services: ['default/web'], ...vip }],
    announcements: [{
      peers, localPref: null, med: null, communities: [], largeCommunities: [], asPathPrepend: 0, linkBandwidth: null,
    }],
  };
}

export function bgpWanted(peers: readonly WantedPeer[], routes: readonly WantedRoute[] = []): BgpWanted {
  return { peers: new Map(peers.map((peer) => [peer.name, peer])), routes: new Map(routes.map((route) => [route.prefix, route])) };
}

const LOOPBACK: Link = {
  index: 1, name: 'lo', mac: '', up: true, loopback: true, noArp: true, broadcast: false, master: null, kind: '',
  addresses: [{ address: NODE_ADDRESS, prefixLength: 8, usable: true }],
};

/** A speaker over the loopback, with a BFD that is played by the test; it ends with the test. */
export interface TestSpeaker {
  readonly speaker: BgpSpeaker;
  readonly events: BgpPeerEvent[];
  readonly transport: () => ListeningBgpTransport;
  /** `ended` is resolved as soon as there are no sessions. */
  readonly bfd: { sessions: readonly BfdEndpoint[]; tell: BfdSpeakerEvents['changed']; ended: PromiseWithResolvers<void> };
}

export async function startTestSpeaker(t: TestContext, options: { readonly restarting?: boolean } = {}): Promise<TestSpeaker> {
  const events: BgpPeerEvent[] = [];
  const made: ListeningBgpTransport[] = [];
  const bfd: TestSpeaker['bfd'] = { sessions: [], tell: () => {}, ended: Promise.withResolvers() };
  const speaker = createBgpSpeaker({
    nodeName: 'node-1', restarting: options.restarting ?? false, logger: silentLogger,
    events: { changed: () => {}, peer: (event) => events.push(event) },
    createTransport: (transportEvents, links) => {
      const transport = createBgpTransport({ events: transportEvents, links, logger: silentLogger, listenPort: 0 });
      made.push(transport);
      return transport;
    },
    createBfd: (bfdEvents) => {
      bfd.tell = bfdEvents.changed;
      return playedBfd(bfd);
    },
    clock: systemClock, wallClock: { now: () => Date.now() }, random: Math.random,
  });
  t.after(() => speaker.abandon());
  await speaker.start();
  speaker.linksChanged([LOOPBACK]);
  const transport = (): ListeningBgpTransport => {
    const [first] = made;
    if (first === undefined) throw new Error('the speaker has no transport');
    return first;
  };
  return { speaker, events, transport, bfd };
}

function playedBfd(bfd: TestSpeaker['bfd']): BfdSpeaker {
  return {
    start: () => Promise.resolve(),
    setSessions: (sessions) => {
      bfd.sessions = sessions;
      if (sessions.length === 0) bfd.ended.resolve();
    },
    reports: () => Promise.resolve(new Map()),
    stop: () => Promise.resolve(),
  };
}
