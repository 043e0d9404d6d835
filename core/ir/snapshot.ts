import type { Certificate, CertificateKey } from './certificate.ts';
import type { Cluster, ClusterKey } from './cluster.ts';
import type { L4Key, L4Listener, L4Route } from './l4.ts';
import type { Settings } from './settings.ts';
import type { VirtualHost } from './virtualHost.ts';
import type { HostPattern } from '../net/hostPattern.ts';

/**
 * The complete, validated, plain-data description of what to serve: the seam between controller and proxy.
 * Maps, not objects, so that a host named `__proto__` is a key like any other.
 */
export interface Snapshot {
  readonly settings: Settings;
  /** host pattern → its routes. */
  readonly virtualHosts: ReadonlyMap<HostPattern, VirtualHost>;
  readonly clusters: ReadonlyMap<ClusterKey, Cluster>;
  readonly certificates: ReadonlyMap<CertificateKey, Certificate>;
  /** TLS server name → certificate; a name not found (exact, then one-label wildcard) gets `default`. */
  readonly serverNames: ReadonlyMap<HostPattern, CertificateKey>;
  /** Ports of their own. What they need in descriptors the controller opens beside. */
  readonly l4Listeners: ReadonlyMap<L4Key, L4Listener>;
  /** TLS server name on the HTTPS listeners → where its connections go unopened (`ssl-passthrough`); looked up before `serverNames`. */
  readonly passthrough: ReadonlyMap<HostPattern, L4Route>;
}

/** Changes of one map. */
export interface MapDelta<K, V> {
  readonly upsert: readonly (readonly [K, V])[];
  readonly remove: readonly K[];
}

/** What turns one snapshot into the next. Plain data: it crosses process and thread borders by structured clone. */
export interface SnapshotDelta {
  /** Generation reached once this delta is applied; counts from 1. */
  readonly generation: number;
  /** Null: unchanged. */
  readonly settings: Settings | null;
  readonly virtualHosts: MapDelta<HostPattern, VirtualHost>;
  readonly clusters: MapDelta<ClusterKey, Cluster>;
  readonly certificates: MapDelta<CertificateKey, Certificate>;
  readonly serverNames: MapDelta<HostPattern, CertificateKey>;
  readonly l4Listeners: MapDelta<L4Key, L4Listener>;
  readonly passthrough: MapDelta<HostPattern, L4Route>;
}
