import type { ConfigurationBase, LabelSelector } from './objectBase.ts';

/** Which nodes and interfaces answer ARP/NDP for addresses of which pools (as MetalLB's). */
export interface L2Advertisement extends ConfigurationBase {
  readonly kind: 'L2Advertisement';
  /** Names, and selectors on pools; both empty: all pools. */
  readonly ipAddressPools: readonly string[];
  readonly ipAddressPoolSelectors: readonly LabelSelector[];
  /** One must fit; empty: all nodes. */
  readonly nodeSelectors: readonly LabelSelector[];
  /** Interface names, or `can_reach:<ip>`: the interface whose route leads there. Empty: all. */
  readonly interfaces: readonly string[];
  readonly serviceSelectors: readonly LabelSelector[];
  readonly preferredNodeSelectors: readonly { readonly weight: number; readonly preference: LabelSelector }[];
  /** `owner`: one node answers for an address. `perClient`: each client is answered by the node that its address falls to. */
  readonly sharing: 'owner' | 'perClient';
  /** An address stays where it is when its former owner returns. */
  readonly sticky: boolean;
  /** `hash`: nodes agree by themselves on who answers. `lease`: only who holds a Lease of the address does. */
  readonly ownership: 'hash' | 'lease';
}

/** How addresses of which pools are announced to BGP peers (as MetalLB's). */
export interface BGPAdvertisement extends ConfigurationBase {
  readonly kind: 'BGPAdvertisement';
  readonly aggregationLength: number;
  readonly aggregationLengthV6: number;
  readonly localPref: number | null;
  /** `65535:65281`, `large:1:2:3`, or a name of a Community object. */
  readonly communities: readonly string[];
  readonly ipAddressPools: readonly string[];
  readonly ipAddressPoolSelectors: readonly LabelSelector[];
  readonly nodeSelectors: readonly LabelSelector[];
  /** Names of BGPPeers; empty: all. */
  readonly peers: readonly string[];
  readonly serviceSelectors: readonly LabelSelector[];
  /** MULTI_EXIT_DISC; null: none. */
  readonly med: number | null;
  /** How many times the own AS is put before the path more than it must be. */
  readonly asPathPrepend: number;
  /** `endpoints`: the link bandwidth community says how many endpoints are on the node. */
  readonly linkBandwidth: 'endpoints' | null;
}

/** Names for BGP communities. */
export interface Community extends ConfigurationBase {
  readonly kind: 'Community';
  readonly communities: readonly { readonly name: string; readonly value: string }[];
}
