import { parseIpAddress } from '../../../../core/net/ipAddress.ts';
import { inRange, parseCidr } from '../../../../core/net/ipRange.ts';
import type { BfdSettings } from '../../bfd/bfdSettings.ts';
import type { BfdEndpoint } from '../../bfd/bfdSpeaker.ts';
import type { Link } from '../../parts.ts';
import type { WantedPeer } from '../bgpWanted.ts';
import type { ConnectionEnds } from '../session/sessionEvents.ts';

/** What the BFD sessions of a peer are made of besides its settings. */
export interface BfdSurroundings {
  /** Of the connection that was there last; null: there was none. */
  readonly ends: ConnectionEnds | null;
  readonly links: readonly Link[];
  /** What was answered for this peer before; empty: nothing. */
  readonly before: readonly BfdEndpoint[];
}

interface Ends {
  readonly local: string;
  readonly remote: string;
}

/**
 * The BFD sessions of a peer, which are there as soon as both addresses are known: by configuration, or since the peer was connected to for the
 * first time. They stay when the BGP session ends, and tell when the peer can be reached again. Several are different ways to the same peer,
 * of which the first bears its name. Empty: none is wanted, or not yet.
 */
export function bfdEndpointsOf(peer: WantedPeer, { ends, links, before }: BfdSurroundings): readonly BfdEndpoint[] {
  const { bfd, vrf, shutdown } = peer;
  if (bfd === null || shutdown !== null) return [];
  const known = before.find((one) => isStillOf(one, peer)) ?? null;
  const found = endsOf(peer, ends, known);
  if (found === null) return [];
  const having = links.filter((link) => link.addresses.some(({ address }) => address === found.local) && vrfOf(link, links) === vrf);
  // An address that is gone for now makes no other session of it: that one is to find out that the peer is lost.
  if (having.length === 0 && known?.localAddress === found.local && known.remoteAddress === found.remote) {
    const far = farHopsOf(peer);
    return before.flatMap((one) => {
      const hops = one.settings.hops.type === 'single' ? NEAR : far;
      return hops === null ? [] : [{ ...one, settings: { ...bfd, hops } }];
    });
  }
  return waysTo(peer, found, having);
}

const NEAR: BfdSettings['hops'] = { type: 'single' };

/** How the session runs where it is one of several hops; null: nobody would run it so. FRR does wherever it has TTL security (RFC 5082). */
function farHopsOf({ bfd, minimumTtl }: WantedPeer): BfdSettings['hops'] | null {
  if (bfd?.hops.type === 'multihop') return bfd.hops;
  return minimumTtl === null ? null : { type: 'multihop', minimumTtl };
}

/**
 * Of peers that are on the link, some routers run the session over that link, others as one of several hops: of the own AS FRR (and so
 * MetalLB) the first and BIRD the second, with TTL security the other way round. Both ways are tried.
 */
function waysTo(peer: WantedPeer, { local, remote }: Ends, having: readonly Link[]): readonly BfdEndpoint[] {
  const { name, bfd, vrf } = peer;
  if (bfd === null) return [];
  const onLink = having.filter((link) => isOnLink(remote, link));
  const common = { localAddress: local, remoteAddress: remote, vrf };
  const near: BfdEndpoint = { ...common, name, interface: interfaceOf(peer, onLink, having), settings: { ...bfd, hops: NEAR } };
  const hops = farHopsOf(peer);
  if (hops === null || peer.remote.type === 'interface') return [near];
  // Over several hops packets may come in on any interface.
  const far: BfdEndpoint = { ...common, name, interface: null, settings: { ...bfd, hops } };
  const isNear = bfd.hops.type === 'single' || (isInternal(peer) && onLink.length > 0);
  return isNear ? [near, { ...far, name: `${name} (several hops)` }] : [far];
}

/** Null: as the kernel routes, as no interface is the only one, or the one that packets leave by. */
function interfaceOf({ remote }: WantedPeer, onLink: readonly Link[], having: readonly Link[]): string | null {
  if (remote.type === 'interface') return remote.interface;
  const [only, ...others] = onLink.length > 0 ? onLink : having.filter(({ loopback, kind }) => !loopback && kind !== 'dummy');
  return only === undefined || others.length > 0 ? null : only.name;
}

function endsOf({ remote, sourceAddress }: WantedPeer, ends: ConnectionEnds | null, known: BfdEndpoint | null): Ends | null {
  const local = ends?.localAddress ?? sourceAddress ?? known?.localAddress ?? null;
  const far = ends?.remoteAddress ?? (remote.type === 'address' ? remote.address : known?.remoteAddress ?? null);
  return local === null || far === null ? null : { local, remote: far };
}

/** A peer whose BGP session is made anew is still the one at that address. */
function isStillOf(one: BfdEndpoint, { remote, vrf }: WantedPeer): boolean {
  return one.vrf === vrf && (remote.type === 'address' ? one.remoteAddress === remote.address : one.interface === remote.interface);
}

function isOnLink(remote: string, { addresses }: Link): boolean {
  const address = parseIpAddress(remote);
  return address !== null && addresses.some((own) => {
    const parsed = parseCidr(`${own.address}/${own.prefixLength}`);
    return parsed.ok && inRange(parsed.range, address);
  });
}

/** Name of the VRF's device that a link belongs to; null: none. */
function vrfOf({ master }: Link, links: readonly Link[]): string | null {
  return links.find(({ index, kind }) => index === master && kind === 'vrf')?.name ?? null;
}

function isInternal({ remoteAsn, localAsn }: WantedPeer): boolean {
  return remoteAsn.type === 'internal' || (remoteAsn.type === 'number' && remoteAsn.asn === localAsn);
}
