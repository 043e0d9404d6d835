import type { BfdEndpoint } from '../../bfd/bfdSpeaker.ts';
import type { Link } from '../../parts.ts';
import type { WantedPeer } from '../bgpWanted.ts';
import type { ConnectionEnds } from '../session/sessionEvents.ts';

/**
 * The BFD session of a peer, which is there as soon as both addresses are known: by configuration, or since the peer was connected to for
 * the first time. It stays when the BGP session ends, and tells when the peer can be reached again. Null: none is wanted, or not yet.
 */
export function bfdEndpointOf(peer: WantedPeer, ends: ConnectionEnds | null, links: readonly Link[]): BfdEndpoint | null {
  const { name, bfd, remote, sourceAddress, vrf, shutdown } = peer;
  if (bfd === null || shutdown !== null) return null;
  const localAddress = ends?.localAddress ?? sourceAddress;
  const remoteAddress = ends?.remoteAddress ?? (remote.type === 'address' ? remote.address : null);
  if (localAddress === null || remoteAddress === null) return null;
  const link = links.find(({ addresses }) => addresses.some(({ address }) => address === localAddress));
  const interfaceName = remote.type === 'interface' ? remote.interface : (link?.name ?? null);
  // Over several hops packets may come in on any interface.
  return { name, localAddress, remoteAddress, interface: bfd.hops.type === 'single' ? interfaceName : null, vrf, settings: bfd };
}
