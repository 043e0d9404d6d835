import { printRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import type { HostPattern } from '../../../core/net/hostPattern.ts';
import { matchKey, type IngressPlan, type PathClaim } from '../ingressPlan.ts';
import { problemOf } from '../problemOf.ts';

/** A path with the Ingress that won it. */
export interface ClaimedPath {
  readonly plan: IngressPlan;
  readonly claim: PathClaim;
}

/** host → (path and type → winner); a host whose rules have no paths stands there with none. */
export type HostTable = ReadonlyMap<HostPattern, ReadonlyMap<string, ClaimedPath>>;

/**
 * Who owns each host and path: of Ingresses that ask for the same one the oldest, and a rule before a default backend. Plans
 * come oldest first; canaries own nothing.
 */
export function resolveClaims(
  plans: readonly IngressPlan[],
): { readonly hosts: HostTable; readonly problems: readonly Problem[] } {
  const hosts = new Map<HostPattern, Map<string, ClaimedPath>>();
  const problems: Problem[] = [];
  const ordinary = plans.filter((plan) => plan.canary === null);
  for (const plan of ordinary) {
    for (const host of plan.hosts) if (!hosts.has(host)) hosts.set(host, new Map());
  }
  const paths = ordinary.flatMap((plan) => plan.claims.map((claim) => ({ plan, claim })));
  for (const path of paths) if (path.claim.origin === 'rule') take(path, hosts, problems);
  for (const path of paths) if (path.claim.origin === 'defaultBackend') take(path, hosts, problems);
  return { hosts, problems };
}

function take(path: ClaimedPath, hosts: Map<HostPattern, Map<string, ClaimedPath>>, problems: Problem[]): void {
  const { plan, claim } = path;
  const key = matchKey(claim.match);
  const holder = hosts.get(claim.host)?.get(key);
  if (holder === undefined) {
    hosts.get(claim.host)?.set(key, path);
    return;
  }
  // A default backend stands back for whatever rule names the whole host: that is no conflict.
  if (holder.claim.origin !== claim.origin) return;
  const winner = printRef(holder.plan.ref);
  problems.push(
    problemOf(plan.ingress, {
      severity: 'error',
      field: claim.field,
      rule: `host, path and type must not be those of an older Ingress; ${winner} has them`,
      value: `${claim.host} ${claim.match.type} ${claim.match.value}`,
      effect: `${winner} is served there`,
    }),
  );
}
