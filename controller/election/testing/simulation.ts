import { DEFAULT_TIMINGS, type ElectionTimings } from '../electionTimings.ts';
import type { ElectionAction, ElectionEvent, ReadResult, WriteResult } from '../electionState.ts';
import { SimulatedCandidate } from './simulatedCandidate.ts';
import { createSimulatedLease } from './simulatedLease.ts';

/** For tests: how badly the network and the API server behave now. Shares from 0 to 1. */
export interface Weather {
  readonly lostRequests: number;
  readonly lostAnswers: number;
  readonly duplicates: number;
  /** Requests that take up to `longDelayMs` each way. */
  readonly slow: number;
  readonly longDelayMs: number;
  /** `refuses`: every request fails at once. `silent`: nothing is answered. */
  readonly server: 'healthy' | 'refuses' | 'silent';
}

/** For tests: nothing goes wrong. */
export const FINE_WEATHER: Weather = { lostRequests: 0, lostAnswers: 0, duplicates: 0, slow: 0, longDelayMs: 0, server: 'healthy' };

const SHORT_DELAY_MS = 40;

type Request = Extract<ElectionAction, { type: 'read' | 'write' }>;

/**
 * For tests: candidates, one Lease, a network between them and a true time that none of them knows. `onInstant` is called
 * after everything that happens: between two such instants no right to lead can begin.
 */
export class Simulation {
  readonly lease = createSimulatedLease();
  readonly candidates: SimulatedCandidate[] = [];
  readonly #random: () => number;
  readonly #timings: ElectionTimings;
  readonly #onInstant: (simulation: Simulation) => void;
  /** What is to happen, unordered: there are few at a time. */
  readonly #agenda: { readonly atMs: number; readonly run: () => void }[] = [];
  weather: Weather = FINE_WEATHER;
  /** Wall clocks of those that join stand still. */
  hasFrozenWallClocks = false;
  nowMs = 0;

  constructor(random: () => number, onInstant: (simulation: Simulation) => void, timings: ElectionTimings = DEFAULT_TIMINGS) {
    this.#random = random;
    this.#onInstant = onInstant;
    this.#timings = timings;
  }

  get leaders(): readonly SimulatedCandidate[] {
    return this.candidates.filter((candidate) => candidate.leadsAt(this.nowMs));
  }

  /** A new process on a machine whose clocks are hours off and up to a tenth too fast or too slow. */
  join(): SimulatedCandidate {
    const hours = (): number => (this.#random() - 0.5) * 48 * 3_600_000;
    const rate = 0.9 + 0.2 * this.#random();
    const clocks = { rate, wallRate: this.hasFrozenWallClocks ? 0 : rate, monotonicOffsetMs: 1e9 + hours(), wallOffsetMs: 1.8e12 + hours() };
    const identity = `node_${this.candidates.length}`;
    const candidate = new SimulatedCandidate({ identity, timings: this.#timings }, clocks, this.#random);
    this.candidates.push(candidate);
    this.tell(candidate, { type: 'start' });
    return candidate;
  }

  tell(candidate: SimulatedCandidate, event: ElectionEvent): void {
    for (const action of candidate.receive(event, this.nowMs)) {
      if (action.type === 'read' || action.type === 'write') this.#send(candidate, action);
    }
    this.#onInstant(this);
    if (candidate.isAlive && !candidate.isPaused) this.#wake(candidate);
  }

  /** `isSuspended`: its monotonic clock stands still as well, as on a machine that sleeps. */
  pause(candidate: SimulatedCandidate, ms: number, isSuspended: boolean): void {
    candidate.isPaused = true;
    this.after(ms, () => {
      if (isSuspended) candidate.clocks.monotonicOffsetMs -= ms * candidate.clocks.rate;
      const missed = candidate.resume();
      this.#onInstant(this);
      for (const event of missed) this.tell(candidate, event);
      this.tell(candidate, { type: 'tick' });
    });
  }

  after(ms: number, run: () => void): void {
    this.#agenda.push({ atMs: this.nowMs + ms, run });
  }

  runUntil(untilMs: number): void {
    for (;;) {
      let next = -1;
      for (const [index, { atMs }] of this.#agenda.entries()) {
        if (atMs <= untilMs && (next === -1 || atMs < (this.#agenda[next]?.atMs ?? 0))) next = index;
      }
      const [entry] = next === -1 ? [] : this.#agenda.splice(next, 1);
      if (entry === undefined) break;
      this.nowMs = entry.atMs;
      entry.run();
      this.#onInstant(this);
    }
    this.nowMs = untilMs;
  }

  #wake(candidate: SimulatedCandidate): void {
    const atMs = candidate.wakeAt(this.nowMs);
    if (atMs === null) return;
    const { state } = candidate;
    this.after(Math.max(atMs - this.nowMs, 0.01), () => {
      // A later step has set another alarm.
      if (candidate.state === state || candidate.isPaused) this.tell(candidate, { type: 'tick' });
    });
  }

  #send(candidate: SimulatedCandidate, request: Request): void {
    const { server, lostRequests, duplicates } = this.weather;
    if (server === 'refuses') return this.after(1, () => this.#answer(candidate, request, { type: 'failed', retryAfterMs: null }));
    const copies = this.#random() < duplicates ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      if (this.#random() < lostRequests || server === 'silent') continue;
      this.after(this.#delay(), () => this.#serve(candidate, request));
    }
  }

  #serve(candidate: SimulatedCandidate, request: Request): void {
    const result = request.type === 'read' ? this.lease.read() : this.lease.write(request);
    if (this.#random() < this.weather.lostAnswers) return;
    const copies = this.#random() < this.weather.duplicates ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) this.after(this.#delay(), () => this.#answer(candidate, request, result));
  }

  #answer(candidate: SimulatedCandidate, { type, id }: Request, result: ReadResult | WriteResult): void {
    if (type === 'read' && (result.type === 'found' || result.type === 'absent' || result.type === 'failed')) {
      this.tell(candidate, { type: 'readResult', id, result });
    } else if (type === 'write' && (result.type === 'written' || result.type === 'conflict' || result.type === 'failed')) {
      this.tell(candidate, { type: 'writeResult', id, result });
    }
  }

  #delay(): number {
    const isSlow = this.#random() < this.weather.slow;
    return 1 + this.#random() * (isSlow ? this.weather.longDelayMs : SHORT_DELAY_MS);
  }
}
