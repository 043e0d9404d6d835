import { isDeepStrictEqual } from 'node:util';
import type { HostPattern } from '../../core/net/hostPattern.ts';
import type { Route, VirtualHost } from '../../core/ir/virtualHost.ts';
import { compileClientAuth, type ClientAuthPolicy } from '../tls/clientAuthPolicy.ts';
import { normalizeRulePath } from './normalizePath.ts';

/**
 * A route as it stands in the table, and at once the answer of a match, so that matching allocates nothing.
 * The object stays the same as long as its route does not change, whatever happens to other routes.
 */
export interface CompiledRoute<State> {
  readonly type: 'route';
  readonly host: HostPattern;
  readonly route: Route;
  /** What the table's owner derives from the route once: compiled patterns, status sets, filter chains. */
  readonly state: State;
}

/** The host is defined, but none of its routes takes the path. */
export interface NoPath {
  readonly type: 'noPath';
  readonly host: HostPattern;
}

/** Derives the state of a route; called once per new or changed route. */
export type CompileRoute<State> = (route: Route, host: HostPattern) => State;

/** The routes of one virtual host, compiled for matching. */
export interface HostRoutes<State> {
  /** normalised path → route. */
  readonly exact: ReadonlyMap<string, CompiledRoute<State>>;
  /** normalised path without trailing `/` → route; the prefix `/` is `fallback`. */
  readonly prefix: ReadonlyMap<string, CompiledRoute<State>>;
  /** The route of prefix `/`, or the answer that there is none. */
  readonly fallback: CompiledRoute<State> | NoPath;
  /** Most elements that a prefix has: bounds the walk, so that a path of a thousand elements costs no more than any. */
  readonly maxElements: number;
  readonly longestExact: number;
  readonly longestPrefix: number;
  /** What all requests for the host must fulfil before any route; null: nothing. */
  readonly clientAuth: ClientAuthPolicy | null;
}

/** Shared, because most hosts have no exact rule and many none but `/`. */
const NO_ROUTES: ReadonlyMap<string, never> = new Map<string, never>();

/** Compiles a virtual host. Routes that `previous` holds unchanged are taken over as the same objects. */
export function compileHost<State>(
  virtualHost: VirtualHost,
  previous: HostRoutes<State> | undefined,
  compile: CompileRoute<State>,
): HostRoutes<State> {
  const { host } = virtualHost;
  const exact = new Map<string, CompiledRoute<State>>();
  const prefix = new Map<string, CompiledRoute<State>>();
  let fallback: CompiledRoute<State> | NoPath = { type: 'noPath', host };
  for (const route of virtualHost.routes) {
    const isExact = route.match.type === 'exact';
    const path = isExact ? normalizeRulePath(route.match.value) : prefixKey(route.match.value);
    // Of two rules for one path the first stands: translation has put the older Ingress there.
    if (isExact ? exact.has(path) : path === '' ? fallback.type === 'route' : prefix.has(path)) continue;
    const old = previous === undefined ? undefined : findRoute(previous, isExact, path);
    // Crossing a thread border makes every object new, so only the content can say what is unchanged.
    const isSame = old !== undefined && isDeepStrictEqual(old.route, route);
    const compiled = isSame ? old : { type: 'route' as const, host, route, state: compile(route, host) };
    if (isExact) exact.set(path, compiled);
    else if (path === '') fallback = compiled;
    else prefix.set(path, compiled);
  }
  return {
    exact: exact.size === 0 ? NO_ROUTES : exact,
    prefix: prefix.size === 0 ? NO_ROUTES : prefix,
    fallback,
    maxElements: largest(prefix, (path) => path.split('/').length - 1),
    longestExact: largest(exact, (path) => path.length),
    longestPrefix: largest(prefix, (path) => path.length),
    clientAuth: clientAuthOf(virtualHost, previous?.clientAuth ?? null),
  };
}

function clientAuthOf({ clientAuth }: VirtualHost, previous: ClientAuthPolicy | null): ClientAuthPolicy | null {
  if (clientAuth === undefined) return null;
  return previous !== null && isDeepStrictEqual(previous.auth, clientAuth) ? previous : compileClientAuth(clientAuth);
}

/** The route for a normalised path: exact, then the longest prefix by whole elements (Ingress v1). */
export function matchPath<State>(routes: HostRoutes<State>, path: string): CompiledRoute<State> | NoPath {
  if (path.length <= routes.longestExact) {
    const exact = routes.exact.get(path);
    if (exact !== undefined) return exact;
  }
  if (routes.maxElements === 0) return routes.fallback;
  for (let end = elementsEnd(path, routes.maxElements); end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (end > routes.longestPrefix) continue;
    const found = routes.prefix.get(path.slice(0, end));
    if (found !== undefined) return found;
  }
  return routes.fallback;
}

/** Where the first `count` elements of `path` end. */
function elementsEnd(path: string, count: number): number {
  let end = 0;
  for (let elements = 0; elements < count; elements += 1) {
    end = path.indexOf('/', end + 1);
    if (end === -1) return path.length;
  }
  return end;
}

/** Ingress v1: a trailing `/` of a prefix is ignored. Empty: the prefix `/`. */
function prefixKey(value: string): string {
  const path = normalizeRulePath(value);
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

function findRoute<State>(routes: HostRoutes<State>, isExact: boolean, path: string): CompiledRoute<State> | undefined {
  if (isExact) return routes.exact.get(path);
  if (path !== '') return routes.prefix.get(path);
  return routes.fallback.type === 'route' ? routes.fallback : undefined;
}

function largest(map: ReadonlyMap<string, unknown>, measure: (path: string) => number): number {
  let result = 0;
  for (const path of map.keys()) result = Math.max(result, measure(path));
  return result;
}
