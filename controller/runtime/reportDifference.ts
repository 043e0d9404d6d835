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

function areSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}
