import type { ConfigurationBase, LabelSelector } from './objectBase.ts';

/** Which Services a pool is kept for (MetalLB's serviceAllocation). */
export interface ServiceAllocation {
  /** Lower goes first; 0 comes last, as with MetalLB. */
  readonly priority: number;
  /** Names, and selectors on Namespaces: one of them must fit. Both empty: every namespace. */
  readonly namespaces: readonly string[];
  readonly namespaceSelectors: readonly LabelSelector[];
  /** One must fit. Empty: every Service. */
  readonly serviceSelectors: readonly LabelSelector[];
}

/** An address kept for one Service, whether it exists or not. */
export interface ReservedAddress {
  /** Literal, as written. */
  readonly address: string;
  /** `namespace/name`. */
  readonly service: string;
}

/** `IPAddressPool.status`, as it stands in the API server. */
export interface PoolStatus {
  readonly assignedIPv4: number;
  readonly assignedIPv6: number;
  readonly availableIPv4: number;
  readonly availableIPv6: number;
}

/** Addresses for Services of type LoadBalancer (gatehouse.dev/v1, fields as MetalLB's and more). */
export interface IPAddressPool extends ConfigurationBase {
  readonly kind: 'IPAddressPool';
  /** As written: `192.0.2.0/24`, `192.0.2.1-192.0.2.9`. */
  readonly addresses: readonly string[];
  /** False: only for Services that ask for the pool or for an address in it. */
  readonly autoAssign: boolean;
  /** Leave out addresses that end in .0 and .255. */
  readonly avoidBuggyIPs: boolean;
  /** Null: for every Service. */
  readonly serviceAllocation: ServiceAllocation | null;
  /** No new addresses are given, Services keep those they have. */
  readonly drain: boolean;
  readonly reserved: readonly ReservedAddress[];
  /** Tried before all others when a Service asks for none (OpenELB's default Eip). */
  readonly isDefault: boolean;
  /** Null when there is none yet. */
  readonly status: PoolStatus | null;
}
