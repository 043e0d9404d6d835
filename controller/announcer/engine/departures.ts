import type { AnnouncedVip } from '../wanted.ts';
import type { MemberState } from '../parts.ts';
import type { Leaving } from './answers.ts';
import type { ConflictBook } from './conflictBook.ts';
import { includes, isNobody, type Move } from './moves.ts';

/** Ours: how long a node answers on for a VIP that another one has been given, unless it hears that one before. */
export const LEAVING_MS = 1_000;

/** What may speak against a slow departure. */
export interface DepartureFacts {
  readonly self: string;
  readonly nowMs: number;
  readonly vips: ReadonlyMap<string, AnnouncedVip>;
  readonly alive: ReadonlyMap<string, MemberState>;
  readonly conflicts: ConflictBook;
}

/** VIPs that this node has lost and still answers for, until their new owner is heard. */
export class Departures {
  readonly #leaving = new Map<string, Leaving>();
  /** Until then what is lost is given up at once: others have it already. */
  #abruptUntilMs = Number.NEGATIVE_INFINITY;
  /** Until then nothing is said to be held; null: no such time. */
  #forgetsUntilMs: number | null = null;

  get leaving(): ReadonlyMap<string, Leaving> {
    return this.#leaving;
  }

  /** What this node held may be another's by now, so that its own claim is the older one. */
  get mayHold(): boolean {
    return this.#forgetsUntilMs === null;
  }

  /** Others may have taken over what is lost within the next moments. */
  hasten(nowMs: number): void {
    this.#abruptUntilMs = nowMs + LEAVING_MS;
  }

  /** This node was as good as away: others may hold by now what it held, and it hears so in a moment. */
  lapsed(nowMs: number): void {
    this.hasten(nowMs);
    this.#forgetsUntilMs = this.#abruptUntilMs;
  }

  /** Ends all departures at once. */
  clear(): void {
    this.#leaving.clear();
  }

  /** True: it was leaving. */
  end(address: string): boolean {
    return this.#leaving.delete(address);
  }

  /** Forgets what is not wanted. */
  keep(isWanted: (address: string) => boolean): void {
    for (const address of this.#leaving.keys()) if (!isWanted(address)) this.#leaving.delete(address);
  }

  /** Follows a move. */
  follow(move: Move, facts: DepartureFacts): void {
    const { address, before, after } = move;
    const owns = includes(after, facts.self);
    if (includes(before, facts.self) && !owns && this.#mayLeaveSlowly(move, facts)) {
      this.#leaving.set(address, { untilMs: facts.nowMs + LEAVING_MS, sharers: before?.sharers ?? [] });
    } else if (owns || isNobody(after)) this.#leaving.delete(address);
  }

  /** What has become different as time went by. */
  expire(nowMs: number): { readonly hasLeft: boolean; readonly mayHoldAgain: boolean } {
    const left = [...this.#leaving].filter(([, { untilMs }]) => nowMs >= untilMs);
    for (const [address] of left) this.#leaving.delete(address);
    const mayHoldAgain = this.#forgetsUntilMs !== null && nowMs >= this.#forgetsUntilMs;
    if (mayHoldAgain) this.#forgetsUntilMs = null;
    return { hasLeft: left.length > 0, mayHoldAgain };
  }

  /** False when nobody takes over, or somebody has already. */
  #mayLeaveSlowly({ address, after }: Move, { nowMs, vips, alive, conflicts }: DepartureFacts): boolean {
    if (after === null || isNobody(after) || vips.get(address)?.ownership === 'lease') return false;
    if (nowMs < this.#abruptUntilMs || conflicts.hasSeenSince(address, nowMs - LEAVING_MS)) return false;
    return after.owner === null || alive.get(after.owner)?.held.includes(address) !== true;
  }
}
