import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TIMINGS, JITTER_FACTOR } from './electionTimings.ts';
import { seededRandom, testSeed } from '../../core/testing/seededRandom.ts';
import type { SimulatedCandidate } from './testing/simulatedCandidate.ts';
import { FINE_WEATHER, Simulation, type Weather } from './testing/simulation.ts';

const SEED = testSeed();
const HISTORIES = 3_000;
const HISTORY_MS = 240_000;
const LONG_DELAY_MS = 25_000;
/** Within this time the first processes start. */
const FIRST_JOINS_MS = 5_000;
/** Clocks run at 0.9 to 1.1 of true time. */
const SLOWEST_RATE = 0.9;
/** So long after somebody erased the Lease no process starts that has never seen it (decision 0010: what remains possible). */
const ERASURE_QUIET_MS = 40_000;
const { leaseDurationMs, retryPeriodMs, requestTimeoutMs } = DEFAULT_TIMINGS;

/** What has been seen in all histories: a test that meets nothing shows nothing. */
const met = { terms: 0, lapses: 0, erasures: 0, releases: 0, histories: 0 };

/** One history: what may go wrong goes wrong, then all is well for a while. */
class History {
  readonly simulation: Simulation;
  readonly #random: () => number;
  /** Machines sleep, or their wall clocks are set back. Both at once within ten seconds cannot be told from neither. */
  readonly #hasSleep: boolean;
  #erasedMs = Number.NEGATIVE_INFINITY;
  #leader: SimulatedCandidate | null = null;

  constructor(random: () => number) {
    this.#random = random;
    this.#hasSleep = random() < 0.5;
    this.simulation = new Simulation(random, (simulation) => this.#check(simulation));
    this.simulation.hasFrozenWallClocks = !this.#hasSleep && random() < 0.3;
  }

  run(): void {
    const { simulation } = this;
    const candidates = 2 + Math.floor(this.#random() * 3);
    for (let count = 0; count < candidates; count += 1) simulation.after(this.#random() * FIRST_JOINS_MS, () => simulation.join());
    this.#changeWeather();
    this.#trouble();
    simulation.runUntil(HISTORY_MS);
    this.#heal();
  }

  #check({ leaders, nowMs }: Simulation): void {
    const names = leaders.map(({ rules }) => rules.identity);
    assert.ok(leaders.length <= 1, `two leaders at ${nowMs}: ${names.join(', ')}`);
    const leader = leaders[0] ?? null;
    if (leader !== null && leader !== this.#leader) met.terms += 1;
    if (leader === null && this.#leader !== null) met.lapses += 1;
    this.#leader = leader;
  }

  #changeWeather(): void {
    this.simulation.weather = this.#drawWeather();
    this.simulation.after(1_000 + this.#random() * 30_000, () => {
      if (this.simulation.nowMs < HISTORY_MS) this.#changeWeather();
    });
  }

  #drawWeather(): Weather {
    const share = (): number => (this.#random() < 0.5 ? 0 : this.#random() * 0.5);
    const x = this.#random();
    const server = x < 0.1 ? 'refuses' : x < 0.2 ? 'silent' : 'healthy';
    return { lostRequests: share(), lostAnswers: share(), duplicates: share(), slow: share(), longDelayMs: this.#random() * LONG_DELAY_MS, server };
  }

  #trouble(): void {
    this.simulation.after(this.#random() * 12_000, () => {
      if (this.simulation.nowMs >= HISTORY_MS) return;
      this.#happen();
      this.#trouble();
    });
  }

  #happen(): void {
    const { simulation } = this;
    const alive = simulation.candidates.filter((candidate) => candidate.isAlive && candidate.state.phase !== 'stopped');
    const candidate = alive[Math.floor(this.#random() * alive.length)];
    const x = this.#random();
    if (candidate === undefined) this.#joinAgain();
    else if (x < 0.3) this.#pause(candidate);
    else if (x < 0.4) this.#stepWallClock(candidate);
    else if (x < 0.5) this.#end(candidate);
    else if (x < 0.7) this.#joinAgain();
    // A change of labels: another version, the same record.
    else if (x < 0.8) simulation.lease.edit(() => ({}));
    else if (x < 0.85) simulation.lease.edit(() => ({ holder: null, leaseDurationSeconds: null, renewTime: 'soon' }));
    else this.#erase(alive);
  }

  #pause(candidate: SimulatedCandidate): void {
    if (!candidate.isPaused) this.simulation.pause(candidate, this.#random() * 60_000, this.#hasSleep && this.#random() < 0.5);
  }

  #stepWallClock({ clocks }: SimulatedCandidate): void {
    const stepMs = this.#random() * 60_000;
    clocks.wallOffsetMs += this.#hasSleep || this.#random() < 0.5 ? stepMs : -stepMs;
  }

  #end(candidate: SimulatedCandidate): void {
    if (this.#random() < 0.5) {
      candidate.isAlive = false;
      return;
    }
    met.releases += 1;
    this.simulation.tell(candidate, { type: 'stop' });
  }

