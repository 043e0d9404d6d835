import type { RouteVip, WantedRoute } from '../bgpWanted.ts';
import type { Moment } from '../session/sessionEvents.ts';

/** What decides beside what is wanted. */
export interface RouteConditions {
  /** The proxy of this node serves. */
  readonly serving: boolean;
  /** VIPs whose ports the kernel has, by address. */
  readonly forwarded: ReadonlySet<string>;
  /** This announcer ends for good: clients are led away from all it announces. */
  readonly stopping: boolean;
}

/** Whether a route is announced, and why. */
export interface RouteState {
  readonly state: 'announced' | 'draining' | 'withdrawn';
  /** In words for people. */
  readonly reason: string;
  /** Why single VIPs are of no use here, in words for people, by address. */
  readonly obstacles: ReadonlyMap<string, string>;
  /** Since when, wall clock, ms. */
  readonly sinceMs: number;
}

/** Ours: how long routes are announced with GRACEFUL_SHUTDOWN (RFC 8326) before they are withdrawn: routers have turned to others long before. */
export const DRAIN_MS = 3_000;

interface Entry extends RouteState {
  /** When a draining route is withdrawn, monotonic. */
  readonly untilMs: number | null;
}

/** What of a route may be said now, whatever was said before. */
type Verdict = Omit<RouteState, 'sinceMs'>;

const NO_OBSTACLES: RouteState['obstacles'] = new Map();

/** Which routes are announced, draining or withdrawn: pure but for what it remembers of them. */
export class RouteBook {
  #entries = new Map<string, Entry>();

  /** What is announced before it is drained is drained for a while; what was not is not announced just to be drained. */
  decide(routes: ReadonlyMap<string, WantedRoute>, conditions: RouteConditions, now: Moment): ReadonlyMap<string, RouteState> {
    this.#entries = new Map([...routes].map(([prefix, route]) => [prefix, next(this.#entries.get(prefix), judge(route, conditions), now)]));
    return this.#entries;
  }

  /** When it must be decided anew although nothing has changed, monotonic; null: need not be. */
  dueMs(): number | null {
    const times = [...this.#entries.values()].flatMap(({ untilMs }) => untilMs ?? []);
    return times.length === 0 ? null : times.reduce((first, time) => Math.min(first, time));
  }
}

function next(before: Entry | undefined, verdict: Verdict, now: Moment): Entry {
  if (verdict.state !== 'draining') return since(before, { ...verdict, untilMs: null }, now);
  const untilMs = before?.state === 'draining' ? before.untilMs : before?.state === 'announced' ? now.monotonicMs + DRAIN_MS : null;
  if (untilMs === null || untilMs <= now.monotonicMs) return since(before, { ...verdict, state: 'withdrawn', untilMs: null }, now);
  return since(before, { ...verdict, untilMs }, now);
}

function since(before: Entry | undefined, entry: Omit<Entry, 'sinceMs'>, now: Moment): Entry {
  if (before?.state !== entry.state) return { ...entry, sinceMs: now.wallMs };
  // The same object for the same thing, so that whoever has looked at it need not look again.
  const isSame = before.reason === entry.reason && before.untilMs === entry.untilMs && areSame(before.obstacles, entry.obstacles);
  return isSame ? before : { ...entry, sinceMs: before.sinceMs };
}

function areSame(one: RouteState['obstacles'], other: RouteState['obstacles']): boolean {
  return one === other || (one.size === other.size && [...one].every(([address, words]) => other.get(address) === words));
}

/** A route stands for several VIPs where it is an aggregate: one that is of use is enough. */
function judge({ vips }: WantedRoute, conditions: RouteConditions): Verdict {
  const obstacles = obstaclesOf(vips, conditions);
  if (obstacles.size === vips.length) return { state: 'withdrawn', reason: noneOfUse(obstacles), obstacles };
  if (conditions.stopping) return { state: 'draining', reason: 'this Gatehouse stops', obstacles };
  const usable = vips.filter(({ address }) => !obstacles.has(address));
  if (usable.every(({ draining }) => draining)) return { state: 'draining', reason: 'this node is to carry no load balancer addresses', obstacles };
  return { state: 'announced', reason: 'its ports are carried here', obstacles };
}

function obstaclesOf(vips: readonly RouteVip[], conditions: RouteConditions): RouteState['obstacles'] {
  const found = vips.flatMap((vip): [string, string][] => {
    const words = obstacle(vip, conditions);
    return words === null ? [] : [[vip.address, words]];
  });
  return found.length === 0 ? NO_OBSTACLES : new Map(found);
}

function noneOfUse(obstacles: RouteState['obstacles']): string {
  const words = [...new Set(obstacles.values())].join('; ');
  return obstacles.size === 1 ? words : `none of its ${obstacles.size} addresses is carried here: ${words}`;
}

function obstacle(vip: RouteVip, { serving, forwarded }: RouteConditions): string | null {
  const without = withoutEndpoints(vip);
  if (without !== null) return without;
  if (vip.needsProxy && !serving) return 'the proxy of this node does not serve';
  return vip.needsKernel && !forwarded.has(vip.address) ? 'the kernel does not forward it yet' : null;
}

function withoutEndpoints({ endpoints, services }: RouteVip): string | null {
  const isShared = services.length > 1;
  switch (endpoints) {
    case 'ready': return null;
    case 'none': return isShared ? 'none of its Services has a ready endpoint' : 'its Service has no ready endpoint';
    case 'elsewhere': return isShared
      ? 'externalTrafficPolicy is Local and one of its Services has no ready endpoint on this node'
      : 'externalTrafficPolicy is Local and no ready endpoint is on this node';
  }
}
