import type { Cluster } from '../../core/ir/cluster.ts';
import type { Route, VirtualHost } from '../../core/ir/virtualHost.ts';

/**
 * What a request was matched to, in the words of logs and metrics. Made once for a route and its chosen cluster and
 * shared by all requests of the pair, which is what makes counting cheap: series are found by this object, not by text.
 * Empty strings stand for what does not apply.
 */
export interface RouteSubject {
  /** Namespace and name of the Ingress. */
  readonly namespace: string;
  readonly ingress: string;
  /** The primary's Service, as in ingress-nginx; a canary shows in `canary`. */
  readonly service: string;
  readonly servicePort: string;
  /** Host of the rule: a pattern, never what the client sent. */
  readonly host: string;
  /** Path of the rule. */
  readonly path: string;
  /** `namespace-service-port` of the primary (`$proxy_upstream_name`). */
  readonly upstreamName: string;
  /** The same of the canary that was chosen (`$proxy_alternative_upstream_name`). */
  readonly canary: string;
}

/** Subject of requests that matched no rule, and of those that could not be read. */
export const NO_ROUTE: RouteSubject = {
  namespace: '',
  ingress: '',
  service: '',
  servicePort: '',
  host: '',
  path: '',
  upstreamName: '',
  canary: '',
};

/** What a subject is made of. */
export interface Matched {
  readonly virtualHost: VirtualHost;
  readonly route: Route;
  /** Null when the route answers by itself. */
  readonly primary: Cluster | null;
  /** Null when no canary was chosen. */
  readonly canary: Cluster | null;
}

/** Names what was matched. Callers keep the result with the route. */
export function routeSubject({ virtualHost, route, primary, canary }: Matched): RouteSubject {
  return {
    namespace: route.ingress.namespace,
    ingress: route.ingress.name,
    service: primary?.service ?? '',
    servicePort: primary?.port ?? '',
    host: virtualHost.host,
    path: route.match.value,
    upstreamName: primary?.name ?? '',
    canary: canary?.name ?? '',
  };
}
