import type { ClusterKey } from '../../../core/ir/cluster.ts';
import type { PathMatch, Route, RoutePolicy, VirtualHost } from '../../../core/ir/virtualHost.ts';
import type { HostPattern } from '../../../core/net/hostPattern.ts';

const POLICY: RoutePolicy = {
  connectTimeoutMs: 5_000,
  readTimeoutMs: 60_000,
  sendTimeoutMs: 60_000,
  retry: {
    tries: 3,
    totalMs: null,
    on: { error: true, timeout: true, invalidHeader: false, statuses: [], nonIdempotent: false },
  },
  maxBodyBytes: 1_048_576,
  upstreamHost: null,
  accessLog: true,
};

/** A forwarding route; `path` is `=/foo` for an exact and `/foo` for a prefix rule. For tests and benches. */
export function routeTo(path: string, cluster: string): Route {
  const match: PathMatch = path.startsWith('=')
    ? { type: 'exact', value: path.slice(1) }
    : { type: 'prefix', value: path };
  return {
    match,
    ingress: { kind: 'Ingress', namespace: 'shop', name: 'web' },
    field: 'spec.rules[0].http.paths[0]',
    filters: [],
    action: { type: 'forward', primary: cluster as ClusterKey, canaries: [] },
    policy: POLICY,
  };
}

/** A virtual host of path → cluster. For tests and benches. */
export function virtualHost(
  host: string,
  paths: Readonly<Record<string, string>>,
): readonly [HostPattern, VirtualHost] {
  const routes = Object.entries(paths).map(([path, cluster]) => routeTo(path, cluster));
  return [host as HostPattern, { host: host as HostPattern, routes }];
}
