import { MAC_LENGTH } from './macAddress.ts';

/** ff02::1, all nodes on the link. */
export const ALL_NODES: Uint8Array = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

/** ff02::1:ff00:0/104 (RFC 4291 section 2.7.1). */
const PREFIX: Uint8Array = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff);

/** The solicited-node group of an IPv6 address: its last three octets behind ff02::1:ff. */
export function solicitedNodeGroup(address: Uint8Array): Uint8Array {
  const group = new Uint8Array(16);
  group.set(PREFIX);
  group.set(address.subarray(PREFIX.length, 16), PREFIX.length);
  return group;
}

/** True for an address of 16 octets at `offset` that is a solicited-node group. */
export function isSolicitedNodeGroup(octets: Uint8Array, offset = 0): boolean {
  return PREFIX.every((octet, at) => octets[offset + at] === octet);
}

/** The Ethernet address of an IPv6 group: 33:33 and its last four octets (RFC 2464 section 7). */
export function groupMac(group: Uint8Array): Uint8Array {
  const mac = new Uint8Array(MAC_LENGTH).fill(0x33, 0, 2);
  mac.set(group.subarray(12, 16), 2);
  return mac;
}
