import type { HostPattern } from '../../../core/net/hostPattern.ts';
import type { IngressPlan } from '../ingressPlan.ts';

/**
 * Hosts that ask for client certificates in a way that cannot be met: every path of them is refused, whichever Ingress it comes
 * from, as it would have been protected too. Of the Ingresses of a host that say anything about its TLS the oldest decides, so
 * a younger one's fault costs its own paths only. host → reason; `found` are reasons that other steps have found.
 */
export function denyHosts(
  plans: readonly IngressPlan[],
  ...found: readonly ReadonlyMap<HostPattern, string>[]
): ReadonlyMap<HostPattern, string> {
  const denied = new Map<HostPattern, string>();
  const decided = new Set<HostPattern>();
  for (const plan of plans) {
    if (plan.canary !== null || !speaksOfTls(plan)) continue;
    const reason = plan.denial?.scope === 'host' ? plan.denial.reason : null;
    for (const host of plan.hosts) {
      if (!decided.has(host) && reason !== null) denied.set(host, reason);
      decided.add(host);
    }
  }
  for (const reasons of found) {
    for (const [host, reason] of reasons) if (!denied.has(host)) denied.set(host, reason);
  }
  return denied;
}

function speaksOfTls({ denial, clientAuthWish, passthroughField }: IngressPlan): boolean {
  return denial?.scope === 'host' || clientAuthWish !== null || passthroughField !== null;
}
