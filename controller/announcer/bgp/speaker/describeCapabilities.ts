import type { Negotiated } from '../session/sessionEvents.ts';

/** What both sides have agreed on beyond RFC 4271, in words, sorted. */
export function describeCapabilities(negotiated: Negotiated): readonly string[] {
  const { fourOctetAsn, extendedMessages, routeRefresh, enhancedRouteRefresh, addPathSend, extendedNextHop, gracefulRestart } = negotiated;
  const agreed: readonly (readonly [boolean, string])[] = [
    [fourOctetAsn, '4-octet AS numbers'],
    [extendedMessages, 'extended messages'],
    [routeRefresh, 'route refresh'],
    [enhancedRouteRefresh, 'enhanced route refresh'],
    [addPathSend.length > 0, `several paths (${addPathSend.join(', ')})`],
    [extendedNextHop, 'IPv6 next hops for IPv4'],
    [gracefulRestart !== null, 'graceful restart'],
    [gracefulRestart?.notification === true, 'graceful restart after notifications'],
    [negotiated.longLivedGracefulRestart.length > 0, 'long-lived graceful restart'],
  ];
  return agreed.flatMap(([isAgreed, words]) => isAgreed ? [words] : []).toSorted();
}
