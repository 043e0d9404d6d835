import type { ClusterKey } from '../core/ir/cluster.ts';
import type { Route } from '../core/ir/virtualHost.ts';
import type { HostPattern } from '../core/net/hostPattern.ts';
import { compileFilter, type Filter } from './http/filters/filter.ts';
import type { RouteSubject } from './observe/routeSubject.ts';
import { compileCanarySplit, type CanarySplit } from './route/canarySplit.ts';

/** What the engine keeps beside a compiled route. */
export interface RouteState {
  readonly filters: readonly Filter[];
  /** Null when the route answers by itself. */
  readonly split: CanarySplit | null;
  /** Chosen cluster (null: none) → name of the pair in logs and metrics; filled as they occur, bounded by the route's clusters. */
  readonly subjects: Map<ClusterKey | null, RouteSubject>;
}

/** Derives the state of a route; called once per new or changed route. */
export function compileRoute(route: Route, _host: HostPattern): RouteState {
  return {
    filters: route.filters.map(compileFilter),
    split: route.action.type === 'forward' ? compileCanarySplit(route.action) : null,
    subjects: new Map(),
  };
}
