/** How membership paces itself; times are ms. All nodes should have the same. */
export interface MembershipTimings {
  /** SWIM's protocol period. */
  readonly periodMs: number;
  /** Members that are probed in a period, spread over it: nobody is probed twice in one. SWIM has 1; more finds the dead sooner. */
  readonly probesPerPeriod: number;
  /** For an answer to a ping. */
  readonly directTimeoutMs: number;
  /** For an answer by way of others, from then on. */
  readonly indirectTimeoutMs: number;
  /** Others that are asked to ping. */
  readonly indirectProbes: number;
  /** Between suspicion and death, up to 10 members; grows with log10 of their number. */
  readonly suspicionMs: number;
  /** Between two pings of a suspect. */
  readonly suspectPingMs: number;
  /** Between two pings of a member that is dead, left or was never heard of. */
  readonly absentPingMs: number;
  /** The same for the first few, when it was just named. */
  readonly joinPingMs: number;
  /** After this long a start counts as settled, whoever has not answered. */
  readonly joinMs: number;
  /** What happens this much later than it was due happens late because of this process: nobody else is blamed for it. */
  readonly lateMs: number;
  /** What is this late was stopped: it starts over with whatever it was about to believe. */
  readonly pauseMs: number;
  /** Between two questions for a state. */
  readonly stateRetryMs: number;
  /** Up to this many members, news of one's own goes to all of them directly. */
  readonly directMembers: number;
  /** Beyond, to this many, drawn by lot; and what one hears is passed on likewise every `gossipMs`. */
  readonly fanOut: number;
  readonly gossipMs: number;
}

/** Ours: with few nodes a death is known after about 0.6 s, and 5 % of loss kills nobody (docs/decisions/0015). */
export const DEFAULT_TIMINGS: MembershipTimings = {
  periodMs: 200,
  probesPerPeriod: 3,
  directTimeoutMs: 100,
  indirectTimeoutMs: 100,
  indirectProbes: 3,
  suspicionMs: 300,
  suspectPingMs: 50,
  absentPingMs: 1_000,
  joinPingMs: 120,
  joinMs: 500,
  lateMs: 10,
  pauseMs: 400,
  stateRetryMs: 200,
  directMembers: 16,
  fanOut: 3,
  gossipMs: 50,
};

/** How long a suspect has to refute: longer among many, as news takes log(n) rounds. */
export function suspicionTimeoutMs({ suspicionMs }: MembershipTimings, members: number): number {
  return suspicionMs * Math.max(1, Math.log10(members));
}

/** How often one piece of news is passed on by each member (SWIM section 4.1: λ log n). */
export function transmitLimit(members: number): number {
  return 4 * Math.ceil(Math.log10(members + 1));
}
