import type { ListenAddress } from './listenAddress.ts';

/** How a Gatehouse in a cluster is told to work. */
export interface ClusterOptions {
  /** Path; null: inside a Pod, by its ServiceAccount. */
  readonly kubeconfig: string | null;
  /** Null: the file's current one. */
  readonly context: string | null;
  /** Own namespace: Lease, webhook Secret, Events of cluster-scoped objects. */
  readonly namespace: string;
  /** How Secrets are read: those that are named, by get and watch or by get alone, or all by list and watch. */
  readonly secrets: 'named' | 'polled' | 'all';
  /** Products whose objects are read as well. */
  readonly compat: readonly ('metallb' | 'openelb')[];
  /** Name of the Lease; null: no election, this one gives and writes. */
  readonly electionLease: string | null;
  /** Leases are kept for VIPs whose L2Advertisement asks for it (`ownership: lease`). */
  readonly vipLeases: boolean;
  /** False: statuses and Events are never written. */
  readonly updateStatus: boolean;
  /** IP addresses and host names written as every Ingress's own; empty: those of the publish Service. */
  readonly publishStatusAddresses: readonly string[];
  /** `namespace/name` of the Service whose endpoints are our own Pods; null: unknown. */
  readonly ownService: string | null;
  /** Null: off. */
  readonly webhook: WebhookOptions | null;
}

/** How the admission webhook is told to work. */
export interface WebhookOptions {
  readonly listen: ListenAddress;
  /** Names of the Service and the Secret, both in the own namespace, and of the ValidatingWebhookConfiguration. */
  readonly service: string;
  readonly secret: string;
  readonly configuration: string;
  /** Certificate and key that somebody else looks after; null: our own, in the Secret. */
  readonly files: { readonly certificate: string; readonly key: string } | null;
  /** File of authorities whose clients may ask; null: anybody may. */
  readonly clientCa: string | null;
}
