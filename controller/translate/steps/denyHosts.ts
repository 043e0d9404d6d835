import type { HostPattern } from '../../../core/net/hostPattern.ts';
import type { IngressPlan } from '../ingressPlan.ts';

/**
 * Hosts that ask for protection of the whole host (client certificates, TLS passthrough): every path of them is refused,
 * whichever Ingress it comes from, as ingress-nginx would protect it too. host → reason, of the oldest Ingress.
 */
export function denyHosts(plans: readonly IngressPlan[]): ReadonlyMap<HostPattern, string> {
  const denied = new Map<HostPattern, string>();
  for (const plan of plans) {
    if (plan.denial?.scope !== 'host' || plan.canary !== null) continue;
    for (const host of plan.hosts) if (!denied.has(host)) denied.set(host, plan.denial.reason);
  }
  return denied;
}
