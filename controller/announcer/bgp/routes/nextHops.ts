import { isIPv4, isIPv6 } from 'node:net';
import type { Link } from '../../parts.ts';
import type { AddressFamily } from '../codec/message.ts';
import type { Negotiated } from '../session/sessionEvents.ts';

const ADDRESS_BITS: Readonly<Record<AddressFamily, number>> = { ipv4: 32, ipv6: 128 };

/** What routes of one family are announced with as next hop, in one session. */
export type NextHop =
  | { readonly ok: true; readonly nextHop: string; readonly linkLocal: string | null }
  /** Why there is none, in words that say what to do. */
  | { readonly ok: false; readonly reason: string };

/**
 * This node's own address: that of the session where it is of the route's family, else one of that family on the same interface
 * (RFC 4271 section 5.1.3, RFC 2545 section 3), else for IPv4 the session's IPv6 address where both sides can (RFC 8950).
 */
export function nextHopOf(
  family: AddressFamily, { ends, extendedNextHop }: Pick<Negotiated, 'ends' | 'extendedNextHop'>, links: readonly Link[],
): NextHop {
  const { localAddress } = ends;
  const link = links.find(({ addresses }) => addresses.some(({ address }) => address === localAddress));
  const own = isOf(family, localAddress) && !isLinkLocal(localAddress) ? localAddress : globalOn(link, family);
  if (own !== null) return { ok: true, nextHop: own, linkLocal: family === 'ipv6' && isLinkLocal(localAddress) ? localAddress : null };
  if (family === 'ipv6' && isIPv6(localAddress)) return { ok: true, nextHop: localAddress, linkLocal: null };
  if (family === 'ipv4' && isIPv6(localAddress) && extendedNextHop) return overIPv6(localAddress, link);
  const where = link === undefined ? `no interface has ${localAddress}` : `${link.name} has no ${family === 'ipv4' ? 'IPv4' : 'IPv6'} address`;
  return { ok: false, reason: `${where}, which routes of this family would need as next hop` };
}

function overIPv6(localAddress: string, link: Link | undefined): NextHop {
  if (!isLinkLocal(localAddress)) return { ok: true, nextHop: localAddress, linkLocal: null };
  const global = globalOn(link, 'ipv6');
  return global === null ? { ok: true, nextHop: localAddress, linkLocal: null } : { ok: true, nextHop: global, linkLocal: localAddress };
}

function globalOn(link: Link | undefined, family: AddressFamily): string | null {
  const found = (link?.addresses ?? []).filter(({ address, usable }) => usable && isOf(family, address) && !isLinkLocal(address));
  // A VIP that is bound here is an address of many nodes.
  return (found.find(({ prefixLength }) => prefixLength < ADDRESS_BITS[family]) ?? found[0])?.address ?? null;
}

function isOf(family: AddressFamily, address: string): boolean {
  return family === 'ipv4' ? isIPv4(address) : isIPv6(address);
}

/** fe80::/10 (RFC 4291 section 2.5.6). */
function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}
