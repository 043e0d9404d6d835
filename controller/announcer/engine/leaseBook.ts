import { isRightful, type Right } from '../../election/electionState.ts';
import type { LeaseNews } from '../leases.ts';
import type { Moment } from './engineEvents.ts';

/** Ours: the controller tells of Leases every second; without a word for so long it is stopped, or gone. */
export const CONTROLLER_SILENT_MS = 4_000;

/** What the engine knows of Leases: rights end by themselves, as nobody may be there to end them. */
export class LeaseBook {
  #rights: ReadonlyMap<string, Right> = new Map();
  #heeded = 0;
  #reachable = false;
  #silentFromMs = Number.NEGATIVE_INFINITY;
  #canHold = false;

  /** Sequence of the news taken last; 0: none. */
  get heeded(): number {
    return this.#heeded;
  }

  /** Until when, by address. Those that have ended are among them until `expire`. */
  get rights(): ReadonlyMap<string, Right> {
    return this.#rights;
  }

  /** This node could hold a Lease: its controller lives, and the API server answers that. */
  get canHold(): boolean {
    return this.#canHold;
  }

  /** `gained`: what has a right now and had none a moment ago, so that others may have had it in between. */
  take({ sequence, reachable, rights }: LeaseNews, now: Moment): { readonly gained: readonly string[]; readonly hasLost: boolean } {
    const before = this.#rights;
    this.#rights = new Map([...rights].filter(([, right]) => isRightful(right, now)));
    this.#heeded = sequence;
    this.#reachable = reachable;
    this.#silentFromMs = now.monotonicMs + CONTROLLER_SILENT_MS;
    return {
      gained: [...this.#rights.keys()].filter((address) => !isRightful(before.get(address) ?? null, now)),
      hasLost: [...before.keys()].some((address) => !this.#rights.has(address)),
    };
  }

  /** Drops rights that have ended. True when that, or `canHold`, has changed since the last time. */
  expire(now: Moment): boolean {
    const canHold = this.#reachable && now.monotonicMs < this.#silentFromMs;
    const hasChanged = canHold !== this.#canHold;
    this.#canHold = canHold;
    const kept = [...this.#rights].filter(([, right]) => isRightful(right, now));
    if (kept.length === this.#rights.size) return hasChanged;
    this.#rights = new Map(kept);
    return true;
  }
}
