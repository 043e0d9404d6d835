/** An address of each family. */
export interface Addresses {
  readonly ipv4: string;
  readonly ipv6: string;
}

/** Prefix lengths of every subnet of the lab. */
export const PREFIX_LENGTH = { ipv4: 24, ipv6: 64 } as const;

/** The subnet of nodes, client, router and VIPs: 10.77.0.0/24 and fd77:0:0:0::/64. */
export function lanAddress(host: number): Addresses {
  return { ipv4: `10.77.0.${host}`, ipv6: `fd77::${host}` };
}

/** The subnet behind the router. */
export function farAddress(host: number): Addresses {
  return { ipv4: `10.78.0.${host}`, ipv6: `fd77:1::${host}` };
}

/** The subnet of a node's endpoints; host 1 is the node itself. */
export function podAddress(node: number, host: number): Addresses {
  return { ipv4: `10.79.${node}.${host}`, ipv6: `fd77:2:${node}::${host}` };
}

/** Subnets as CIDRs. */
export function podSubnet(node: number): Addresses {
  return { ipv4: `10.79.${node}.0/24`, ipv6: `fd77:2:${node}::/64` };
}

export const ROUTER_HOST = 1;
export const CLIENT_HOST = 100;
/** Hosts from here on are further addresses of whoever asks, up to 199. */
export const FIRST_ASKER_HOST = 130;
/** Hosts from here on are free for VIPs, up to 250. */
export const FIRST_VIP_HOST = 200;

/** Of node `number`, counted from 1. */
export function nodeHost(number: number): number {
  return 10 + number;
}

/** Addresses that a node's endpoints have, all on one interface: `pods` of them from host 2 on. */
export function podAddresses(node: number, pods: number): readonly Addresses[] {
  return Array.from({ length: pods }, (_, index) => podAddress(node, index + 2));
}
