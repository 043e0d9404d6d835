import {
  ETHERTYPE_ARP, ETHERTYPE_IPV6, openIpv6Memberships, openPacketSocket, type Ipv6Memberships, type PacketSocket,
} from '../../../../core/os/packetSocket.ts';
import { SystemError } from '../../../../core/os/systemError.ts';
import { parseIpAddress, type IpFamily } from '../../../../core/net/ipAddress.ts';
import type { L2Interface } from '../../parts.ts';
import type { MulticastGroup } from '../l2Machine.ts';
import { assembleArpFilter, assembleNeighbourDiscoveryFilter, MAX_FRAME_BYTES } from './neighbourFilter.ts';

/** Octets of the VIPs of one interface, by family. */
export type AddressOctets = Readonly<Record<IpFamily, readonly Uint8Array[]>>;

/** The packet sockets of one interface: none for a family without VIPs. Calls throw SystemError; what then is left must be closed. */
export interface InterfaceSockets {
  /** Opens what is missing, closes what is not needed, and lets through what is about these addresses only. */
  setAddresses(addresses: AddressOctets): void;
  /** Solicited-node groups to hear. */
  setGroups(groups: readonly MulticastGroup[]): void;
  descriptors(): readonly number[];
  /** Hands over what waits, at most `limit` frames per socket; `take` answers false to stop early. A frame is valid within the call. */
  receive(limit: number, take: (frame: Uint8Array) => boolean): void;
  /** Answers false when the frame was dropped: the queue is full, or there is no socket for it. */
  send(frame: Uint8Array): boolean;
  close(): void;
}

/**
 * Ours: about 300 small frames, which are answered in less than 2 ms: whoever asks during a flood is answered soon or not at all,
 * and asks again.
 */
const RECEIVE_BUFFER_BYTES = 256 * 1024;

const ETHERTYPE_OFFSET = 12;

const PROTOCOLS: Readonly<Record<IpFamily, { readonly etherType: number; readonly assembleFilter: typeof assembleArpFilter }>> = {
  IPv4: { etherType: ETHERTYPE_ARP, assembleFilter: assembleArpFilter },
  IPv6: { etherType: ETHERTYPE_IPV6, assembleFilter: assembleNeighbourDiscoveryFilter },
};
const FAMILIES: readonly IpFamily[] = ['IPv4', 'IPv6'];

/**
 * No socket is open until addresses are set. `unreported` is told why the kernel does not report a group to switches: the sockets
 * hear it nevertheless, as far as switches send it here.
 */
export function createInterfaceSockets({ index, name }: L2Interface, unreported: (error: SystemError) => void): InterfaceSockets {
  const sockets = new Map<IpFamily, PacketSocket>();
  const groups = createGroups({ index, name, unreported }, () => sockets.get('IPv6') ?? null);
  const frame = Buffer.alloc(MAX_FRAME_BYTES);

  const setFamily = (family: IpFamily, addresses: readonly Uint8Array[]): void => {
    const socket = sockets.get(family);
    const { etherType, assembleFilter } = PROTOCOLS[family];
    if (addresses.length === 0) {
      if (family === 'IPv6') groups.close();
      socket?.close();
      sockets.delete(family);
      return;
    }
    const filter = assembleFilter({ interfaceIndex: index, addresses });
    if (socket !== undefined) socket.setFilter(filter);
    else sockets.set(family, openPacketSocket({ interfaceIndex: index, interfaceName: name, etherType, filter, receiveBufferBytes: RECEIVE_BUFFER_BYTES }));
  };

  return {
    setAddresses: (addresses) => { for (const family of FAMILIES) setFamily(family, addresses[family]); },
    setGroups: (wanted) => { groups.set(wanted); },
    descriptors: () => [...sockets.values()].map(({ descriptor }) => descriptor),
    receive: (limit, take) => {
      for (const socket of sockets.values()) receiveSome(socket, limit, (octets) => take(frame.subarray(0, octets)));
    },
    send: (octets) => {
      const isArp = ((octets[ETHERTYPE_OFFSET] ?? 0) << 8 | (octets[ETHERTYPE_OFFSET + 1] ?? 0)) === ETHERTYPE_ARP;
      return sockets.get(isArp ? 'IPv4' : 'IPv6')?.send(octets) ?? false;
    },
    close: () => {
      groups.close();
      for (const socket of sockets.values()) socket.close();
      sockets.clear();
    },
  };

  function receiveSome(socket: PacketSocket, limit: number, take: (octets: number) => boolean): void {
    for (let count = 0; count < limit; count += 1) {
      const octets = socket.receive(frame);
      if (octets === null || !take(octets)) return;
    }
  }
}

interface GroupOptions extends Pick<L2Interface, 'index' | 'name'> {
  readonly unreported: (error: SystemError) => void;
}

interface Groups {
  set(wanted: readonly MulticastGroup[]): void;
  close(): void;
}

/** Joins and leaves; what is joined ends with the sockets. */
function createGroups({ index, name, unreported }: GroupOptions, packetSocket: () => PacketSocket | null): Groups {
  /** Address → MAC of what is joined. */
  const joined = new Map<string, Buffer>();
  let memberships: Ipv6Memberships | null = null;
  let isTold = false;

  /** An interface without IPv6 has no memberships, which is no reason not to answer on it. */
  const report = (change: (open: Ipv6Memberships) => void): void => {
    try {
      memberships ??= openIpv6Memberships(index, name);
      change(memberships);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      // What fails for one group fails for the next: no IPv6, or no memory for as many (net.core.optmem_max).
      if (!isTold) unreported(error);
      isTold = true;
    }
  };

  return {
    set: (wanted) => {
      const socket = packetSocket();
      if (socket === null) return;
      const wantedAddresses = new Set(wanted.map(({ address }) => address));
      for (const [address, mac] of joined) {
        if (wantedAddresses.has(address)) continue;
        joined.delete(address);
        socket.leaveGroup(mac);
        report((open) => { open.leave(octetsOf(address)); });
      }
      for (const { address, mac } of wanted) {
        if (joined.has(address)) continue;
        const octets = Buffer.from(mac.replaceAll(':', ''), 'hex');
        socket.joinGroup(octets);
        joined.set(address, octets);
        report((open) => { open.join(octetsOf(address)); });
      }
    },
    close: () => {
      joined.clear();
      memberships?.close();
      memberships = null;
      isTold = false;
    },
  };
}

/** The 4 or 16 octets of an address. Throws TypeError for what is none. */
export function octetsOf(address: string): Buffer {
  const parsed = parseIpAddress(address);
  if (parsed === null) throw new TypeError(`an address is needed (got ${JSON.stringify(address)})`);
  return Buffer.from(parsed.value.toString(16).padStart(parsed.family === 'IPv4' ? 8 : 32, '0'), 'hex');
}
