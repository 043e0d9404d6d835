import type { BgpReport, BgpRouteReport } from './bgpReport.ts';

/**
 * What turns one report into the next. Counters change all the time, routes hardly ever, and those of a large cluster are megabytes: they
 * are told once.
 */
export interface BgpReportDelta extends Omit<BgpReport, 'routes'> {
  /** It replaces everything. */
  readonly whole: boolean;
  readonly routes: {
    readonly upserts: readonly BgpRouteReport[];
    /** Prefixes. */
    readonly deletes: readonly string[];
  };
}

/** What turns `before` into `next`; null stands for a receiver that knows nothing. What has not changed must be the same object. */
export function diffBgpReport(before: BgpReport | null, { peers, routes, problems }: BgpReport): BgpReportDelta {
  if (before?.routes === routes) return { peers, problems, whole: false, routes: { upserts: [], deletes: [] } };
  const earlier = new Map((before?.routes ?? []).map((route) => [route.prefix, route]));
  const prefixes = new Set(routes.map(({ prefix }) => prefix));
  return {
    peers,
    problems,
    whole: before === null,
    routes: {
      upserts: routes.filter((route) => earlier.get(route.prefix) !== route),
      deletes: [...earlier.keys()].filter((prefix) => !prefixes.has(prefix)),
    },
  };
}

/** The report after `delta`; the list of routes is the same as before when no route has changed. */
export function applyBgpReportDelta(before: BgpReport, { peers, problems, whole, routes: { upserts, deletes } }: BgpReportDelta): BgpReport {
  if (!whole && upserts.length + deletes.length === 0) return { peers, routes: before.routes, problems };
  const routes = new Map((whole ? [] : before.routes).map((route) => [route.prefix, route]));
  for (const prefix of deletes) routes.delete(prefix);
  for (const route of upserts) routes.set(route.prefix, route);
  return { peers, routes: [...routes.values()].toSorted((a, b) => (a.prefix < b.prefix ? -1 : 1)), problems };
}
