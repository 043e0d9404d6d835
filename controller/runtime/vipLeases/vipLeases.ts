import type { Clock } from '../../../core/time/clock.ts';
import type { LeaseNews, LeaseWishes } from '../../announcer/leases.ts';
import type { LeaseElection } from '../../election/leaseElection.ts';
import { ApiReach } from './apiReach.ts';

/** A candidate for the Lease of one VIP. */
export type VipElection = Pick<LeaseElection, 'start' | 'stop' | 'right' | 'answeredMs' | 'onChange'>;

/** What keeps Leases. */
export interface VipLeasesOptions {
  /** A new candidate, under a name that none has had before. */
  readonly elect: (address: string) => VipElection;
  /** Whether the API server answers a question about the Lease of a VIP. Never rejects. */
  readonly probe: (address: string) => Promise<boolean>;
  /** To the announcer. */
  readonly tell: (news: LeaseNews) => void;
  /** CLOCK_MONOTONIC, as that of the elections and of the announcer. */
  readonly clock: Clock;
}

/**
 * The Leases of VIPs with `ownership: lease` (docs/decisions/0016): this node competes for those that its announcer is to own, tells it until
 * when it may answer, and gives a Lease up only when the announcer has said that it is silent, or the time it was given is over.
 */
export interface VipLeases {
  /** The VIPs there are; no other gets a Lease, whatever the announcer says. */
  allow(addresses: ReadonlySet<string>): void;
  heard(wishes: LeaseWishes): void;
  /** To be called every second, and after nothing for longer: the announcer counts on it. */
  look(): void;
  /** Once the announcer has ended: releases all. Resolves when that is done, or has taken too long. */
  stop(): Promise<void>;
}

/** Ours: an announcer that has not answered for so long is stuck, and its Leases are better with others. */
const ANNOUNCER_SILENT_MS = 3_000;

/** Nothing is asked before the announcer wishes for something. */
export function createVipLeases(options: VipLeasesOptions): VipLeases {
  return new LeaseKeeper(options);
}

interface Entry {
  readonly election: VipElection;
  readonly startedMs: number;
  phase:
    | { readonly type: 'competing' }
    /** The announcer is told to be silent by the news of this sequence. */
    | { readonly type: 'silencing'; readonly sequence: number }
    | { readonly type: 'releasing' };
  /** Until when the announcer may believe that it may answer, whatever has become of it. */
  toldUntilMs: number;
  /** Since which news it has the right without a break; null: it has none. Wishes from before know nothing of it. */
  rightfulSince: number | null;
}

class LeaseKeeper implements VipLeases {
  readonly #options: VipLeasesOptions;
  readonly #reach: ApiReach;
  readonly #entries = new Map<string, Entry>();
  #allowed: ReadonlySet<string> = new Set();
  #wishes: LeaseWishes = { heeded: 0, wanted: [] };
  #heardMs = Number.NEGATIVE_INFINITY;
  #sequence = 0;
  #isStopped = false;

  constructor(options: VipLeasesOptions) {
    this.#options = options;
    this.#reach = new ApiReach(options.probe);
  }

  allow(addresses: ReadonlySet<string>): void {
    const isNew = addresses.symmetricDifference(this.#allowed).size > 0;
    this.#allowed = addresses;
    if (isNew) this.look();
  }

  heard(wishes: LeaseWishes): void {
    this.#wishes = wishes;
    this.#heardMs = this.#options.clock.now();
    if (this.#settle()) this.#tell();
  }

  look(): void {
    if (this.#isStopped) return;
    this.#settle();
    if (this.#allowed.size > 0 || this.#entries.size > 0) this.#tell();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#entries.values()].map(({ election }) => election.stop()));
  }

  /** True when the announcer must be told at once. */
  #settle(): boolean {
    if (this.#isStopped) return false;
    const nowMs = this.#options.clock.now();
    const wanted = this.#wanted(nowMs);
    for (const address of wanted) if (!this.#entries.has(address)) this.#compete(address, nowMs);
    let hasNews = this.#reach.look(nowMs, this.#competing());
    for (const [address, entry] of this.#entries) hasNews = this.#step(address, entry, { isWanted: wanted.has(address), nowMs }) || hasNews;
    return hasNews;
  }

  #wanted(nowMs: number): ReadonlySet<string> {
    if (nowMs - this.#heardMs >= ANNOUNCER_SILENT_MS) return new Set();
    return new Set(this.#wishes.wanted.filter((address) => this.#allowed.has(address)));
  }

  #competing(): ReadonlyMap<string, Entry> {
    return new Map([...this.#entries].filter(([, { phase }]) => phase.type === 'competing'));
  }

  #compete(address: string, nowMs: number): void {
    const election = this.#options.elect(address);
    this.#entries.set(address, { election, startedMs: nowMs, phase: { type: 'competing' }, toldUntilMs: Number.NEGATIVE_INFINITY, rightfulSince: null });
    election.onChange(() => this.look());
    void election.start();
  }

  #step(address: string, entry: Entry, { isWanted, nowMs }: { readonly isWanted: boolean; readonly nowMs: number }): boolean {
    switch (entry.phase.type) {
      case 'competing':
        // Nothing can be given up while nobody hears of it; and whoever keeps its name in the Lease has it back soonest.
        if (isWanted || !this.#reach.isReachable || this.#isOutdated(entry, nowMs)) return false;
        entry.phase = { type: 'silencing', sequence: this.#sequence + 1 };
        return true;
      case 'silencing':
        // Also when it is wanted again: what is wanted may depend on who holds the Lease, and would change for ever.
        if (this.#wishes.heeded >= entry.phase.sequence || nowMs >= entry.toldUntilMs) this.#release(address, entry);
        return false;
      case 'releasing':
        return false;
    }
  }

  #isOutdated({ rightfulSince }: Entry, nowMs: number): boolean {
    return rightfulSince !== null && this.#wishes.heeded < rightfulSince && nowMs - this.#heardMs < ANNOUNCER_SILENT_MS;
  }

  #release(address: string, entry: Entry): void {
    entry.phase = { type: 'releasing' };
    void entry.election.stop().then(() => {
      this.#entries.delete(address);
      if (this.#settle()) this.#tell();
    });
  }

  #tell(): void {
    this.#sequence += 1;
    const rights: [string, NonNullable<ReturnType<VipElection['right']>>][] = [];
    for (const [address, entry] of this.#entries) {
      const right = entry.phase.type === 'competing' ? entry.election.right() : null;
      entry.rightfulSince = right === null ? null : (entry.rightfulSince ?? this.#sequence);
      if (right === null) continue;
      rights.push([address, right]);
      entry.toldUntilMs = Math.max(entry.toldUntilMs, right.untilMonotonicMs);
    }
    this.#options.tell({ sequence: this.#sequence, reachable: this.#reach.isReachable, rights: new Map(rights) });
  }
}
