import { AF_INET, AF_INET6 } from '../../../core/os/socketAddress.ts';
import type { StaleFlows } from '../kernel/kernelParts.ts';
import { parseAddressOctets } from './addressOctets.ts';
import type { ConntrackEntry, ConntrackFilter, FlowEnd } from './conntrackMessage.ts';

/** Decides which entries are stale: made once per flush, asked for every entry. */
export interface StaleFlowFinder {
  /** The narrowest filters that let everything through that may be stale: one per family. */
  readonly filters: readonly ConntrackFilter[];
  /** True when the entry is of one of the VIP ports, and leads elsewhere than it may. */
  readonly isStale: (entry: ConntrackEntry) => boolean;
}

/** IANA protocol numbers. */
const PROTOCOL_NUMBERS: Readonly<Record<StaleFlows['protocol'], number>> = { tcp: 6, udp: 17 };

interface VipPort {
  readonly family: ConntrackFilter['family'];
  readonly protocol: number;
  readonly vip: Buffer;
  readonly port: number;
  /** By `endKey`. */
  readonly keep: ReadonlySet<string>;
}

/** A finder for `flows`; those whose VIP is no address are left out. */
export function createStaleFlowFinder(flows: readonly StaleFlows[]): StaleFlowFinder {
  const ports = flows.flatMap(readVipPort);
  const byKey = new Map(ports.map((one) => [portKey(one.protocol, { octets: one.vip, port: one.port }), one]));
  return {
    filters: FAMILIES.flatMap((family) => combine(family, ports.filter((one) => one.family === family))),
    isStale: ({ protocol, destination, responder }) => {
      const port = byKey.get(portKey(protocol, destination));
      return port !== undefined && !port.keep.has(endKey(responder));
    },
  };
}

const FAMILIES: readonly ConntrackFilter['family'][] = [AF_INET, AF_INET6];

function readVipPort({ protocol, vip, port, keep }: StaleFlows): readonly VipPort[] {
  const address = parseAddressOctets(vip);
  if (address === null) return [];
  const ends = keep.flatMap((endpoint) => {
    const parsed = parseAddressOctets(endpoint.address);
    return parsed === null ? [] : [endKey({ octets: parsed.octets, port: endpoint.port })];
  });
  return [{ family: address.family, protocol: PROTOCOL_NUMBERS[protocol], vip: address.octets, port, keep: new Set(ends) }];
}

/** What all have in common. */
function combine(family: ConntrackFilter['family'], ports: readonly VipPort[]): readonly ConntrackFilter[] {
  const [first] = ports;
  if (first === undefined) return [];
  // For IPv6, kernels (6.18 among them) let exactly the entries of other addresses through.
  const sameAddress = family === AF_INET && ports.every(({ vip }) => vip.equals(first.vip));
  const sameProtocol = ports.every(({ protocol }) => protocol === first.protocol);
  const samePort = ports.every(({ port }) => port === first.port);
  return [{
    family,
    protocol: sameProtocol ? first.protocol : null,
    destination: sameAddress ? first.vip : null,
    port: sameProtocol && samePort ? first.port : null,
  }];
}

function portKey(protocol: number, end: FlowEnd): string {
  return `${protocol} ${endKey(end)}`;
}

/** Text of an address costs more than an entry of a million may. */
function endKey({ octets, port }: FlowEnd): string {
  return `${octets.toString('latin1')} ${port}`;
}
