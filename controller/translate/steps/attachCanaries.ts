import { printRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import { ANY_HOST } from '../../../core/net/hostPattern.ts';
import type { IngressBackendService } from '../../model/ingress.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { backendField } from '../clusterRequest.ts';
import { matchKey, whyUnserved, type CanaryRule, type IngressPlan, type PathClaim } from '../ingressPlan.ts';
import { problemOf, type Finding } from '../problemOf.ts';
import type { ClaimedPath, HostTable } from './resolveClaims.ts';

/** A canary Ingress on one path of another. */
export interface AttachedCanary {
  readonly plan: IngressPlan;
  readonly rule: CanaryRule;
  readonly backend: IngressBackendService;
  /** Field of the canary Ingress that names the backend. */
  readonly field: string;
}

/** path → its canaries, oldest Ingress first. */
export type CanaryTable = ReadonlyMap<ClaimedPath, readonly AttachedCanary[]>;

interface Attachment {
  readonly hosts: HostTable;
  readonly objects: ObjectIndex;
  readonly canaries: Map<ClaimedPath, AttachedCanary[]>;
  readonly problems: Problem[];
}

/**
 * Puts each path of each canary Ingress beside the route with equal host, path and type. The default backend of a canary goes
 * beside every route of the catch-all host (ingress-nginx mergeAlternativeBackends). Plans come oldest first.
 */
export function attachCanaries(
  plans: readonly IngressPlan[],
  hosts: HostTable,
  objects: ObjectIndex,
): { readonly canaries: CanaryTable; readonly problems: readonly Problem[] } {
  const attachment: Attachment = { hosts, objects, canaries: new Map(), problems: [] };
  for (const plan of plans) if (plan.canary !== null) attachIngress(plan, plan.canary, attachment);
  reportOverweight(attachment);
  return { canaries: attachment.canaries, problems: attachment.problems };
}

function attachIngress(plan: IngressPlan, rule: CanaryRule, attachment: Attachment): void {
  if (plan.denial !== null) {
    const effect = 'the canary takes no requests';
    report(plan, { severity: 'error', field: '', rule: `cannot be served: ${plan.denial.reason}`, effect }, attachment);
    return;
  }
  for (const claim of plan.claims) if (claim.origin === 'rule') attachClaim(plan, rule, { claim, attachment });
  if (plan.ingress.defaultBackend !== null) attachDefaultBackend(plan, rule, attachment);
}

function attachClaim(
  plan: IngressPlan,
  rule: CanaryRule,
  { claim, attachment }: { readonly claim: PathClaim; readonly attachment: Attachment },
): void {
  const main = attachment.hosts.get(claim.host)?.get(matchKey(claim.match));
  if (main !== undefined) {
    attach({ plan, rule, claim }, main, attachment);
    return;
  }
  const finding: Finding = {
    severity: 'error',
    field: claim.field,
    rule: 'host, path and type of a canary must be those of an Ingress that is no canary',
    value: `${claim.host} ${claim.match.type} ${claim.match.value}`,
    effect: 'the canary takes no requests there',
  };
  report(plan, finding, attachment);
}

/** A rule without paths has already claimed its host; here the catch-all host gets the default backend. */
function attachDefaultBackend(plan: IngressPlan, rule: CanaryRule, attachment: Attachment): void {
  const backend = plan.ingress.defaultBackend;
  const catchAll = [...(attachment.hosts.get(ANY_HOST)?.values() ?? [])];
  if (backend === null) return;
  if (catchAll.length === 0 && plan.ingress.rules.length === 0) {
    const missing = 'needs an Ingress for every host that is no canary';
    const effect = 'the canary takes no requests';
    report(plan, { severity: 'error', field: 'spec.defaultBackend', rule: missing, effect }, attachment);
  }
  for (const main of catchAll) {
    // Canaries come one Ingress after the other: only the last one can be of this Ingress.
    const taken = attachment.canaries.get(main)?.at(-1)?.plan === plan;
    const claim: PathClaim = { ...main.claim, backend, field: 'spec.defaultBackend', origin: 'defaultBackend' };
    if (!taken) attach({ plan, rule, claim }, main, attachment);
  }
}

function attach(
  canary: { readonly plan: IngressPlan; readonly rule: CanaryRule; readonly claim: PathClaim },
  main: ClaimedPath,
  attachment: Attachment,
): void {
  const { plan, rule, claim } = canary;
  // Why is reported where it was found out.
  if (plan.refusedHosts.has(claim.host)) return;
  const refusal = refusalOf(plan, { claim, main, objects: attachment.objects });
  if (refusal !== null) {
    report(plan, refusal, attachment);
    return;
  }
  if (claim.backend.type !== 'service') return;
  let attached = attachment.canaries.get(main);
  if (attached === undefined) attachment.canaries.set(main, (attached = []));
  attached.push({ plan, rule, backend: claim.backend, field: claim.field });
}

function refusalOf(
  plan: IngressPlan,
  { claim, main, objects }: { readonly claim: PathClaim; readonly main: ClaimedPath; readonly objects: ObjectIndex },
): Finding | null {
  const effect = 'the canary takes no requests there';
  if (claim.backend.type === 'resource') {
    const field = backendField(claim.field, 'resource');
    const rule = 'must be a Service: resource backends are not supported';
    return { severity: 'error', field, rule, value: claim.backend.kind, effect };
  }
  if (main.claim.backend.type === 'resource' || whyUnserved(main.plan, main.claim.host) !== null) {
    const rule = `stands beside a path of ${printRef(main.plan.ref)} that is not served`;
    return { severity: 'error', field: claim.field, rule, effect };
  }
  const sameNamespace = plan.ref.namespace === main.plan.ref.namespace;
  const where = { objects, namespace: plan.ref.namespace };
  if (!sameNamespace || !isSameBackend(claim.backend, main.claim.backend, where)) return null;
  return {
    severity: 'error',
    field: backendField(claim.field, 'service'),
    rule: `must not be the Service and port of the main, ${printRef(main.plan.ref)}`,
    value: `${claim.backend.service}`,
    effect,
  };
}

function isSameBackend(
  one: IngressBackendService,
  other: IngressBackendService,
  where: { readonly objects: ObjectIndex; readonly namespace: string },
): boolean {
  if (one.service !== other.service) return false;
  return portNumber(one, where) === portNumber(other, where);
}

/** The port's number where the Service tells it; else its name. */
function portNumber(
  backend: IngressBackendService,
  where: { readonly objects: ObjectIndex; readonly namespace: string },
): number | string {
  if (backend.port.type === 'number') return backend.port.number;
  const { name } = backend.port;
  const ports = where.objects.get('Service', where.namespace, backend.service)?.ports ?? [];
  return ports.find((port) => port.name === name)?.port ?? name;
}

/** Canaries of one route share one draw: what they ask for together must fit into it. */
function reportOverweight(attachment: Attachment): void {
  for (const [main, canaries] of attachment.canaries) {
    const share = canaries.reduce((sum, { rule }) => sum + rule.weight / rule.weightTotal, 0);
    const youngest = canaries.at(-1);
    // Shares are quotients: a sum such as 0.7 + 0.2 + 0.1 may miss 1 by a rounding error.
    if (canaries.length < 2 || youngest === undefined || share <= 1 + 1e-9) continue;
    const finding: Finding = {
      severity: 'warning',
      field: youngest.field,
      rule: `weights of all canaries beside ${printRef(main.plan.ref)} should add up to 100% at most`,
      value: `${Math.round(share * 100)}%`,
      effect: 'the older canaries get their share first',
    };
    report(youngest.plan, finding, attachment);
  }
}

function report(plan: IngressPlan, finding: Finding, attachment: Attachment): void {
  attachment.problems.push(problemOf(plan.ingress, finding));
}
