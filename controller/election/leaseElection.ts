import type { Logger } from '../../core/log/logger.ts';
import type { Clock } from '../../core/time/clock.ts';
import type { KubeApi } from '../cluster/kubeApi.ts';
import { stepElection } from './electionMachine.ts';
import {
  isRightful,
  NEW_ELECTION,
  wakeAtMs,
  type ElectionAction,
  type ElectionEvent,
  type ElectionRules,
  type ElectionState,
  type Moment,
  type Right,
} from './electionState.ts';
import { ElectionTally, type ElectionCounts } from './electionTally.ts';
import { checkTimings, DEFAULT_TIMINGS, type ElectionTimings } from './electionTimings.ts';
import type { Leadership } from './leadership.ts';
import { createLeaseStore, type LeaseStore, type RequestLimits } from './leaseStore.ts';

/** What an election needs. */
export interface LeaseElectionOptions {
  readonly api: KubeApi;
  /** Of the Lease. */
  readonly namespace: string;
  readonly name: string;
  /** Of this process and no other, as `newIdentity` makes it. */
  readonly identity: string;
  /** Monotonic. */
  readonly clock: Clock;
  /** ms since the epoch: for the times written into the Lease, and to notice that the machine slept. */
  readonly wallClock: Clock;
  /** x with 0 ≤ x < 1. */
  readonly random: () => number;
  readonly logger: Logger;
  /** What its holder is, for the log. Default: `the leader`. */
  readonly office?: string;
  /** Default: client-go's. */
  readonly timings?: Partial<ElectionTimings>;
}

/** A candidate for a Lease. */
export interface LeaseElection extends Leadership {
  /** Begins to try; does not wait for success, and does not fail when the API server is away. */
  start(): Promise<void>;
  /**
   * Leads no more from the call on, then releases the Lease if it holds it, so that the next one takes over at once: whoever
   * writes as the leader must have ended before. Resolves after `releaseTimeoutMs` at the latest.
   */
  stop(): Promise<void>;
  /** Until when it leads, by its clocks: for who cannot ask each time. Null: it does not. */
  right(): Right | null;
  /** When the API server last answered as it should, by the monotonic clock; null: never. */
  answeredMs(): number | null;
  /** For metrics. */
  counts(): ElectionCounts;
}

/** Longest time a timer of Node.js can wait, ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** An election by client-go's rules (docs/decisions/0010). Throws RangeError for times that cannot work together. */
export function createLeaseElection(options: LeaseElectionOptions): LeaseElection {
  return new LeaseCandidate(options);
}

/** Feeds the machine with answers and time, and does what it says. */
class LeaseCandidate implements LeaseElection {
  readonly #options: LeaseElectionOptions;
  readonly #rules: ElectionRules;
  readonly #tally: ElectionTally;
  readonly #store: LeaseStore;
  readonly #listeners = new Set<() => void>();
  readonly #stopped = Promise.withResolvers<void>();
  #state: ElectionState = NEW_ELECTION;
  #timer: NodeJS.Timeout | undefined;
  #answeredMs: number | null = null;
  #request: { readonly id: number; readonly controller: AbortController } | null = null;