  #joinAgain(): void {
    const { simulation } = this;
    if (simulation.nowMs - this.#erasedMs > ERASURE_QUIET_MS && simulation.candidates.length < 12) simulation.join();
  }

  #erase(alive: readonly SimulatedCandidate[]): void {
    const { simulation } = this;
    if (simulation.nowMs < FIRST_JOINS_MS || !alive.every(({ state }) => state.hasSeenHolder)) return;
    this.#erasedMs = simulation.nowMs;
    met.erasures += 1;
    if (this.#random() < 0.5) simulation.lease.remove();
    else simulation.lease.edit(() => ({ holder: '' }));
  }

  /** All is well: somebody leads soon, and goes on leading. */
  #heal(): void {
    const { simulation } = this;
    simulation.weather = FINE_WEATHER;
    // The last pause, answer, request and probation may still be under way.
    simulation.runUntil(HISTORY_MS + 60_000 + 2 * LONG_DELAY_MS);
    if (!simulation.candidates.some(({ isAlive, state }) => isAlive && state.phase !== 'stopped')) simulation.join();
    simulation.runUntil(simulation.nowMs + (2 * leaseDurationMs + requestTimeoutMs + 3 * retryPeriodMs) / SLOWEST_RATE);
    const { leaders } = simulation;
    assert.equal(leaders.length, 1, 'nobody leads');
    simulation.runUntil(simulation.nowMs + 30_000);
    assert.deepEqual(simulation.leaders, leaders, 'the leader of a healthy cluster changed');
  }
}

test(`in ${HISTORIES} histories (GATEHOUSE_SEED=${SEED}) nobody ever leads beside another, and in the end somebody does`, (t) => {
  t.diagnostic(`GATEHOUSE_SEED=${SEED}`);
  for (let index = 0; index < HISTORIES; index += 1) {
    met.histories += 1;
    try {
      new History(seededRandom(SEED + index)).run();
    } catch (error) {
      throw new Error(`history of GATEHOUSE_SEED=${SEED + index}`, { cause: error });
    }
  }
  t.diagnostic(JSON.stringify(met));
  for (const [what, count] of Object.entries(met)) assert.ok(count > HISTORIES / 10, `${what}: ${count}`);
});

test(`a leader that dies is followed within a lease and one try (GATEHOUSE_SEED=${SEED})`, () => {
  for (let index = 0; index < 300; index += 1) {
    const random = seededRandom(SEED + index);
    const simulation = new Simulation(random, ({ leaders }) => assert.ok(leaders.length <= 1));
    const count = 2 + Math.floor(random() * 4);
    for (let joined = 0; joined < count; joined += 1) simulation.join();
    simulation.runUntil(10_000 + random() * 10_000);
    const [leader] = simulation.leaders;
    assert.ok(leader !== undefined, 'nobody leads after ten seconds');
    leader.isAlive = false;
    const boundMs = (leaseDurationMs + retryPeriodMs * JITTER_FACTOR) / SLOWEST_RATE + 200;
    simulation.runUntil(simulation.nowMs + boundMs);
    assert.equal(simulation.leaders.length, 1, `GATEHOUSE_SEED=${SEED + index}`);
  }
});

test(`a leader that stops is followed within one try (GATEHOUSE_SEED=${SEED})`, () => {
  for (let index = 0; index < 300; index += 1) {
    const random = seededRandom(SEED + index);
    const simulation = new Simulation(random, ({ leaders }) => assert.ok(leaders.length <= 1));
    for (let joined = 0; joined < 3; joined += 1) simulation.join();
    simulation.runUntil(10_000);
    const [leader] = simulation.leaders;
    assert.ok(leader !== undefined);
    simulation.tell(leader, { type: 'stop' });
    simulation.runUntil(simulation.nowMs + (retryPeriodMs * JITTER_FACTOR) / SLOWEST_RATE + 300);
    assert.equal(simulation.leaders.length, 1, `GATEHOUSE_SEED=${SEED + index}`);
  }
});
