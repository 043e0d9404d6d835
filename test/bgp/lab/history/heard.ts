import { isDeepStrictEqual } from 'node:util';
import type { RouteView } from '../bgpViews.ts';
import type { Route, RouterPeer, Session } from '../router.ts';
import type { ExpectedRoute } from './oracle.ts';
import { PLANS, SESSIONS, type SessionName } from './world.ts';

/** What the router of a session says of it. */
export interface Heard {
  readonly session: Session;
  readonly routes: readonly Route[];
}
export type AllHeard = Readonly<Record<SessionName, Heard>>;
/** By make. */
export type Routers = Readonly<Record<'bird' | 'frr', RouterPeer>>;

/** Asks all routers. The counter is read after the table that it counts the changes of. */
export async function hear(routers: Routers): Promise<AllHeard> {
  const entries = await Promise.all(SESSIONS.map(async (name): Promise<[SessionName, Heard]> => {
    const { router, neighbor } = PLANS[name];
    const routes = await routers[router].routes(neighbor);
    return [name, { routes, session: await routers[router].session(neighbor) }];
  }));
  return Object.fromEntries(entries) as Record<SessionName, Heard>;
}

/** The node's own addresses: the next hop of each family. */
export type NextHops = Readonly<Record<'ipv4' | 'ipv6', string>>;

interface ExpectedTable {
  readonly expected: readonly ExpectedRoute[];
  readonly nextHops: NextHops;
}

/** In words, how a table is not what it must be; empty: it is. */
export function tableFaults(name: SessionName, routes: readonly Route[], { expected, nextHops }: ExpectedTable): readonly string[] {
  const prefixes = new Set([...expected, ...routes].map(({ prefix }) => prefix));
  return [...prefixes].flatMap((prefix) => {
    const paths = routes.filter((route) => route.prefix === prefix);
    const wanted = expected.find((route) => route.prefix === prefix);
    const [path] = paths;
    if (path === undefined) return [`${name} lacks ${prefix}`];
    if (wanted === undefined) return [`${name} has ${prefix}, which nothing announces`];
    if (paths.length > 1 || path.stale) return [`${name} has ${prefix} ${path.stale ? 'as stale' : `${paths.length} times`}`];
    if (!path.nextHops.includes(nextHops[wanted.family])) return [`${name} has ${prefix} by ${path.nextHops.join(' and ')}`];
    const seen = asExpected(path, wanted);
    return isDeepStrictEqual(seen, wanted) ? [] : [`${name} has ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`];
  });
}

function asExpected(route: Route, { family, localPref: wanted }: ExpectedRoute): ExpectedRoute {
  const { prefix, asPath, localPref, med, communities, largeCommunities, linkBandwidth, onlyToCustomer } = route;
  return {
    prefix, family, asPath, localPref: wanted === null ? null : localPref, med, communities, largeCommunities,
    linkBandwidth: linkBandwidth?.octetsPerSecond ?? null, onlyToCustomer,
  };
}

/** In words, how /api/v1/bgp/routes differs from the table of a router. */
export function viewFaults(name: SessionName, views: readonly RouteView[], routes: readonly Route[]): readonly string[] {
  const told = views.flatMap(({ prefix, state, paths }) =>
    paths.filter(({ peer }) => peer.endsWith(`/${name}`)).map((path) => ({ prefix, state, path })));
  const lacking = routes.filter(({ prefix }) => !told.some((each) => each.prefix === prefix));
  const wrong = told.flatMap(({ prefix, state, path }) => {
    const route = routes.find((each) => each.prefix === prefix);
    if (route === undefined || state !== 'announced') return [`the view has ${prefix} of ${name}, ${state}`];
    const { asPath, med, communities, largeCommunities, linkBandwidth, onlyToCustomer } = route;
    const standard = communities.map((each) => (each === '65535:65281' ? 'no-export' : each));
    const own = {
      asPath, med, onlyToCustomer, linkBandwidth: linkBandwidth?.octetsPerSecond ?? null,
      localPref: PLANS[name].internal ? route.localPref : null,
      communities: [...standard, ...largeCommunities.map((each) => `large:${each}`)].toSorted(),
    };
    const shown = {
      asPath: path.asPath, med: path.med, onlyToCustomer: path.onlyToCustomer, linkBandwidth: path.linkBandwidth, localPref: path.localPref,
      communities: path.communities.toSorted(),
    };
    const isSame = isDeepStrictEqual(own, shown) && route.nextHops.includes(path.nextHop);
    return isSame ? [] : [`the view of ${prefix} of ${name} is ${JSON.stringify(shown)}, the route ${JSON.stringify(own)}`];
  });
  return [...lacking.map(({ prefix }) => `the view lacks ${prefix} of ${name}`), ...wrong];
}
