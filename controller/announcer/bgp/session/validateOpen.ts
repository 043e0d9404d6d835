import type { WantedPeer } from '../bgpWanted.ts';
import { afiOctets, SAFI_UNICAST } from '../codec/addressFamily.ts';
import { OPEN_ERROR } from '../codec/errorCodes.ts';
import { openFault, type Refused } from '../codec/fault.ts';
import type { AddressFamily, BgpFault, OpenMessage } from '../codec/message.ts';
import { capabilitiesOf } from './capabilitiesOf.ts';
import type { OpenPair } from './openPair.ts';
import { counterpart, roleName } from './roles.ts';

/** Multiprotocol capability: code and length (RFC 4760 section 8). */
const MULTIPROTOCOL = [1, 4] as const;

/**
 * What is wrong with the OPEN received from this peer (RFC 4271 section 6.2 and what came after it); null: nothing. What is wrong with any
 * OPEN, such as AS 0 or a hold time of 1 s, the codec has looked for.
 */
export function validateOpen(peer: WantedPeer, opens: OpenPair): BgpFault | null {
  const { received } = opens;
  const refused = wrongAsn(peer, received) ?? wrongRouterId(peer, received) ?? wrongRole(peer, received) ?? missingFamilies(peer, opens);
  return refused?.fault ?? null;
}

/** Families that both sides speak: those of RFC 4760, or IPv4 alone where one side says none. */
export function commonFamilies({ offered, received }: OpenPair): readonly AddressFamily[] {
  const theirs = spokenFamilies(received);
  return spokenFamilies(offered).filter((family) => theirs.includes(family));
}

function spokenFamilies(open: OpenMessage): readonly AddressFamily[] {
  const families = capabilitiesOf(open, 'multiprotocol').map(({ family }) => family);
  return families.length > 0 || saysOtherFamilies(open) ? [...new Set(families)] : ['ipv4'];
}

/** Families that are not spoken here come as `other`, with the code of RFC 4760. */
function saysOtherFamilies(open: OpenMessage): boolean {
  return capabilitiesOf(open, 'other').some(({ code }) => code === 1);
}

function wrongAsn({ remoteAsn, localAsn }: WantedPeer, { asn }: OpenMessage): Refused | null {
  switch (remoteAsn.type) {
    case 'number':
      return asn === remoteAsn.asn ? null
        : wrongAs(`the peer is in AS ${asn}, and AS ${remoteAsn.asn} is expected: compare peerASN`);
    case 'internal':
      return asn === localAsn ? null
        : wrongAs(`the peer is in AS ${asn}, and ours, AS ${localAsn}, is expected: compare dynamicASN (internal)`);
    case 'external':
      return asn !== localAsn ? null
        : wrongAs(`the peer is in our AS ${asn}, and another is expected: compare dynamicASN (external)`);
  }
}

function wrongAs(text: string): Refused {
  return openFault(OPEN_ERROR.badPeerAs, `${text} with the router's configuration`);
}

/** RFC 6286 section 2.2: within an AS no two are equal. */
function wrongRouterId({ routerId, localAsn }: WantedPeer, open: OpenMessage): Refused | null {
  if (open.routerId !== routerId || open.asn !== localAsn) return null;
  return openFault(OPEN_ERROR.badBgpIdentifier, `the peer has our router ID ${routerId}, and is in our AS: give one of both another (routerID)`);
}

/** RFC 9234 section 4.2: only when both sides say one, and between ASes. One that says two different ones has none that fits. */
function wrongRole({ role, localAsn }: WantedPeer, open: OpenMessage): Refused | null {
  if (role === null || open.asn === localAsn) return null;
  const theirs = new Set(capabilitiesOf(open, 'role').map((capability) => roleName(capability.role)));
  const [first] = theirs;
  if (first === undefined || (theirs.size === 1 && first === counterpart(role))) return null;
  const text = `the peer's role is ${[...theirs].join(' and ')}, and ours, ${role}, needs it to be ${counterpart(role)}`;
  return openFault(OPEN_ERROR.roleMismatch, `${text}: compare role with the router's configuration`);
}

function missingFamilies({ families }: WantedPeer, opens: OpenPair): Refused | null {
  if (families.length === 0 || commonFamilies(opens).length > 0) return null;
  const missing = families.flatMap((family) => [...MULTIPROTOCOL, ...afiOctets(family), 0, SAFI_UNICAST]);
  const text = `the peer speaks none of the families that are to be announced (${families.join(', ')}): activate one of them for this neighbor`;
  return openFault(OPEN_ERROR.unsupportedCapability, text, missing);
}
