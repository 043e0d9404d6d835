import type { Link } from '../../parts.ts';
import type { RouteAnnouncement, RouteVip, WantedPeer, WantedRoute } from '../bgpWanted.ts';
import type { Negotiated } from '../session/sessionEvents.ts';

/** A peer of another AS over IPv4, as translation makes it of the least BGPPeer. */
export const PEER: WantedPeer = {
  name: 'default/tor', localAsn: 64_512, remoteAsn: { type: 'number', asn: 64_513 }, remote: { type: 'address', address: '127.0.0.1' }, port: 179,
  sourceAddress: null, vrf: null, routerId: '10.0.0.1', connect: 'active', delayOpenMs: 0, holdTimeMs: 90_000, keepaliveTimeMs: 30_000,
  connectTimeMs: 120_000, authentication: null, ttl: 1, minimumTtl: null, families: ['ipv4'], gracefulRestart: null, addPathSend: 0, role: null,
  bfd: null, shutdown: null,
};

/** A session with it. */
export const NEGOTIATED: Negotiated = {
  internal: false, localAsn: 64_512, remoteAsn: 64_513, remoteRouterId: '10.0.0.2', ends: { localAddress: '10.0.0.1', remoteAddress: '10.0.0.254' },
  holdTimeMs: 90_000, families: ['ipv4'], fourOctetAsn: true, extendedMessages: false, routeRefresh: true,
  enhancedRouteRefresh: false, addPathSend: [], extendedNextHop: false, gracefulRestart: null, longLivedGracefulRestart: [], remoteCapabilities: [],
  remoteHostName: '',
};

/** How routes are announced to it. */
export const ANNOUNCEMENT: RouteAnnouncement = {
  peers: [PEER.name], localPref: null, med: null, communities: [], largeCommunities: [], asPathPrepend: 0, linkBandwidth: null,
};

/** A VIP that nothing stands in the way of. */
export function vipOf(address: string, changes: Partial<RouteVip> = {}): RouteVip {
  return { address, endpoints: 'ready', needsProxy: false, needsKernel: false, draining: false, services: ['default/web'], ...changes };
}

/** The route of one VIP. */
export function routeOf(address: string, changes: Partial<WantedRoute> = {}): WantedRoute {
  const isIPv6 = address.includes(':');
  return {
    prefix: `${address}/${isIPv6 ? 128 : 32}`, family: isIPv6 ? 'ipv6' : 'ipv4', vips: [vipOf(address)], announcements: [ANNOUNCEMENT], otherNodes: [], ...changes,
  };
}

/** An interface with these addresses. */
export function linkOf(name: string, ...addresses: readonly string[]): Link {
  return {
    index: 2, name, mac: '02:00:00:00:00:01', up: true, loopback: false, noArp: false, broadcast: true, master: null, kind: 'veth',
    addresses: addresses.map((address) => ({ address, prefixLength: 24, usable: true })),
  };
}
