import { assembleBpf, type BpfStep } from '../../../../core/os/bpfProgram.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV6 } from '../../../../core/os/packetSocket.ts';
import { coverValues, type ValueRange } from './valueRanges.ts';

/** What a filter lets through: frames that arrived on this very interface and are about one of these addresses. */
export interface NeighbourFilterOptions {
  readonly interfaceIndex: number;
  /** 4 octets each (IPv4), or 16 (IPv6). */
  readonly addresses: readonly Uint8Array[];
}

/** Ours: longer frames are cut; no ARP packet, and no solicitation with the options of RFC 4861 and 3971, is as long. */
export const MAX_FRAME_BYTES = 2048;

/** Ours: more ranges are joined, which lets some foreign frames through for the program to throw away. */
const MAX_RANGES = 64;

// Ethernet 14 octets, then RFC 826: hardware type, protocol type, both lengths, operation, sender, target.
const ARP_TYPES_OFFSET = 14;
const ARP_LENGTHS_OFFSET = 18;
const ARP_OPERATION_OFFSET = 20;
const ARP_SENDER_OFFSET = 28;
const ARP_TARGET_OFFSET = 38;
const ARP_ETHERNET_IPV4 = 0x0001_0800;
const ARP_LENGTHS = 0x0604;
const ARP_REQUEST = 1;
const ARP_REPLY = 2;

// Ethernet 14 octets, IPv6 40 (RFC 8200 section 3), then RFC 4861 sections 4.3 and 4.4: type, code, ..., target.
const IPV6_VERSION_OFFSET = 14;
const IPV6_NEXT_HEADER_OFFSET = 20;
const IPV6_HOP_LIMIT_OFFSET = 21;
const ICMPV6_TYPE_OFFSET = 54;
const ND_TARGET_TAIL_OFFSET = 74;
const NEXT_HEADER_ICMPV6 = 58;
/** RFC 4861 section 7.1: anything lower has come through a router. */
const ND_HOP_LIMIT = 255;
/** Type and code 0, as one number: RFC 4861 sections 4.3 and 4.4. */
const NEIGHBOUR_SOLICITATION = 135 << 8;
const NEIGHBOUR_ADVERTISEMENT = 136 << 8;

const ETHERTYPE_OFFSET = 12;
const PACKET_MULTICAST = 2;

/** ARP requests and replies for IPv4 over Ethernet, whose sender or target is one of the addresses. */
export function assembleArpFilter({ interfaceIndex, addresses }: NeighbourFilterOptions): Buffer {
  const ranges = coverValues(addresses.map((address) => readTail(address)), MAX_RANGES);
  return assembleBpf([
    ...acceptInterface(interfaceIndex),
    ...expect(2, ETHERTYPE_OFFSET, ETHERTYPE_ARP),
    ...expect(4, ARP_TYPES_OFFSET, ARP_ETHERNET_IPV4),
    ...expect(2, ARP_LENGTHS_OFFSET, ARP_LENGTHS),
    ...expectEither(ARP_OPERATION_OFFSET, ARP_REQUEST, ARP_REPLY),
    { type: 'load', octets: 4, offset: ARP_SENDER_OFFSET },
    ...returnIfWithin('sender', ranges),
    { type: 'load', octets: 4, offset: ARP_TARGET_OFFSET },
    ...returnIfWithin('target', ranges),
    { type: 'return', octets: 0 },
  ]);
}

/**
 * ICMPv6 neighbour solicitations and advertisements without extension headers, whose target ends like one of the addresses: the
 * last 32 bits tell foreign ones apart well enough, and whoever receives looks at all of them.
 */
export function assembleNeighbourDiscoveryFilter({ interfaceIndex, addresses }: NeighbourFilterOptions): Buffer {
  const ranges = coverValues(addresses.map((address) => readTail(address)), MAX_RANGES);
  return assembleBpf([
    ...acceptInterface(interfaceIndex),
    ...expect(2, ETHERTYPE_OFFSET, ETHERTYPE_IPV6),
    // All other IPv6 traffic ends here, so what is cheapest to tell comes first.
    ...expect(1, IPV6_NEXT_HEADER_OFFSET, NEXT_HEADER_ICMPV6),
    ...expect(1, IPV6_HOP_LIMIT_OFFSET, ND_HOP_LIMIT),
    { type: 'load', octets: 1, offset: IPV6_VERSION_OFFSET },
    { type: 'and', mask: 0xf0 },
    { type: 'jump', test: 'equal', value: 0x60, whenFalse: 'foreign' },
    ...expectEither(ICMPV6_TYPE_OFFSET, NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT),
    { type: 'load', octets: 4, offset: ND_TARGET_TAIL_OFFSET },
    ...returnIfWithin('target', ranges),
    { type: 'return', octets: 0 },
  ]);
}

/**
 * Frames to this host, broadcast or multicast. The kernel shows a socket of `eth0` also what belongs to `eth0.10`, its tag taken
 * off, but tells the interface; frames of VLANs that have none here it marks as another host's.
 */
function acceptInterface(interfaceIndex: number): readonly BpfStep[] {
  return [
    { type: 'loadFact', fact: 'packetType' },
    { type: 'jump', test: 'greater', value: PACKET_MULTICAST, whenTrue: 'foreign' },
    { type: 'loadFact', fact: 'interfaceIndex' },
    { type: 'jump', test: 'equal', value: interfaceIndex, whenFalse: 'foreign' },
  ];
}

function expect(octets: 1 | 2 | 4, offset: number, value: number): readonly BpfStep[] {
  return [{ type: 'load', octets, offset }, { type: 'jump', test: 'equal', value, whenFalse: 'foreign' }];
}

/** The last of the checks: `foreign` stands here, near all that lead to it, because jumps are short. */
function expectEither(offset: number, one: number, other: number): readonly BpfStep[] {
  return [
    { type: 'load', octets: 2, offset },
    { type: 'jump', test: 'equal', value: one, whenTrue: 'ours' },
    { type: 'jump', test: 'equal', value: other, whenTrue: 'ours' },
    { type: 'label', name: 'foreign' },
    { type: 'return', octets: 0 },
    { type: 'label', name: 'ours' },
  ];
}

/** Ends the program where the register lies in a range. They ascend, so a value below the next is in none. */
function returnIfWithin(name: string, ranges: readonly ValueRange[]): readonly BpfStep[] {
  const within = `${name}.within`;
  const outside = `${name}.outside`;
  const last = ranges.length - 1;
  return [
    ...ranges.flatMap(({ first, last: end }, index): readonly BpfStep[] => [
      { type: 'jump', test: 'greaterOrEqual', value: first, whenFalse: outside },
      index < last
        ? { type: 'jump', test: 'greater', value: end, whenFalse: within }
        : { type: 'jump', test: 'greater', value: end, whenTrue: outside },
    ]),
    ...(ranges.length === 0 ? [] : [
      { type: 'label', name: within }, { type: 'return', octets: MAX_FRAME_BYTES },
    ] as const),
    { type: 'label', name: outside },
  ];
}

function readTail(address: Uint8Array): number {
  return Buffer.from(address).readUInt32BE(address.length - 4);
}
