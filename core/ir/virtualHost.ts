import type { ClientAuth } from './clientAuth.ts';
import type { ClusterKey } from './cluster.ts';
import type { ObjectRef } from './objectRef.ts';
import type { HostPattern } from '../net/hostPattern.ts';

/** Which request paths a route takes. `prefix` compares whole path elements (Ingress v1 `Prefix`). */
export interface PathMatch {
  readonly type: 'exact' | 'prefix';
  /** Begins with `/`. A prefix carries no trailing `/`, except `/` itself. */
  readonly value: string;
}

/** What a request header says about a canary (ingress-nginx `canary-by-header*`). */
export type HeaderRule =
  /** `always` chooses the canary, `never` refuses it, anything else says nothing. */
  | { readonly type: 'alwaysNever' }
  /** Equal chooses the canary, anything else says nothing. */
  | { readonly type: 'value'; readonly value: string }
  /** RE2 search in the value: a match chooses the canary. */
  | { readonly type: 'pattern'; readonly pattern: string }
  /** The pattern cannot be compiled: a request that has the header goes to the primary. */
  | { readonly type: 'refuse' };

/** One alternative to a route's primary cluster. */
export interface Canary {
  readonly cluster: ClusterKey;
  readonly ingress: ObjectRef;
  /** `name` is lower case. */
  readonly header: { readonly name: string; readonly rule: HeaderRule } | null;
  /** A cookie of this name says `always` or `never`. */
  readonly cookie: string | null;
  /** Share `weight / weightTotal`, 0 to 1; several canaries of one route share one draw. */
  readonly weight: number;
  readonly weightTotal: number;
  /** sticky: the canary keeps the primary's cookie affinity; legacy: it sets no cookie. */
  readonly affinity: 'sticky' | 'legacy';
}

/** What happens to a request of a route once its filters let it pass. */
export type RouteAction =
  | {
      readonly type: 'forward';
      readonly primary: ClusterKey;
      /** In the order in which they are asked: oldest Ingress first. */
      readonly canaries: readonly Canary[];
    }
  /** Answered by the proxy itself; `reason` is shown by `explain`, never to the client. */
  | { readonly type: 'respond'; readonly status: number; readonly reason: string };

/** A step between route match and forwarding. A closed union: each variant has one implementation in proxy/http/filters. */
export type RouteFilter = {
  /** A request that came over plain HTTP is sent to the same URL on HTTPS. */
  readonly type: 'httpsRedirect';
  readonly status: 301 | 302 | 303 | 307 | 308;
  /**
   * Requests whose path is one of these or lies below one (whole path elements, as `prefix` routes) pass without redirect,
   * so that ACME HTTP-01 challenges are answered over plain HTTP. Absent: none.
   */
  readonly exemptPrefixes?: readonly string[];
};

/** When another endpoint is tried (ingress-nginx `proxy-next-upstream*`). */
export interface RetryPolicy {
  /** The first try included; 0 means as many as there are endpoints. */
  readonly tries: number;
  /** For all tries together, ms; null: no limit. */
  readonly totalMs: number | null;
  readonly on: {
    readonly error: boolean;
    readonly timeout: boolean;
    readonly invalidHeader: boolean;
    /** Response statuses that lead to another try. */
    readonly statuses: readonly number[];
    /** Also requests whose method is not idempotent. */
    readonly nonIdempotent: boolean;
  };
}

/** Limits of one route. Times are ms. */
export interface RoutePolicy {
  readonly connectTimeoutMs: number;
  /** Between two reads from the backend; also the idle limit of a tunnel. */
  readonly readTimeoutMs: number;
  /** Between two writes to the backend. */
  readonly sendTimeoutMs: number;
  readonly retry: RetryPolicy;
  /** Null: unlimited. A larger request body is answered 413. */
  readonly maxBodyBytes: number | null;
  /** Host header sent to the backend (`upstream-vhost`); null: the client's. */
  readonly upstreamHost: string | null;
  readonly accessLog: boolean;
}

/** One path rule of a virtual host. */
export interface Route {
  readonly match: PathMatch;
  /** The Ingress that owns the rule. */
  readonly ingress: ObjectRef;
  /** Field of that Ingress: `spec.rules[0].http.paths[1]` or `spec.defaultBackend`. */
  readonly field: string;
  readonly filters: readonly RouteFilter[];
  readonly action: RouteAction;
  readonly policy: RoutePolicy;
}

/** The rules of one host name. Routes stand in match order: longest path first, exact before prefix. */
export interface VirtualHost {
  readonly host: HostPattern;
  readonly routes: readonly Route[];
  /** Absent: no client certificate is asked for. */
  readonly clientAuth?: ClientAuth;
}
