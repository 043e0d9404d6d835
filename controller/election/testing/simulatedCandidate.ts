import { stepElection } from '../electionMachine.ts';
import { isRightful, NEW_ELECTION, wakeAtMs, type ElectionAction, type ElectionEvent, type ElectionRules, type ElectionState, type Moment } from '../electionState.ts';

/** For tests: clocks of one machine, and how fast they run beside true time. */
export interface SimulatedClocks {
  readonly rate: number;
  /** 0: it stands still. */
  readonly wallRate: number;
  monotonicOffsetMs: number;
  wallOffsetMs: number;
}

/** For tests: one process with an election in it, on a machine with clocks of its own. */
export class SimulatedCandidate {
  readonly clocks: SimulatedClocks;
  readonly rules: ElectionRules;
  readonly #random: () => number;
  /** What happened while the process was paused; it learns all of it afterwards, in any order. */
  readonly #missed: ElectionEvent[] = [];
  state: ElectionState = NEW_ELECTION;
  isAlive = true;
  isPaused = false;

  constructor(rules: ElectionRules, clocks: SimulatedClocks, random: () => number) {
    this.rules = rules;
    this.clocks = clocks;
    this.#random = random;
  }

  /** What `isLeader()` would answer at this true time; a process that does not run asks nothing. */
  leadsAt(trueMs: number): boolean {
    return this.isAlive && !this.isPaused && isRightful(this.state.right, this.momentAt(trueMs));
  }

  momentAt(trueMs: number): Moment {
    const { rate, wallRate, monotonicOffsetMs, wallOffsetMs } = this.clocks;
    return { monotonicMs: trueMs * rate + monotonicOffsetMs, wallMs: trueMs * wallRate + wallOffsetMs, random: this.#random() };
  }

  /** True time at which the machine wants to be woken; null: never. */
  wakeAt(trueMs: number): number | null {
    const wake = wakeAtMs(this.state);
    if (wake === null) return null;
    return Math.max(trueMs, (wake - this.clocks.monotonicOffsetMs) / this.clocks.rate);
  }

  /** Actions to carry out; none while it is paused. */
  receive(event: ElectionEvent, trueMs: number): readonly ElectionAction[] {
    if (!this.isAlive) return [];
    if (this.isPaused) {
      this.#missed.push(event);
      return [];
    }
    const { state, actions } = stepElection(this.state, event, this.momentAt(trueMs), this.rules);
    this.state = state;
    return actions;
  }

  /** Goes on; what it missed, in random order. */
  resume(): readonly ElectionEvent[] {
    this.isPaused = false;
    return this.#missed
      .splice(0)
      .map((event) => ({ event, place: this.#random() }))
      .toSorted((a, b) => a.place - b.place)
      .map(({ event }) => event);
  }
}
