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
type Verdict = Pick<RouteState, 'state' | 'reason'>;

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

function next(before: Entry | undefined, { state, reason }: Verdict, now: Moment): Entry {
  if (state !== 'draining') return since(before, { state, reason, untilMs: null }, now);
  const untilMs = before?.state === 'draining' ? before.untilMs : before?.state === 'announced' ? now.monotonicMs + DRAIN_MS : null;
  if (untilMs === null || untilMs <= now.monotonicMs) return since(before, { state: 'withdrawn', reason, untilMs: null }, now);
  return since(before, { state, reason, untilMs }, now);
}

function since(before: Entry | undefined, entry: Omit<Entry, 'sinceMs'>, now: Moment): Entry {
  if (before?.state !== entry.state) return { ...entry, sinceMs: now.wallMs };
  // The same object for the same thing, so that whoever has looked at it need not look again.
  return before.reason === entry.reason && before.untilMs === entry.untilMs ? before : { ...entry, sinceMs: before.sinceMs };
}

/** A route stands for several VIPs where it is an aggregate: one that is of use is enough. */
function judge({ vips }: WantedRoute, conditions: RouteConditions): Verdict {
  const usable = vips.filter((vip) => obstacle(vip, conditions) === null);
  if (usable.length === 0) return { state: 'withdrawn', reason: vips.map((vip) => obstacle(vip, conditions) ?? '').find((reason) => reason !== '') ?? '' };
  if (conditions.stopping) return { state: 'draining', reason: 'this Gatehouse stops' };
  if (usable.every(({ draining }) => draining)) return { state: 'draining', reason: 'this node is to carry no load balancer addresses' };
  return { state: 'announced', reason: 'its ports are carried here' };
}

function obstacle({ needsProxy, needsKernel, address }: RouteVip, { serving, forwarded }: RouteConditions): string | null {
  if (needsProxy && !serving) return 'the proxy of this node does not serve';
  return needsKernel && !forwarded.has(address) ? 'the kernel does not forward it yet' : null;
}
