import { stepElection } from '../../../election/electionMachine.ts';
import { isRightful, NEW_ELECTION, wakeAtMs, type ElectionAction, type ElectionEvent, type ReadResult, type Right, type WriteResult } from '../../../election/electionState.ts';
import { DEFAULT_TIMINGS } from '../../../election/electionTimings.ts';
import { VIP_LEASE_TIMINGS } from '../vipLeaseTimings.ts';
import type { VipElection } from '../vipLeases.ts';

type Request = Extract<ElectionAction, { readonly type: 'read' | 'write' }>;
type Result = ReadResult | WriteResult;

/** For tests: what an election needs of its world. Times are of its node's clocks. */
export interface ElectionWorld {
  readonly identity: string;
  readonly momentNow: () => { readonly monotonicMs: number; readonly wallMs: number };
  readonly random: () => number;
  readonly after: (ms: number, run: () => void) => void;
  readonly ask: (request: Request, answer: (result: Result) => void) => void;
}

/** For tests: a candidate with the real rules, and a world that is not. It may be stopped, and may end. */
export class SimulatedElection implements VipElection {
  readonly #world: ElectionWorld;
  readonly #listeners = new Set<() => void>();
  readonly #stopped = Promise.withResolvers<void>();
  #missed: ElectionEvent[] = [];
  #state = NEW_ELECTION;
  #answeredMs: number | null = null;
  isAlive = true;
  isPaused = false;

  constructor(world: ElectionWorld) {
    this.#world = world;
  }

  start(): Promise<void> {
    this.#dispatch({ type: 'start' });
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#dispatch({ type: 'stop' });
    return this.#stopped.promise;
  }

  right(): Right | null {
    const { right } = this.#state;
    if (isRightful(right, this.#world.momentNow())) return right;
    if (right !== null) this.#dispatch({ type: 'tick' });
    return null;
  }

  answeredMs(): number | null {
    return this.#answeredMs;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** It learns of what it missed in any order, after its timers. */
  resume(): void {
    this.isPaused = false;
    const missed = this.#missed.map((event) => ({ event, place: this.#world.random() })).toSorted((a, b) => a.place - b.place);
    this.#missed = [];
    this.#dispatch({ type: 'tick' });
    for (const { event } of missed) this.#dispatch(event);
  }

  #dispatch(event: ElectionEvent): void {
    if (!this.isAlive) return;
    if (this.isPaused) {
      this.#missed.push(event);
      return;
    }
    const before = this.#state;
    const { identity, momentNow, random } = this.#world;
    const { state, actions } = stepElection(before, event, { ...momentNow(), random: random() }, { identity, timings: { ...DEFAULT_TIMINGS, ...VIP_LEASE_TIMINGS } });
    this.#state = state;
    for (const action of actions) this.#perform(action);
    if ((before.right === null) !== (state.right === null)) queueMicrotask(() => this.#tellListeners());
    this.#wake();
  }

  #perform(action: ElectionAction): void {
    if (action.type === 'stopped') this.#stopped.resolve();
    if (action.type !== 'read' && action.type !== 'write') return;
    this.#world.ask(action, (result) => {
      if (result.type !== 'failed') this.#answeredMs = this.#world.momentNow().monotonicMs;
      this.#dispatch(eventOf(action, result));
    });
  }

  #tellListeners(): void {
    if (this.isAlive && !this.isPaused) for (const listener of this.#listeners) listener();
  }

  #wake(): void {
    const atMs = wakeAtMs(this.#state);
    if (atMs === null) return;
    const state = this.#state;
    this.#world.after(Math.max(atMs - this.#world.momentNow().monotonicMs, 0.01), () => {
      if (this.#state === state && !this.isPaused) this.#dispatch({ type: 'tick' });
    });
  }
}

function eventOf({ type, id }: Request, result: Result): ElectionEvent {
  if (type === 'read') {
    if (result.type === 'written' || result.type === 'conflict') throw new Error('a read has the result of a write');
    return { type: 'readResult', id, result };
  }
  if (result.type === 'found' || result.type === 'absent') throw new Error('a write has the result of a read');
  return { type: 'writeResult', id, result };
}
