import type { ForwardedPort } from '../wanted.ts';
import type { SysctlNeeds } from './checkSysctls.ts';

/** What these ports ask of the kernel's parameters, and whether any goes to the proxy. */
export function sysctlNeeds(ports: Iterable<ForwardedPort>): SysctlNeeds & { readonly proxied: boolean } {
  const needs = { forwarded4: false, forwarded6: false, proxied4: false, maglev: false, proxied: false };
  for (const { address, to } of ports) {
    const isIpv6 = address.includes(':');
    if (to.type === 'proxy') {
      needs.proxied = true;
      needs.proxied4 ||= !isIpv6;
    } else {
      needs.forwarded4 ||= !isIpv6;
      needs.forwarded6 ||= isIpv6;
      needs.maglev ||= to.balance === 'maglev';
    }
  }
  return needs;
}
