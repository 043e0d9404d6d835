import type { CertificateKey } from '../../../core/ir/certificate.ts';
import type { HostPattern } from '../../../core/net/hostPattern.ts';
import { compareText } from '../ingressAge.ts';
import type { IngressPlan, SelectedIngress } from '../ingressPlan.ts';
import type { IngressStatus } from '../translation.ts';

/** Status of every Ingress of ours, canaries and refused ones included, by namespace and name. */
export function describeIngresses(
  selected: readonly SelectedIngress[],
  plans: readonly IngressPlan[],
  serverNames: ReadonlyMap<HostPattern, CertificateKey>,
): readonly IngressStatus[] {
  const statuses = plans.map((plan, index): IngressStatus => {
    const hosts = plan.hosts.toSorted(compareText);
    const tlsHosts = hosts.filter((host) => serverNames.has(host));
    return { ref: plan.ref, class: selected[index]?.className ?? '', hosts, tlsHosts };
  });
  return statuses.sort((a, b) => compareText(a.ref.namespace, b.ref.namespace) || compareText(a.ref.name, b.ref.name));
}
