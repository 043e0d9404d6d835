import type { BgpPathReport, BgpRouteReport } from '../bgpReport.ts';
import type { WantedRoute } from '../bgpWanted.ts';
import type { OutRoute } from '../routes/outRoute.ts';
import type { RouteState } from '../routes/routeBook.ts';
import type { ReportFacts } from './buildBgpReport.ts';
import { printCommunity, printLargeCommunity } from './printCommunity.ts';

/** A prefix, and what was reported of it. */
interface Entry {
  readonly route: WantedRoute;
  /** Undefined: nothing was decided about it. */
  readonly state: RouteState | undefined;
  readonly report: BgpRouteReport;
}

const NO_PATHS: readonly BgpPathReport[] = [];

/** Reports on routes, sorted by prefix: thousands of them, of which few change from one report to the next. */
export function createRouteReports(): (facts: ReportFacts) => readonly BgpRouteReport[] {
  let sorted: { readonly of: ReportFacts['wanted']['routes']; readonly routes: readonly WantedRoute[] } | null = null;
  let entries: ReadonlyMap<string, Entry> = new Map();
  let last: readonly BgpRouteReport[] = [];
  const describePath = createPathReports();
  return (facts) => {
    const { wanted, states, nowMs } = facts;
    if (sorted?.of !== wanted.routes) sorted = { of: wanted.routes, routes: [...wanted.routes.values()].toSorted((a, b) => (a.prefix < b.prefix ? -1 : 1)) };
    const paths = pathsByPrefix(facts.peers, describePath);
    const next = new Map(sorted.routes.map((route): [string, Entry] => {
      const state = states.get(route.prefix);
      const own = paths.get(route.prefix) ?? NO_PATHS;
      const known = entries.get(route.prefix);
      const isSame = known !== undefined && known.route === route && known.state === state && areSame(known.report.paths, own);
      return [route.prefix, isSame ? known : { route, state, report: reportRoute(route, state ?? undecided(nowMs), own) }];
    }));
    entries = next;
    const reports = [...next.values()].map(({ report }) => report);
    if (!areSame(reports, last)) last = reports;
    return last;
  };
}

function undecided(nowMs: number): RouteState {
  return { state: 'withdrawn', reason: 'not decided yet', obstacles: new Map(), sinceMs: nowMs };
}

function reportRoute({ prefix, family, vips }: WantedRoute, { state, reason, obstacles, sinceMs }: RouteState, paths: readonly BgpPathReport[]): BgpRouteReport {
  return {
    prefix, family, state, reason, sinceMs, paths,
    vips: vips.map(({ address, services }) => ({ address, services, obstacle: obstacles.get(address) ?? '' })),
  };
}

/** By name of the peer. */
type DescribePath = (peer: string, route: OutRoute) => BgpPathReport;

function pathsByPrefix(peers: ReportFacts['peers'], describePath: DescribePath): ReadonlyMap<string, readonly BgpPathReport[]> {
  const byPrefix = new Map<string, BgpPathReport[]>();
  for (const [name, { view, routes }] of [...peers].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (view.state !== 'Established') continue;
    for (const route of routes.sent().values()) {
      const paths = byPrefix.get(route.prefix);
      if (paths === undefined) byPrefix.set(route.prefix, [describePath(name, route)]);
      else paths.push(describePath(name, route));
    }
  }
  return byPrefix;
}

/** A route that a peer has been sent does not change: it is described once, for as long as it lives. */
function createPathReports(): DescribePath {
  const known = new WeakMap<OutRoute, BgpPathReport>();
  return (peer, route) => {
    const before = known.get(route);
    if (before?.peer === peer) return before;
    const path = reportPath(peer, route);
    known.set(route, path);
    return path;
  };
}

function reportPath(peer: string, { pathId, attributes }: OutRoute): BgpPathReport {
  const { nextHop, asPath, localPref, med, communities, largeCommunities, linkBandwidth, onlyToCustomer } = attributes;
  return {
    peer, pathId, nextHop, asPath, localPref, med, onlyToCustomer,
    communities: [...communities.map(printCommunity), ...largeCommunities.map(printLargeCommunity)],
    linkBandwidth: linkBandwidth?.octetsPerSecond ?? null,
  };
}

function areSame<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((element, index) => element === other[index]);
}
