import { libc } from './libc.ts';
import { AF_INET6 } from './socketAddress.ts';
import { attachSocketFilter } from './socketFilter.ts';

/** EtherTypes, linux/if_ether.h. */
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_IPV6 = 0x86dd;

/** What a packet socket is opened with. */
export interface PacketSocketRequest {
  readonly interfaceIndex: number;
  /** For messages. */
  readonly interfaceName: string;
  /**
   * Frames of this EtherType only. The kernel then asks this socket about no other, so that traffic that has nothing to do with
   * it costs nothing; and none of its own host's frames come back.
   */
  readonly etherType: number;
  /** Program of `assembleBpf`: nothing reaches the socket that it has not let through. */
  readonly filter: Buffer;
  /** Octets the kernel may hold for it, its own overhead of several hundred per frame included: bounds how old a frame gets. */
  readonly receiveBufferBytes: number;
}

/** Whole Ethernet frames of one interface (packet(7)). Every call throws SystemError; ENETDOWN, ENXIO and ENODEV say that the interface is gone or down. */
export interface PacketSocket {
  readonly descriptor: number;
  /** The next frame, into `frame`, its tail cut where it is longer. Answers its length, null when none waits. */
  receive(frame: Buffer): number | null;
  /** Answers false when the interface's queue is full. */
  send(frame: Uint8Array): boolean;
  /** Lets other frames through from now on; those that wait already stay. */
  setFilter(filter: Buffer): void;
  /** Asks the interface for frames to a group (six octets). Survives down and up; an interface that is made anew needs a new socket. */
  joinGroup(mac: Uint8Array): void;
  leaveGroup(mac: Uint8Array): void;
  /** What waits is lost; from now on nothing is received and nothing sent. Idempotent. */
  close(): void;
}

// Linux values: linux/socket.h, asm-generic/socket.h, linux/if_packet.h, linux/in6.h.
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_PRIORITY = 12;
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_DROP_MEMBERSHIP = 2;
const PACKET_MR_MULTICAST = 0;
const IPPROTO_IPV6 = 41;
const IPV6_ADD_MEMBERSHIP = 20;
const IPV6_DROP_MEMBERSHIP = 21;

/** TC_PRIO_INTERACTIVE: ahead of bulk traffic in the interface's queue, and the highest that needs no privilege. */
const INTERACTIVE_PRIORITY = 6;

/** Opens a socket for the frames of one interface. It has never held a frame its filter would have dropped. Throws SystemError. */
export function openPacketSocket(request: PacketSocketRequest): PacketSocket {
  const c = libc();
  const { interfaceIndex, interfaceName, etherType, filter, receiveBufferBytes } = request;
  // Protocol 0 receives nothing: filter and buffer are in place before bind opens the tap.
  const descriptor = c.openRawSocket(AF_PACKET, SOCK_RAW, 0, `frames of ${interfaceName}`);
  try {
    attachSocketFilter(descriptor, filter);
    c.setIntOption(descriptor, { level: SOL_SOCKET, name: SO_RCVBUF, value: Math.ceil(receiveBufferBytes / 2) });
    c.setIntOption(descriptor, { level: SOL_SOCKET, name: SO_PRIORITY, value: INTERACTIVE_PRIORITY });
    c.bind(descriptor, encodeLinkAddress(etherType, interfaceIndex), `interface ${interfaceName}`);
  } catch (error) {
    c.close(descriptor);
    throw error;
  }
  let isOpen = true;
  const setMembership = (name: number, mac: Uint8Array): void => {
    c.setOption(descriptor, { level: SOL_PACKET, name, value: encodeMembership(interfaceIndex, mac) });
  };
  return {
    descriptor,
    receive: (frame) => isOpen ? c.receive(descriptor, frame) : null,
    send: (frame) => isOpen && c.send(descriptor, frame, null),
    setFilter: (next) => { attachSocketFilter(descriptor, next); },
    joinGroup: (mac) => { setMembership(PACKET_ADD_MEMBERSHIP, mac); },
    leaveGroup: (mac) => { setMembership(PACKET_DROP_MEMBERSHIP, mac); },
    close: () => {
      if (isOpen) c.close(descriptor);
      isOpen = false;
    },
  };
}

/**
 * Memberships of this host in IPv6 groups of one interface. Packet sockets open the interface's own filter only; these make
 * the kernel report the groups to switches as well (MLD, RFC 3810), which else keep their frames from this port. They end
 * with `close`.
 */
export interface Ipv6Memberships {
  /** `group`: 16 octets. Throws SystemError: ENODEV where the interface is gone or has no IPv6. */
  join(group: Uint8Array): void;
  leave(group: Uint8Array): void;
  close(): void;
}

/** Opens the socket that holds them; it receives nothing. Throws SystemError, EAFNOSUPPORT where the kernel has no IPv6. */
export function openIpv6Memberships(interfaceIndex: number, interfaceName: string): Ipv6Memberships {
  const c = libc();
  const descriptor = c.openSocket(AF_INET6, 'datagram', `groups of ${interfaceName}`);
  const set = (name: number, group: Uint8Array): void => {
    // struct ipv6_mreq: the group, the interface.
    const value = Buffer.alloc(20);
    value.set(group.subarray(0, 16));
    value.writeInt32LE(interfaceIndex, 16);
    c.setOption(descriptor, { level: IPPROTO_IPV6, name, value });
  };
  let isOpen = true;
  return {
    join: (group) => { set(IPV6_ADD_MEMBERSHIP, group); },
    leave: (group) => { set(IPV6_DROP_MEMBERSHIP, group); },
    close: () => {
      if (isOpen) c.close(descriptor);
      isOpen = false;
    },
  };
}

/** struct sockaddr_ll: family, protocol in network order, interface. */
function encodeLinkAddress(etherType: number, interfaceIndex: number): Buffer {
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(etherType, 2);
  address.writeInt32LE(interfaceIndex, 4);
  return address;
}

/** struct packet_mreq: interface, type, length of the address, address. */
function encodeMembership(interfaceIndex: number, mac: Uint8Array): Buffer {
  const membership = Buffer.alloc(16);
  membership.writeInt32LE(interfaceIndex, 0);
  membership.writeUInt16LE(PACKET_MR_MULTICAST, 4);
  membership.writeUInt16LE(6, 6);
  membership.set(mac.subarray(0, 6), 8);
  return membership;
}
