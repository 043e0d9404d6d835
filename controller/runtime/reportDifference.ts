import { servicesOf, type BgpReport } from '../announcer/bgp/bgpReport.ts';
import type { AnnouncerReport, VipReport } from '../announcer/report.ts';

/**
 * True when something differs that companions look at: who answers for which VIP and on which interfaces, and whether the kernel
 * is as it should be. Counts differ each second, and planning all statuses anew takes tens of milliseconds in a large cluster.
 */
export function differsForCompanions(a: AnnouncerReport, b: AnnouncerReport): boolean {
  if (a.kernel.programmed !== b.kernel.programmed || a.vips.length !== b.vips.length) return true;
  return a.vips.some((vip, index) => {
    const other = b.vips[index];
    return other === undefined || !isSame(vip, other);
  });
}

function isSame(a: VipReport, b: VipReport): boolean {
  return a.address === b.address && a.owner === b.owner && areSame(a.interfaces, b.interfaces) && areSame(a.sharers, b.sharers);
}

/** True when a Service is announced to other BGP peers than before. */
export function differsInPeers(a: BgpReport, b: BgpReport): boolean {
  if (a.routes === b.routes) return false;
  const [before, after] = [peersByService(a), peersByService(b)];
  return before.size !== after.size || [...before].some(([service, peers]) => !areSame([...peers], [...(after.get(service) ?? [])]));
}

/** `namespace/name` of a Service → names of the BGPPeers that have been sent one of its addresses, `namespace/name`, sorted. */
export function peersByService({ routes }: BgpReport): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const route of routes) {
    const { paths } = route;
    for (const service of paths.length === 0 ? [] : servicesOf(route, 'carried')) {
      found.set(service, (found.get(service) ?? new Set()).union(new Set(paths.map(({ peer }) => peer))));
    }
  }
  return new Map([...found].map(([service, peers]) => [service, new Set([...peers].toSorted())]));
}

function areSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}
