import { assembleBpf, type BpfStep } from '../../../../core/os/bpfProgram.ts';
import { ETHERTYPE_IPV6 } from '../../../../core/os/packetSocket.ts';
import { ROUTER_ADVERTISEMENT, ROUTER_SOLICITATION } from './routerMessage.ts';

/** Ours: longer frames are cut, and then not understood; an advertisement with all that is in use is half as long. */
export const MAX_ROUTER_FRAME_BYTES = 2_048;

// Ethernet 14 octets, IPv6 40 (RFC 8200 section 3), ICMPv6 type.
const ETHERTYPE_AT = 12;
const NEXT_HEADER_AT = 20;
const HOP_LIMIT_AT = 21;
const ICMP_TYPE_AT = 54;
const NEXT_HEADER_ICMPV6 = 58;
const HOP_LIMIT = 255;
const PACKET_MULTICAST = 2;

/** Lets router solicitations and advertisements through that have arrived on this very interface, not on a VLAN of it. */
export function assembleRouterFilter(interfaceIndex: number): Buffer {
  return assembleBpf([
    { type: 'loadFact', fact: 'packetType' },
    { type: 'jump', test: 'greater', value: PACKET_MULTICAST, whenTrue: 'foreign' },
    { type: 'loadFact', fact: 'interfaceIndex' },
    { type: 'jump', test: 'equal', value: interfaceIndex, whenFalse: 'foreign' },
    ...expect(2, ETHERTYPE_AT, ETHERTYPE_IPV6),
    // All other IPv6 traffic ends here.
    ...expect(1, NEXT_HEADER_AT, NEXT_HEADER_ICMPV6),
    ...expect(1, HOP_LIMIT_AT, HOP_LIMIT),
    { type: 'load', octets: 1, offset: ICMP_TYPE_AT },
    { type: 'jump', test: 'equal', value: ROUTER_SOLICITATION, whenTrue: 'ours' },
    { type: 'jump', test: 'equal', value: ROUTER_ADVERTISEMENT, whenTrue: 'ours' },
    { type: 'label', name: 'foreign' },
    { type: 'return', octets: 0 },
    { type: 'label', name: 'ours' },
    { type: 'return', octets: MAX_ROUTER_FRAME_BYTES },
  ]);
}

function expect(octets: 1 | 2, offset: number, value: number): readonly BpfStep[] {
  return [{ type: 'load', octets, offset }, { type: 'jump', test: 'equal', value, whenFalse: 'foreign' }];
}
