import { attributesKey } from './attributesKey.ts';
import type { OutRoute, OutRouteKey } from './outRoute.ts';

/** Routes that wait to be announced, those with equal attributes side by side, so that they go in one UPDATE. */
export interface PendingAnnouncements {
  /** Takes the place of an earlier form of the route. */
  add(key: OutRouteKey, route: OutRoute): void;
  remove(key: OutRouteKey): void;
  clear(): void;
  size(): number;
  /**
   * Those that have waited longest, all of equal attributes, in the order they came; they stay until removed. Empty:
   * none wait.
   */
  first(): ReadonlyMap<OutRouteKey, OutRoute>;
}

/** Nothing waits. */
export function createPendingAnnouncements(): PendingAnnouncements {
  /** By attributes: key → route. */
  const groups = new Map<string, Map<OutRouteKey, OutRoute>>();
  /** Key → the attributes it waits with. */
  const groupOf = new Map<OutRouteKey, string>();

  function remove(key: OutRouteKey): void {
    const name = groupOf.get(key);
    if (name === undefined) return;
    groupOf.delete(key);
    const group = groups.get(name);
    group?.delete(key);
    if (group?.size === 0) groups.delete(name);
  }

  return {
    add(key, route) {
      remove(key);
      const name = attributesKey(route.attributes);
      const group = groups.get(name);
      if (group === undefined) groups.set(name, new Map([[key, route]]));
      else group.set(key, route);
      groupOf.set(key, name);
    },
    remove,
    clear() {
      groups.clear();
      groupOf.clear();
    },
    size: () => groupOf.size,
    first: () => groups.values().next().value ?? new Map(),
  };
}
