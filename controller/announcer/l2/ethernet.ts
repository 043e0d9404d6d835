import { ignored, type Ignored } from './ignoredReason.ts';
import { MAC_LENGTH } from './macAddress.ts';

/** Octets of an Ethernet II header: destination, source, type. */
export const ETHERNET_LENGTH = 14;
/** Where the source address is. */
export const ETHERNET_SOURCE = 6;

/** Types of what follows (IEEE 802 numbers, IANA). */
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_IPV6 = 0x86dd;
/** IEEE 802.1Q, 802.1ad, and the older form of two tags. */
const VLAN_TYPES: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100]);

const TYPE_AT = 12;

/** What an Ethernet frame carries, as far as it matters here. */
export interface EtherKind {
  readonly type: 'arp' | 'ipv6';
}

const ARP_FRAME: EtherKind = { type: 'arp' };
const IPV6_FRAME: EtherKind = { type: 'ipv6' };

/**
 * What a frame carries. One with a VLAN tag belongs to another network, which has an interface of its own: it is not
 * looked into.
 */
export function etherKind(frame: Uint8Array): EtherKind | Ignored {
  if (frame.length < ETHERNET_LENGTH) return ignored('short');
  const type = ((frame[TYPE_AT] ?? 0) << 8) | (frame[TYPE_AT + 1] ?? 0);
  if (type === ETHERTYPE_ARP) return ARP_FRAME;
  if (type === ETHERTYPE_IPV6) return IPV6_FRAME;
  return ignored(VLAN_TYPES.has(type) ? 'vlanTagged' : 'etherType');
}

/** Writes the header to the beginning of `frame`. */
export function writeEthernet(frame: Uint8Array, destination: Uint8Array, source: Uint8Array, type: number): void {
  frame.set(destination.subarray(0, MAC_LENGTH), 0);
  frame.set(source.subarray(0, MAC_LENGTH), ETHERNET_SOURCE);
  frame[TYPE_AT] = type >> 8;
  frame[TYPE_AT + 1] = type & 0xff;
}
