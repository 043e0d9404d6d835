import type { ClusterKey } from './cluster.ts';
import type { ObjectRef } from './objectRef.ts';

/** `tcp/192.0.2.1:53`, `udp/[2001:db8::1]:53`: made by `l4Key`. */
export type L4Key = string & { readonly brand: 'L4Key' };

/** One of the clusters that share the connections of a route; weights count against their sum. */
export interface L4Target {
  readonly cluster: ClusterKey;
  /** 0 to 1,000,000. */
  readonly weight: number;
}

/** Where connections or datagrams go, and under which conditions. Times are ms. */
export interface L4Route {
  /** The Service, ConfigMap or Ingress that asks for it. */
  readonly owner: ObjectRef;
  /** Field of the owner: `spec.ports[0]`, `data["9000"]`. */
  readonly field: string;
  /** Primary first, then canaries (`gatehouse.dev/canary-of`). A new connection draws one; an open one stays where it is. */
  readonly targets: readonly L4Target[];
  /** CIDRs clients must come from; null: everybody may. */
  readonly sourceRanges: readonly string[] | null;
  /** A client address keeps its endpoint until it has been silent this long (sessionAffinity ClientIP); null: each connection for itself. */
  readonly affinityTimeoutMs: number | null;
  /** Peers in these CIDRs speak the PROXY protocol first, and must; null: nobody does. TCP only. */
  readonly acceptProxyProtocol: { readonly trustedCidrs: readonly string[] } | null;
  /** Version written to the backend; null: none. TCP only. */
  readonly sendProxyProtocol: 'v1' | 'v2' | null;
  readonly connectTimeoutMs: number;
  /** TCP: nothing in either direction for this long ends the connection. UDP: ends the session. */
  readonly idleTimeoutMs: number;
  /** Connections or UDP sessions of one worker; more are refused. */
  readonly maxConnections: number;
}

/** A port the proxy listens on for one route. */
export interface L4Listener {
  readonly key: L4Key;
  readonly protocol: 'tcp' | 'udp';
  /** IP address literal. */
  readonly address: string;
  readonly port: number;
  readonly route: L4Route;
}

/** The key of a listener: also what is shown of it. */
export function l4Key(protocol: 'tcp' | 'udp', address: string, port: number): L4Key {
  return `${protocol}/${address.includes(':') ? `[${address}]` : address}:${port}` as L4Key;
}
