import type { Transport } from './transport.ts';

/** `namespace/service:port` plus `#policy` where Ingresses ask for different balancing of one Service. */
export type ClusterKey = string & { readonly brand: 'ClusterKey' };

/** One address that serves a cluster. */
export interface Endpoint {
  /** IP address literal, or a DNS name for an ExternalName Service. */
  readonly host: string;
  readonly port: number;
  /** 1 to 1000; the share this endpoint gets beside its siblings. */
  readonly weight: number;
  /** `ready` takes requests: also one that terminates but still serves, while nothing else can. A terminating one finishes what it has. */
  readonly state: 'ready' | 'terminating';
}

/** A part of the text that a consistent hash is taken of (ingress-nginx `upstream-hash-by`). Names are lower case. */
export type HashPart =
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'remoteAddress' }
  | { readonly type: 'host' }
  /** Path with query, as the client sent it. */
  | { readonly type: 'requestUri' }
  /** Path without query. */
  | { readonly type: 'path' }
  | { readonly type: 'method' }
  | { readonly type: 'scheme' }
  | { readonly type: 'header'; readonly name: string }
  | { readonly type: 'cookie'; readonly name: string }
  | { readonly type: 'query'; readonly name: string };

/** How an endpoint is chosen. Weights count in every policy. */
export type BalancePolicy =
  | { readonly type: 'roundRobin' }
  | { readonly type: 'leastConnections' }
  /** Peak exponentially weighted moving average of latency, two random choices. */
  | { readonly type: 'ewma' }
  /** Maglev consistent hash; `subsetSize` 1 sends one key to one endpoint, more spreads it inside a fixed subset. */
  | { readonly type: 'maglev'; readonly key: readonly HashPart[]; readonly subsetSize: number };

/** Cookie stickiness, fields as the ingress-nginx annotations `session-cookie-*`. */
export interface CookieAffinity {
  readonly name: string;
  /** balanced: sessions move to even out when endpoints change; persistent: a session stays while its endpoint lives. */
  readonly mode: 'balanced' | 'persistent';
  /** Null: the path of the route that matched. */
  readonly path: string | null;
  readonly domain: string | null;
  /** Seconds from now for Expires; may be negative. Null: no attribute. */
  readonly expiresSeconds: number | null;
  readonly maxAgeSeconds: number | null;
  /** `auto`: Secure on HTTPS only. */
  readonly secure: 'auto' | 'always';
  readonly sameSite: 'None' | 'Lax' | 'Strict' | null;
  /** Leave SameSite=None out for user agents known to mishandle it. */
  readonly conditionalSameSiteNone: boolean;
  /** After a failed try choose another endpoint and set the cookie again. */
  readonly changeOnFailure: boolean;
}

/** A set of endpoints with one policy. */
export interface Cluster {
  readonly key: ClusterKey;
  /** `namespace-service-port`: the upstream name in access logs and metrics, as ingress-nginx prints it. */
  readonly name: string;
  readonly namespace: string;
  readonly service: string;
  /** As the Ingress names it: a number or a port name. */
  readonly port: string;
  /** Sorted by host, then port. Empty: requests are answered 503. */
  readonly endpoints: readonly Endpoint[];
  /** Why `endpoints` has no ready member, in words for `explain`; null when it has. */
  readonly unavailable: string | null;
  readonly balance: BalancePolicy;
  readonly affinity: CookieAffinity | null;
  /** Absent: HTTP/1.1 in clear text, or not HTTP at all. */
  readonly transport?: Transport;
}
