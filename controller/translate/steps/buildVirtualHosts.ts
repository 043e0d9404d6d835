import type { ClientAuth } from '../../../core/ir/clientAuth.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import type { Canary, Route, RouteAction, RouteFilter, VirtualHost } from '../../../core/ir/virtualHost.ts';
import type { HostPattern } from '../../../core/net/hostPattern.ts';
import { backendField, requestCluster, type ClusterUse } from '../clusterRequest.ts';
import { compareText } from '../ingressAge.ts';
import { whyUnserved, type BackendPolicy } from '../ingressPlan.ts';
import { problemOf } from '../problemOf.ts';
import type { AttachedCanary, CanaryTable } from './attachCanaries.ts';
import type { IngressDefaults } from './readSettings.ts';
import type { ClaimedPath, HostTable } from './resolveClaims.ts';

const UNAVAILABLE = 503;
const NO_CANARIES: readonly AttachedCanary[] = [];

/** What the steps before have found out. */
export interface RouteInputs {
  readonly hosts: HostTable;
  readonly canaries: CanaryTable;
  /** host → why none of its paths may be served. */
  readonly deniedHosts: ReadonlyMap<HostPattern, string>;
  /** host → what is asked of its clients' certificates. */
  readonly clientAuth: ReadonlyMap<HostPattern, ClientAuth>;
  /** Hosts for which TLS is configured. */
  readonly tlsHosts: ReadonlySet<HostPattern>;
  readonly defaults: IngressDefaults;
}

/** Virtual hosts sorted by host, and the clusters that their routes refer to. */
export interface BuiltRoutes {
  readonly virtualHosts: ReadonlyMap<HostPattern, VirtualHost>;
  readonly uses: readonly ClusterUse[];
  readonly problems: readonly Problem[];
}

interface Build extends RouteInputs {
  readonly uses: ClusterUse[];
  readonly problems: Problem[];
}

/** Turns claimed paths into routes in match order: longest path first, exact before prefix. */
export function buildVirtualHosts(inputs: RouteInputs): BuiltRoutes {
  const build: Build = { ...inputs, uses: [], problems: [] };
  const virtualHosts = new Map<HostPattern, VirtualHost>();
  for (const host of [...inputs.hosts.keys()].toSorted(compareText)) {
    const paths = [...(inputs.hosts.get(host)?.values() ?? [])].toSorted(compareMatch);
    const clientAuth = inputs.clientAuth.get(host);
    virtualHosts.set(host, {
      host,
      routes: paths.map((path) => routeOf(path, build)),
      ...(clientAuth === undefined ? {} : { clientAuth }),
    });
  }
  return { virtualHosts, uses: build.uses, problems: build.problems };
}

function compareMatch(a: ClaimedPath, b: ClaimedPath): number {
  const one = a.claim.match;
  const other = b.claim.match;
  return other.value.length - one.value.length || compareText(one.type, other.type) || compareText(one.value, other.value);
}

function routeOf(path: ClaimedPath, build: Build): Route {
  const { plan, claim } = path;
  return {
    match: claim.match,
    ingress: plan.ref,
    field: claim.field,
    filters: filtersOf(path, build),
    action: actionOf(path, build),
    policy: plan.policy,
  };
}

/** Filters run before the action, so that a host that is not served still redirects. */
function filtersOf({ plan, claim }: ClaimedPath, { tlsHosts, defaults }: Build): readonly RouteFilter[] {
  const wanted = plan.redirect === 'always' || (plan.redirect === 'withTls' && tlsHosts.has(claim.host));
  const exempt = defaults.redirectFilter.exemptPrefixes ?? [];
  // The solver Ingress of an ACME client: its path lies below the exemption, so there is nothing left to redirect.
  if (!wanted || exempt.some((prefix) => liesBelow(claim.match.value, prefix))) return [];
  return [defaults.redirectFilter];
}

function liesBelow(path: string, prefix: string): boolean {
  const base = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  return path === base || path.startsWith(`${base}/`);
}

function actionOf(path: ClaimedPath, build: Build): RouteAction {
  const { plan, claim } = path;
  const denial = whyUnserved(plan, claim.host) ?? build.deniedHosts.get(claim.host) ?? null;
  if (denial !== null) return { type: 'respond', status: UNAVAILABLE, reason: denial };
  const { backend } = claim;
  if (backend.type === 'resource') {
    build.problems.push(
      problemOf(plan.ingress, {
        severity: 'error',
        field: backendField(claim.field, 'resource'),
        rule: 'must be a Service: resource backends are not supported',
        value: backend.kind,
        effect: 'the path answers 503',
      }),
    );
    const reason = `backend is a resource (${backend.kind} ${backend.name}), not a Service`;
    return { type: 'respond', status: UNAVAILABLE, reason };
  }
  const primary = requestCluster(plan.ref.namespace, backend, plan.backendPolicy);
  build.uses.push({ request: primary, ingress: plan.ingress, field: claim.field, role: 'main' });
  const canaries = (build.canaries.get(path) ?? NO_CANARIES).map((canary) => canaryOf(canary, plan.backendPolicy, build));
  return { type: 'forward', primary: primary.key, canaries };
}

function canaryOf(attached: AttachedCanary, main: BackendPolicy, build: Build): Canary {
  const { plan, rule, backend, field } = attached;
  const request = requestCluster(plan.ref.namespace, backend, canaryPolicy(attached, main));
  build.uses.push({ request, ingress: plan.ingress, field, role: 'canary' });
  return { cluster: request.key, ingress: plan.ref, ...rule };
}

/**
 * A sticky canary takes over the main's affinity; a legacy one has none. One that does not say how it is spoken to is spoken to
 * as the main is, so that it is not reached in clear text by mistake. Balancing is the canary's own.
 */
function canaryPolicy({ plan, rule }: AttachedCanary, main: BackendPolicy): BackendPolicy {
  const own = plan.backendPolicy;
  const affinity = rule.affinity === 'legacy' ? null : (main.affinity ?? own.affinity);
  return { ...own, affinity, transport: plan.transportWish === null ? main.transport : own.transport };
}
