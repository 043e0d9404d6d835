import type { AnnouncerReport } from '../report.ts';
import type { AnnouncedVip } from '../wanted.ts';
import { nobody, type Decision, type Decisions } from '../ownership/decision.ts';

/** What an announcer goes on from: decisions of its predecessor on this node, and since when they stand (wall clock). */
export interface Inheritance {
  readonly decisions: Decisions;
  readonly sinceMs: ReadonlyMap<string, number>;
}

export function inherit(report: AnnouncerReport): Inheritance {
  const decisions = new Map<string, Decision>();
  const sinceMs = new Map<string, number>();
  for (const vip of report.vips) {
    decisions.set(vip.address, { owner: vip.owner, sharers: vip.sharers, reason: vip.reason });
    if (vip.sinceMs !== null) sinceMs.set(vip.address, vip.sinceMs);
  }
  return { decisions, sinceMs };
}

/** Until an announcer knows who else is alive, it goes on with what its predecessor decided. */
export function inheritedDecisions(vips: ReadonlyMap<string, AnnouncedVip>, { decisions }: Inheritance): Decisions {
  return new Map([...vips.keys()].map((address) => [address, decisions.get(address) ?? nobody('the announcer has just started')]));
}
