import { isIP } from 'node:net';

import type { WantedPeer } from '../bgpWanted.ts';
import type { Capability, OpenMessage } from '../codec/message.ts';
import { MAX_TWO_OCTET_ASN } from '../codec/open.ts';
import { roleNumber } from './roles.ts';
import type { ConnectionEnds, SessionOptions } from './sessionEvents.ts';

/**
 * How much is offered. Peers that refuse what they do not know (NOTIFICATION 2/4 or 2/7) are offered less: `essential` are families and
 * AS numbers of four octets, `none` is RFC 4271 alone (RFC 5492 section 3).
 */
export type OfferLevel = 'all' | 'essential' | 'none';

/** Restart Time has 12 bits (RFC 4724 section 3). */
const MAX_RESTART_TIME_S = 0xfff;
/** Long-lived Stale Time has 24 bits (RFC 9494 section 4.2). */
const MAX_STALE_TIME_S = 0xff_ffff;
/** Hold Time has 16 bits, and is not 1 or 2 (RFC 4271 section 4.2). */
const MAX_HOLD_TIME_S = 0xffff;
const LEAST_HOLD_TIME_S = 3;
/** A longer host name is left out: with it the capabilities might need the extended form of RFC 9072, which few peers read. Ours. */
const MAX_HOST_NAME_OCTETS = 64;

/** The level to try after this one was refused: less and less, then all again. */
export function nextOfferLevel(level: OfferLevel, peer: WantedPeer): OfferLevel {
  if (level === 'all') return 'essential';
  const isPlainEnough = peer.families.includes('ipv4') && peer.localAsn <= MAX_TWO_OCTET_ASN;
  return level === 'essential' && isPlainEnough ? 'none' : 'all';
}

/** The OPEN that is sent. `restarting`: this announcer carries on what another announced (RFC 4724). */
export function openOffer(options: SessionOptions, ends: ConnectionEnds, now: { readonly level: OfferLevel; readonly restarting: boolean }): OpenMessage {
  const { peer } = options;
  return {
    type: 'open',
    asn: peer.localAsn,
    holdTimeS: offeredHoldTimeS(peer.holdTimeMs),
    routerId: peer.routerId,
    capabilities: [
      ...(now.level === 'none' ? [] : essentialCapabilities(peer)),
      ...(now.level === 'all' ? optionalCapabilities(options, ends, now.restarting) : []),
    ],
  };
}

/** Whole seconds, never one of those that are forbidden: what is under 3 s becomes 3 s, and 0 stays. */
function offeredHoldTimeS(holdTimeMs: number): number {
  if (holdTimeMs === 0) return 0;
  return Math.min(MAX_HOLD_TIME_S, Math.max(LEAST_HOLD_TIME_S, Math.floor(holdTimeMs / 1_000)));
}

function essentialCapabilities({ families, localAsn }: WantedPeer): Capability[] {
  return [
    ...families.map((family): Capability => ({ type: 'multiprotocol', family })),
    { type: 'fourOctetAsn', asn: localAsn },
  ];
}

function optionalCapabilities({ peer, hostName }: SessionOptions, ends: ConnectionEnds, restarting: boolean): Capability[] {
  const offered: Capability[] = [{ type: 'routeRefresh' }, { type: 'enhancedRouteRefresh' }, { type: 'extendedMessage' }];
  if (isIP(ends.remoteAddress) === 6 && peer.families.includes('ipv4')) {
    offered.push({ type: 'extendedNextHop', entries: [{ family: 'ipv4', nextHop: 'ipv6' }] });
  }
  if (peer.addPathSend > 0) {
    offered.push({ type: 'addPath', families: peer.families.map((family) => ({ family, send: true, receive: false })) });
  }
  const role = offeredRole(peer);
  if (role !== null) offered.push(role);
  offered.push(...gracefulRestart(peer, restarting));
  if (hostName !== '' && Buffer.byteLength(hostName) <= MAX_HOST_NAME_OCTETS) offered.push({ type: 'fqdn', hostName, domainName: '' });
  return offered;
}

/** Roles are for sessions between ASes alone (RFC 9234 section 4.1). */
function offeredRole({ role, remoteAsn, localAsn }: WantedPeer): Capability | null {
  const isInternal = remoteAsn.type === 'internal' || (remoteAsn.type === 'number' && remoteAsn.asn === localAsn);
  return role === null || isInternal ? null : { type: 'role', role: roleNumber(role) };
}

/** Forwarding State is set always: the kernel and the proxy forward on while the announcer restarts. */
/**
 * The N bit (RFC 8538) makes a peer keep routes after its hold timer has expired too: of a node that has died, for the whole restart time.
 * So it is offered only where BFD says sooner that the node is dead.
 */
function gracefulRestart({ gracefulRestart: wanted, families, bfd }: WantedPeer, restarting: boolean): Capability[] {
  if (wanted === null) return [];
  const restartTimeS = Math.min(MAX_RESTART_TIME_S, Math.floor(wanted.restartTimeMs / 1_000));
  const offered: Capability[] = [
    { type: 'gracefulRestart', restarting, notification: bfd !== null, restartTimeS, families: families.map((family) => ({ family, forwarding: true })) },
  ];
  if (wanted.longLivedStaleTimeMs !== null) {
    const staleTimeS = Math.min(MAX_STALE_TIME_S, Math.floor(wanted.longLivedStaleTimeMs / 1_000));
    offered.push({ type: 'longLivedGracefulRestart', families: families.map((family) => ({ family, forwarding: true, staleTimeS })) });
  }
  return offered;
}
