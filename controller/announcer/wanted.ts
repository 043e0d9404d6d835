import type { BgpWanted } from './bgp/bgpWanted.ts';
import type { L4Key } from '../../core/ir/l4.ts';

/** What this node's announcer is to do: complete, plain data, made by translation. */
export interface AnnouncerWanted {
  /** Ports of VIPs that the kernel forwards or hands to the proxy, by key. */
  readonly ports: ReadonlyMap<L4Key, ForwardedPort>;
  /** VIPs that are announced on the local network, by canonical address. */
  readonly vips: ReadonlyMap<string, AnnouncedVip>;
  /** Nodes that may run an announcer, this one included: node name → addresses it is reached at, canonical. */
  readonly nodes: ReadonlyMap<string, readonly string[]>;
  /** Routers to announce addresses to. */
  readonly bgp: BgpWanted;
}

/** One port of a VIP, and what becomes of packets to it. */
export interface ForwardedPort {
  readonly key: L4Key;
  readonly protocol: 'tcp' | 'udp';
  /** The VIP, canonical. */
  readonly address: string;
  readonly port: number;
  readonly to: ForwardTarget;
  /** CIDRs that clients must come from; null: everybody may; empty: nobody. Clients on this machine are not asked. */
  readonly sourceRanges: readonly string[] | null;
}

export type ForwardTarget =
  | {
      readonly type: 'endpoints';
      /** Where packets from elsewhere go; empty: the port is rejected. */
      readonly endpoints: readonly KernelEndpoint[];
      /** Where those of this machine go: all endpoints, also under externalTrafficPolicy Local. */
      readonly ownEndpoints: readonly KernelEndpoint[];
      /** Endpoints see the client's address (externalTrafficPolicy Local); else that of this node. */
      readonly keepSource: boolean;
      /** A client address keeps its endpoint until it has opened no connection for this long; null: each connection for itself. */
      readonly affinityTimeoutMs: number | null;
      /** `maglev`: every node sends one flow (address and port of the client) to the same endpoint. */
      readonly balance: 'random' | 'maglev';
    }
  /** The proxy of this node has a transparent socket bound to address and port. */
  | { readonly type: 'proxy' };

export interface KernelEndpoint {
  readonly address: string;
  readonly port: number;
  /** 1 to 1,000,000; counts against the sum. */
  readonly weight: number;
  /** Node that it is on, which flows may be handed over to (balance `maglev`); absent: none, or it is not known. */
  readonly node?: string;
}

/** An address that one node, or for `perClient` all of them together, answers ARP or NDP for. */
export interface AnnouncedVip {
  readonly address: string;
  /** Nodes that may answer, as far as objects say, by name. */
  readonly candidates: readonly VipCandidate[];
  /** Names, `/regular expressions/` or `can_reach:<ip>`, sorted; empty: every interface that is not excluded. */
  readonly interfaces: readonly string[];
  readonly sharing: 'owner' | 'perClient';
  /** A node that returns does not take it back. */
  readonly sticky: boolean;
  /** `lease`: only a node that holds the Lease of the VIP answers; `hash`: nodes agree by themselves. */
  readonly ownership: 'hash' | 'lease';
  /** It has ports that the proxy carries: of no use on a node whose proxy does not serve. */
  readonly needsProxy: boolean;
  /** `namespace/name` of the Services that have it, sorted. */
  readonly services: readonly string[];
}

export interface VipCandidate {
  readonly node: string;
  /** Sum of the weights of preferredNodeSelectors that fit: more is better, whoever has most is chosen among. */
  readonly preference: number;
}

/** What does not change while an announcer runs. */
export interface AnnouncerSettings {
  readonly nodeName: string;
  /** UDP port of membership (default 7946). */
  readonly membershipPort: number;
  /**
   * Shared by all nodes, at least 16 octets, base64; several are separated by spaces: the first is sent with, all are accepted. Null:
   * messages are not authenticated. Never logged.
   */
  readonly membershipKey: string | null;
  /** Without word from more than half of `nodes`, this node gives up its VIPs. */
  readonly quorum: boolean;
  /** Names of interfaces that are never used, as regular expressions (RE2). */
  readonly excludedInterfaces: readonly string[];
  /** Between two repetitions of gratuitous frames after the burst of a take-over; 0: none. */
  readonly gratuitousIntervalMs: number;
  /** Bit of the packet mark that leads packets to the proxy, and the routing table for it. */
  readonly mark: number;
  readonly routeTable: number;
  /** Sysctls that forwarding needs may be changed (`--set-sysctls`), else they are only reported. */
  readonly setSysctls: boolean;
}

/** Interfaces no VIP is announced on unless they are named: those of containers and of other software (MetalLB's list, and ours). */
export const EXCLUDED_INTERFACES: readonly string[] = [
  '^docker.*', '^cbr.*', '^dummy.*', '^virbr.*', '^lxcbr.*', '^veth.*', '^lo$', '^cali.*', '^tunl.*', '^flannel.*', '^kube-ipvs.*', '^cni.*',
  '^nodelocaldns.*', '^lxc.*', '^cilium.*', '^wg.*', '^vxlan.*',
];

export const DEFAULT_MEMBERSHIP_PORT = 7946;
