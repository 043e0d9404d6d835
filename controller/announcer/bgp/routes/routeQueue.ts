import { attributesKey } from './attributesKey.ts';
import type { OutRoute, OutRouteKey } from './outRoute.ts';
import { createPendingAnnouncements } from './pendingAnnouncements.ts';

/** What the peer has of one family, and what it has not yet been told. */
export interface RouteQueue {
  /** From now on the peer is to have this; null: nothing. */
  want(key: OutRouteKey, route: OutRoute | null): void;
  /** Everything that the peer has is to be announced again. Only when nothing waits. */
  announceAgain(): void;
  /** Takes the next withdrawals, of `roomOctets` together at most. Empty: there are none. */
  takeWithdrawals(roomOctets: number): readonly OutRoute[];
  /** Takes the next announcements in the same way, all of equal attributes. */
  takeAnnouncements(roomOctets: (route: OutRoute) => number): readonly OutRoute[];
  isEmpty(): boolean;
  /** Paths that the peer has. */
  count(): number;
}

export interface RouteQueueOptions {
  /** What the peer has been sent, all families: kept up to date here. */
  readonly sent: Map<OutRouteKey, OutRoute>;
  /** Octets that a route takes in a message beside its attributes. */
  readonly lengthOf: (route: OutRoute) => number;
}

type Entry = readonly [OutRouteKey, OutRoute];

/** The peer has nothing, and nothing waits. */
export function createRouteQueue({ sent, lengthOf }: RouteQueueOptions): RouteQueue {
  const announcements = createPendingAnnouncements();
  /** Sent, and not wanted any more. */
  const withdrawals = new Map<OutRouteKey, OutRoute>();
  /** Sent, and to be sent again whether it changes or not. */
  const stale = new Set<OutRouteKey>();
  const ownSent = new Set<OutRouteKey>();

  /** As many as fit, those that have waited longest first. */
  function fitting(routes: ReadonlyMap<OutRouteKey, OutRoute>, roomOctets: number): readonly Entry[] {
    const taken: Entry[] = [];
    let left = roomOctets;
    for (const entry of routes) {
      left -= lengthOf(entry[1]);
      if (left < 0) break;
      taken.push(entry);
    }
    return taken;
  }

  function mustAnnounce(key: OutRouteKey, route: OutRoute): boolean {
    const before = ownSent.has(key) ? sent.get(key) : undefined;
    return before === undefined || stale.has(key) || attributesKey(before.attributes) !== attributesKey(route.attributes);
  }

  return {
    want(key, route) {
      announcements.remove(key);
      withdrawals.delete(key);
      const before = sent.get(key);
      if (route === null && before !== undefined) withdrawals.set(key, before);
      if (route !== null && mustAnnounce(key, route)) announcements.add(key, route);
    },
    announceAgain() {
      for (const key of ownSent) {
        const route = sent.get(key);
        if (route === undefined) continue;
        stale.add(key);
        announcements.add(key, route);
      }
    },
    takeWithdrawals(roomOctets) {
      const taken = fitting(withdrawals, roomOctets);
      for (const [key] of taken) {
        withdrawals.delete(key);
        for (const keys of [stale, ownSent, sent]) keys.delete(key);
      }
      return taken.map(([, route]) => route);
    },
    takeAnnouncements(roomOctets) {
      const group = announcements.first();
      const [first] = group.values();
      const taken = first === undefined ? [] : fitting(group, roomOctets(first));
      for (const [key, route] of taken) {
        announcements.remove(key);
        stale.delete(key);
        ownSent.add(key);
        sent.set(key, route);
      }
      return taken.map(([, route]) => route);
    },
    isEmpty: () => withdrawals.size + announcements.size() === 0,
    count: () => ownSent.size,
  };
}