  constructor(options: LeaseElectionOptions) {
    const timings = { ...DEFAULT_TIMINGS, ...options.timings };
    checkTimings(timings);
    const { api, namespace, name, identity, logger, office = 'the leader' } = options;
    this.#options = options;
    this.#rules = { identity, timings };
    this.#tally = new ElectionTally(logger.child({ lease: `${namespace}/${name}`, identity }), office);
    this.#store = createLeaseStore(api, { namespace, name }, (verb, error) => {
      if (this.#state.phase !== 'stopped') this.#tally.failed(verb, error);
    });
  }

  /** Asks the clocks, not a flag: a process that slept past its right learns so by its very first question. */
  isLeader(): boolean {
    return this.right() !== null;
  }

  right(): Right | null {
    const { right } = this.#state;
    if (right === null) return null;
    const { clock, wallClock } = this.#options;
    if (isRightful(right, { monotonicMs: clock.now(), wallMs: wallClock.now() })) return right;
    this.#dispatch({ type: 'tick' });
    return null;
  }

  answeredMs(): number | null {
    return this.#answeredMs;
  }

  holder(): string | null {
    return holderOf(this.#state);
  }

  onChange(listener: () => void): () => void {
    // Wrapped, so that the same function given twice is two listeners.
    const entry = (): void => listener();
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  counts(): ElectionCounts {
    return this.#tally.counts();
  }

  start(): Promise<void> {
    this.#dispatch({ type: 'start' });
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#dispatch({ type: 'stop' });
    return this.#stopped.promise;
  }

  #dispatch(event: ElectionEvent): void {
    const before = this.#state;
    const { state, actions } = stepElection(before, event, this.#moment(), this.#rules);
    this.#state = state;
    for (const action of actions) this.#perform(action);
    this.#tellChanges(before);
    this.#setTimer();
  }

  #moment(): Moment {
    const { clock, wallClock, random } = this.#options;
    return { monotonicMs: clock.now(), wallMs: wallClock.now(), random: random() };
  }

  #perform(action: ElectionAction): void {
    switch (action.type) {
      case 'read':
        return this.#ask(action.id, async (limits) => {
          return { type: 'readResult', id: action.id, result: await this.#store.read(limits) };
        });
      case 'write':
        return this.#ask(action.id, async (limits) => {
          return { type: 'writeResult', id: action.id, result: await this.#store.write(action.claim, action.precondition, limits) };
        });
      case 'abandon':
        if (this.#request?.id === action.id) this.#request.controller.abort(new Error('there was no answer in time'));
        return;
      case 'becomeLeader':
        return this.#tally.won(this.#state.observed?.record.transitions ?? 0);
      case 'loseLeadership':
        return this.#tally.lost(action.reason);
      case 'stopped':
        this.#tally.stopped(action.hasReleased);
        return this.#stopped.resolve();
    }
  }

  #ask(id: number, request: (limits: RequestLimits) => Promise<ResultEvent>): void {
    const controller = new AbortController();
    this.#request = { id, controller };
    const limits = { signal: controller.signal, timeoutMs: this.#rules.timings.requestTimeoutMs };
    // The store turns every failure into a result: what arrives here is a fault of ours, and the machine gives up waiting by itself.
    request(limits).then((event) => this.#answer(event), (error: unknown) => this.#options.logger.error('election: a fault', { error }));
  }

  #answer(event: ResultEvent): void {
    if (event.result.type !== 'failed') {
      this.#tally.answered();
      this.#answeredMs = this.#options.clock.now();
    }
    this.#dispatch(event);
  }

  #tellChanges(before: ElectionState): void {
    const holder = holderOf(this.#state);
    const hasOtherHolder = holder !== holderOf(before);
    if (hasOtherHolder) this.#tally.holderChanged(holder);
    if (!hasOtherHolder && (before.right === null) === (this.#state.right === null)) return;
    // Not at once: whoever asked `isLeader` is in the middle of something.
    for (const listener of this.#listeners) queueMicrotask(() => this.#tell(listener));
  }

  #tell(listener: () => void): void {
    if (!this.#listeners.has(listener)) return;
    try {
      listener();
    } catch (error) {
      this.#options.logger.error('a listener of the election failed', { error });
    }
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    const atMs = wakeAtMs(this.#state);
    if (atMs === null) return;
    const waitMs = Math.ceil(Math.max(atMs - this.#options.clock.now(), 0));
    this.#timer = setTimeout(() => this.#dispatch({ type: 'tick' }), Math.min(waitMs, MAX_TIMER_MS));
  }
}

type ResultEvent = Extract<ElectionEvent, { type: 'readResult' | 'writeResult' }>;

function holderOf({ observed }: ElectionState): string | null {
  const holder = observed?.record.holder ?? null;
  return holder === '' ? null : holder;
}
