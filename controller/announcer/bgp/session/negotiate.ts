import type { AddressFamily, CodecOptions, OpenMessage } from '../codec/message.ts';
import { capabilitiesOf, capabilityOf } from './capabilitiesOf.ts';
import type { OpenPair } from './openPair.ts';
import type { ConnectionEnds, Negotiated } from './sessionEvents.ts';
import { negotiatedHoldMs } from './timings.ts';
import { commonFamilies } from './validateOpen.ts';

/** What two OPEN messages agree on. `received` is valid (`validateOpen`). */
export function negotiate(opens: OpenPair, ends: ConnectionEnds): Negotiated {
  const { offered, received } = opens;
  const families = commonFamilies(opens);
  const holdTimeMs = negotiatedHoldMs(offered.holdTimeS, received.holdTimeS);
  const gracefulRestart = negotiatedRestart(opens, families);
  const both = (type: Parameters<typeof capabilityOf>[1]): boolean =>
    capabilityOf(offered, type) !== null && capabilityOf(received, type) !== null;
  return {
    internal: offered.asn === received.asn,
    localAsn: offered.asn,
    remoteAsn: received.asn,
    remoteRouterId: received.routerId,
    ends,
    holdTimeMs,
    families,
    fourOctetAsn: both('fourOctetAsn'),
    extendedMessages: both('extendedMessage'),
    routeRefresh: both('routeRefresh'),
    enhancedRouteRefresh: both('routeRefresh') && both('enhancedRouteRefresh'),
    addPathSend: families.filter((family) => sendsPaths(offered, family) && receivesPaths(received, family)),
    extendedNextHop: families.includes('ipv4') && saysExtendedNextHop(offered) && saysExtendedNextHop(received),
    gracefulRestart,
    longLivedGracefulRestart: gracefulRestart !== null && both('longLivedGracefulRestart') ? families : [],
    remoteCapabilities: received.capabilities,
    remoteHostName: hostNameOf(received),
  };
}

/** How messages look from now on. */
export function codecOptions(negotiated: Negotiated): CodecOptions {
  const { fourOctetAsn, extendedMessages, addPathSend, families, internal } = negotiated;
  return { fourOctetAsn, extendedMessages, addPathSend, addPathReceive: [], families, internal };
}

/** The peer's old connection is dead when it opens a new one: it has families of its own to restart (RFC 4724 section 5). */
export function mayRestart({ gracefulRestart, remoteCapabilities }: Negotiated): boolean {
  return gracefulRestart !== null && (capabilityOf({ capabilities: remoteCapabilities }, 'gracefulRestart')?.families.length ?? 0) > 0;
}

/** A peer that lists no families keeps ours nevertheless: what it lists is what it restarts itself (RFC 4724 section 3). */
function negotiatedRestart({ offered, received }: OpenPair, families: readonly AddressFamily[]): Negotiated['gracefulRestart'] {
  const ours = capabilityOf(offered, 'gracefulRestart');
  const theirs = capabilityOf(received, 'gracefulRestart');
  if (ours === null || theirs === null) return null;
  return {
    notification: ours.notification && theirs.notification,
    families,
    peerRestartTimeMs: theirs.restartTimeS * 1_000,
    peerRestarting: theirs.restarting,
  };
}

function sendsPaths(open: OpenMessage, wanted: AddressFamily): boolean {
  return capabilitiesOf(open, 'addPath').some(({ families }) => families.some(({ family, send }) => family === wanted && send));
}

function receivesPaths(open: OpenMessage, wanted: AddressFamily): boolean {
  return capabilitiesOf(open, 'addPath').some(({ families }) => families.some(({ family, receive }) => family === wanted && receive));
}

function saysExtendedNextHop(open: OpenMessage): boolean {
  return capabilitiesOf(open, 'extendedNextHop')
    .some(({ entries }) => entries.some(({ family, nextHop }) => family === 'ipv4' && nextHop === 'ipv6'));
}

/** For people: what a terminal or a log could take amiss is not in it. */
function hostNameOf(open: OpenMessage): string {
  const fqdn = capabilityOf(open, 'fqdn');
  if (fqdn === null) return '';
  const name = fqdn.domainName === '' ? fqdn.hostName : `${fqdn.hostName}.${fqdn.domainName}`;
  return name.replaceAll(/[^\x21-\x7e]/g, '?');
}
