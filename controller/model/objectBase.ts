import type { SourcePosition } from '../../core/ir/problem.ts';

/** Of every object; maps, as their keys come from outside. */
export interface Metadata {
  readonly name: string;
  /** Empty for cluster-scoped kinds; `default` when a namespaced manifest names none. */
  readonly namespace: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  /** ms since the epoch; null when not given (manifest files). */
  readonly createdAtMs: number | null;
  /** Of the API server; empty in manifest files. */
  readonly uid: string;
  /** Opaque version of the API server, for optimistic concurrency; empty in manifest files. */
  readonly resourceVersion: string;
}

/** What every object carries besides its own fields. */
export interface ObjectBase {
  readonly metadata: Metadata;
  /** Where it was read: file and line of its first line, and lines of its fields; null from an API server. */
  readonly origin: Origin | null;
}

/** Finds the line of a field in the file an object was read from. */
export interface Origin {
  readonly position: SourcePosition;
  /** Position of a field path such as `spec.rules[0].host`; of its nearest existing parent when the field is absent. */
  locate(field: string): SourcePosition;
}

/** What configuration carries that may be another product's. */
export interface ConfigurationBase extends ObjectBase {
  /** Group that the object was written in: `gatehouse.dev`, or of the product it was taken over from. Only our own has a status we write. */
  readonly group: string;
}

/** metav1.LabelSelector: all of both must hold; empty: everything. */
export interface LabelSelector {
  readonly matchLabels: ReadonlyMap<string, string>;
  readonly matchExpressions: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values: readonly string[];
  }[];
}

/** One entry of `status.loadBalancer.ingress` of a Service or an Ingress, as it stands in the API server. */
export interface LoadBalancerIngress {
  /** Empty when not set. */
  readonly ip: string;
  readonly hostname: string;
  /** Null when not set; of Services only. */
  readonly ipMode: 'VIP' | 'Proxy' | null;
  readonly ports: readonly { readonly port: number; readonly protocol: string }[];
}

/** One entry of `status.conditions` (meta/v1 Condition). */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}
