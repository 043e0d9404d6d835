import type { ClientAuth } from '../../../core/ir/clientAuth.ts';
import type { L4Route } from '../../../core/ir/l4.ts';
import { printRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import { ANY_HOST, type HostPattern } from '../../../core/net/hostPattern.ts';
import type { IngressBackendService } from '../../model/ingress.ts';
import { backendField, portText } from '../clusterRequest.ts';
import { compareText } from '../ingressAge.ts';
import { matchKey, refuseHost, whyUnserved, type IngressPlan } from '../ingressPlan.ts';
import type { ClusterBook } from '../l4/clusterBook.ts';
import { problemOf, type Finding } from '../problemOf.ts';
import { FIXED_LIMITS } from '../settings/limits.ts';
import { WHOLE_HOST } from './expandRules.ts';
import type { ClaimedPath, HostTable } from './resolveClaims.ts';

/** ingress-nginx `proxy-stream-timeout`; its own passthrough has no limit, so that dead connections stay for ever. */
const IDLE_TIMEOUT_MS = 600_000;

/** Hosts whose TLS connections go unopened to a backend. */
export interface PlannedPassthrough {
  /** Sorted by host. */
  readonly passthrough: ReadonlyMap<HostPattern, L4Route>;
  /** host → why none of its paths may be served. */
  readonly deniedHosts: ReadonlyMap<HostPattern, string>;
  readonly problems: readonly Problem[];
}

/** What the steps before have found out. */
export interface PassthroughInputs {
  readonly hosts: HostTable;
  /** host → what is asked of its clients' certificates. */
  readonly clientAuth: ReadonlyMap<HostPattern, ClientAuth>;
  readonly book: Pick<ClusterBook, 'use'>;
}

interface Planning extends PassthroughInputs {
  readonly passthrough: Map<HostPattern, L4Route>;
  readonly deniedHosts: Map<HostPattern, string>;
  readonly problems: Problem[];
}

/**
 * Plans that know where their wish for passthrough cannot be met: the oldest Ingress of a host decides (as in ingress-nginx),
 * and connections without a host go nowhere. What was meant to reach its backend sealed is not opened here: the paths of that
 * Ingress answer 503. Plans come oldest first.
 */
export function judgePassthrough(
  plans: readonly IngressPlan[],
): { readonly plans: readonly IngressPlan[]; readonly problems: readonly Problem[] } {
  const owners = new Map<HostPattern, IngressPlan>();
  for (const plan of plans) {
    if (plan.canary !== null) continue;
    for (const host of plan.hosts) if (!owners.has(host)) owners.set(host, plan);
  }
  const problems: Problem[] = [];
  const judged = plans.map((plan) => (plan.canary === null ? judge(plan, owners, problems) : plan));
  return { plans: judged, problems };
}

function judge(plan: IngressPlan, owners: ReadonlyMap<HostPattern, IngressPlan>, problems: Problem[]): IngressPlan {
  const field = plan.passthroughField;
  if (field === null) return plan;
  let judged = plan;
  for (const host of plan.hosts) {
    const owner = owners.get(host);
    const isOwners = owner !== undefined && owner.passthroughField !== null;
    if (host !== ANY_HOST && isOwners) continue;
    const rule =
      host === ANY_HOST || owner === undefined
        ? 'needs rules with a host: TLS connections are told apart by it'
        : `must stand in the oldest Ingress of ${host}, ${printRef(owner.ref)}`;
    judged = refuseHost(judged, host, `${field} ${rule}`);
    problems.push(problemOf(plan.ingress, { severity: 'error', field, rule, effect: 'its own paths there answer 503' }));
  }
  return judged;
}

/**
 * Where TLS connections for hosts with passthrough go: to the backend of the host's `/`, whichever Ingress has it. A host whose
 * `/` leads to no Service is denied. Plans have gone through `judgePassthrough`.
 */
export function planPassthrough(plans: readonly IngressPlan[], inputs: PassthroughInputs): PlannedPassthrough {
  const planning: Planning = { ...inputs, passthrough: new Map(), deniedHosts: new Map(), problems: [] };
  for (const plan of plans) {
    if (plan.passthroughField === null || plan.canary !== null) continue;
    for (const host of plan.hosts) {
      const isDecided = planning.passthrough.has(host) || planning.deniedHosts.has(host);
      if (!isDecided && whyUnserved(plan, host) === null) planHost(plan, host, planning);
    }
  }
  const sorted = [...planning.passthrough].toSorted(([a], [b]) => compareText(a, b));
  return { passthrough: new Map(sorted), deniedHosts: planning.deniedHosts, problems: planning.problems };
}

function planHost(plan: IngressPlan, host: HostPattern, planning: Planning): void {
  const paths = planning.hosts.get(host);
  const root = paths?.get(matchKey(WHOLE_HOST)) ?? paths?.get(matchKey({ type: 'exact', value: WHOLE_HOST.value }));
  const field = plan.passthroughField ?? '';
  const unserved = root === undefined ? 'no path / is there' : whyUnserved(root.plan, host);
  if (root === undefined || unserved !== null || root.claim.backend.type !== 'service') {
    const rule = `needs a Service behind the path / of ${host}`;
    planning.deniedHosts.set(host, `${field} ${rule}`);
    const effect = `all paths of ${host} answer 503 rather than being served without it`;
    planning.problems.push(problemOf(plan.ingress, { severity: 'error', field, rule, effect }));
    return;
  }
  planning.passthrough.set(host, routeOf(root, root.claim.backend, planning));
  const other = [...(paths?.values() ?? [])].find((path) => path !== root);
  if (other !== undefined) {
    const rule = `leaves ${host} one backend over TLS, the one behind /`;
    warn(plan, { rule, value: other.claim.match.value, effect: 'its other paths are reached over plain HTTP only' }, planning);
  }
  if (planning.clientAuth.has(host)) {
    const rule = `leaves the certificates of clients of ${host} to the backend`;
    warn(plan, { rule, effect: 'auth-tls annotations have no effect over TLS' }, planning);
  }
}

function routeOf({ plan, claim }: ClaimedPath, backend: IngressBackendService, planning: Planning): L4Route {
  const { service, port } = backend;
  const { key, fault } = planning.book.use({ namespace: plan.ref.namespace, service, port, protocol: 'tcp', node: null, isSticky: false });
  if (fault !== null) {
    const { severity, part, rule } = fault;
    const value = part === 'service.name' ? service : portText(backend);
    const finding = { severity, field: backendField(claim.field, part), rule, value, effect: `TLS connections for ${claim.host} are closed` };
    planning.problems.push(problemOf(plan.ingress, finding));
  }
  return {
    owner: plan.ref,
    field: claim.field,
    targets: [{ cluster: key, weight: 1 }],
    sourceRanges: null,
    affinityTimeoutMs: null,
    acceptProxyProtocol: null,
    sendProxyProtocol: null,
    connectTimeoutMs: plan.policy.connectTimeoutMs,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
    maxConnections: FIXED_LIMITS.connectionsPerWorker,
  };
}

function warn(plan: IngressPlan, finding: Pick<Finding, 'rule' | 'value' | 'effect'>, planning: Planning): void {
  planning.problems.push(problemOf(plan.ingress, { severity: 'warning', field: plan.passthroughField ?? '', ...finding }));
}
