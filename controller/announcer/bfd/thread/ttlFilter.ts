import { assembleBpf } from '../../../../core/os/bpfProgram.ts';
import { AF_INET, type AF_INET6 } from '../../../../core/os/socketAddress.ts';

/** linux/filter.h: SKF_NET_OFF. Loads from here on read the IP header; others begin with the UDP header. */
const NETWORK_HEADER = 0xfff0_0000;
const TTL_OFFSET = 8;
const HOP_LIMIT_OFFSET = 7;
const ALL_OCTETS = 0xffff;

/**
 * Drops what a router has passed on (RFC 5881 section 5, GTSM): a flood from afar costs neither wake-ups nor room in the queue, whatever
 * source it pretends. The kernel counts it among the socket's drops.
 */
export function assembleTtlFilter(family: typeof AF_INET | typeof AF_INET6): Buffer {
  return assembleBpf([
    { type: 'load', octets: 1, offset: NETWORK_HEADER + (family === AF_INET ? TTL_OFFSET : HOP_LIMIT_OFFSET) },
    { type: 'jump', test: 'equal', value: 255, whenFalse: 'foreign' },
    { type: 'return', octets: ALL_OCTETS },
    { type: 'label', name: 'foreign' },
    { type: 'return', octets: 0 },
  ]);
}
