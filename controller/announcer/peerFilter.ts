import { assembleBpf, type BpfStep } from '../../core/os/bpfProgram.ts';
import { ADDRESS_BITS, parseIpAddress } from '../../core/net/ipAddress.ts';

/** What the kernel looks at in packets from one address, before it answers them or hands them on. */
export interface PeerGuard {
  readonly address: string;
  /** RFC 5082: those that come from further away are dropped; null: none are. */
  readonly minimumTtl: number | null;
  /** All of them are dropped for now. */
  readonly isHeld: boolean;
}

/** What is said of everybody: peers, one guard for each address, and all others. */
export interface PeerGuards {
  readonly peers: readonly PeerGuard[];
  /** Packets of all others are dropped for now. */
  readonly areOthersHeld: boolean;
}

/**
 * Ours: of 12 steps at most, so that two filters, as there are while one replaces the other, are within net.core.optmem_max as it was before
 * Linux 6.8 (20 KiB). Of more addresses the socket's owner looks at what it gets, and the kernel does not.
 */
export const MAX_GUARDS = 64;

/** linux/filter.h: SKF_NET_OFF, from where the IP header begins, as a socket of TCP or UDP is shown octets from that header on. */
const IP_HEADER = 0xfff0_0000;
/** RFC 791 section 3.1, RFC 8200 section 3. */
const LAYOUT = { ipv4: { family: 'IPv4', ttlAt: 8, sourceAt: 12 }, ipv6: { family: 'IPv6', ttlAt: 7, sourceAt: 8 } } as const;
const WHOLE = 0xffff_ffff;
const TAKE: BpfStep = { type: 'return', octets: WHOLE };
const DROP: BpfStep = { type: 'return', octets: 0 };

/**
 * A filter for a socket that peers send to. Connections that a listening one takes inherit it, so that it must let through what belongs
 * to those. Guards beyond `MAX_GUARDS` are left out, and then others are let through.
 */
export function assemblePeerFilter(family: keyof typeof LAYOUT, { peers, areOthersHeld }: PeerGuards): Buffer {
  const guards = peers.slice(0, MAX_GUARDS);
  const isComplete = guards.length === peers.length;
  return assembleBpf([...guards.flatMap((guard, index) => guardSteps(family, guard, `after ${index}`)), areOthersHeld && isComplete ? DROP : TAKE]);
}

function guardSteps(family: keyof typeof LAYOUT, { address, minimumTtl, isHeld }: PeerGuard, after: string): readonly BpfStep[] {
  const { ttlAt, sourceAt, ...own } = LAYOUT[family];
  const source = parseIpAddress(address);
  if (source?.family !== own.family) return [];
  const steps: BpfStep[] = [];
  for (let bit = 0; bit < ADDRESS_BITS[own.family]; bit += 32) {
    const word = Number(BigInt.asUintN(32, source.value >> BigInt(ADDRESS_BITS[own.family] - 32 - bit)));
    steps.push({ type: 'load', octets: 4, offset: IP_HEADER + sourceAt + bit / 8 }, { type: 'jump', test: 'equal', value: word, whenFalse: after });
  }
  if (isHeld) return [...steps, DROP, { type: 'label', name: after }];
  if (minimumTtl === null) return [...steps, TAKE, { type: 'label', name: after }];
  const near = `near ${after}`;
  return [
    ...steps,
    { type: 'load', octets: 1, offset: IP_HEADER + ttlAt },
    { type: 'jump', test: 'greaterOrEqual', value: minimumTtl, whenTrue: near },
    DROP, { type: 'label', name: near }, TAKE, { type: 'label', name: after },
  ];
}
