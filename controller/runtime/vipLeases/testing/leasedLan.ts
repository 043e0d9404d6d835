import { SimulatedLan } from '../../../announcer/engine/testing/simulatedLan.ts';
import type { LeaseNews, LeaseWishes } from '../../../announcer/leases.ts';
import type { AnnouncedVip } from '../../../announcer/wanted.ts';
import type { ElectionAction } from '../../../election/electionState.ts';
import { createSimulatedLease, type SimulatedLease } from '../../../election/testing/simulatedLease.ts';
import { createVipLeases, type VipLeases } from '../vipLeases.ts';
import { SimulatedElection } from './simulatedElection.ts';

type Request = Extract<ElectionAction, { readonly type: 'read' | 'write' }>;

/** For tests: how badly the API server and the way to it behave. Shares from 0 to 1. */
export interface Weather {
  readonly lostRequests: number;
  readonly lostAnswers: number;
  readonly slow: number;
}

/** For tests: nothing goes wrong. */
export const FINE_WEATHER: Weather = { lostRequests: 0, lostAnswers: 0, slow: 0 };

const LOOK_MS = 1_000;
const STOP_LIMIT_MS = 5_000;
const IPC_MS = [0.1, 5] as const;
const REQUEST_MS = [1, 40] as const;
const SLOW_REQUEST_MS = [1, 12_000] as const;

/** For tests: one controller, from its start to its end. */
export class SimulatedController {
  readonly node: string;
  readonly leases: VipLeases;
  readonly elections: SimulatedElection[] = [];
  isAlive = true;
  isStopping = false;
  /** What it was told while it is stopped; null: it runs. */
  waiting: (() => void)[] | null = null;
  news: LeaseNews | null = null;
  /** The channel keeps the order. */
  toldAtMs = 0;
  heardAtMs = 0;

  constructor(node: string, create: (controller: SimulatedController) => VipLeases) {
    this.node = node;
    this.leases = create(this);
  }

  /** Now, when it goes on, or never. */
  run(task: () => void): void {
    if (!this.isAlive) return;
    if (this.waiting === null) task();
    else this.waiting.push(task);
  }
}

/** For tests: nodes with announcers, controllers that keep Leases for them, and one API server; see SimulatedLan. */
export class LeasedLan {
  readonly lan: SimulatedLan;
  readonly #random: () => number;
  readonly #vips: ReadonlyMap<string, AnnouncedVip>;
  readonly #leases = new Map<string, SimulatedLease>();
  readonly controllers = new Map<string, SimulatedController>();
  /** Nodes that do not reach the API server. */
  readonly cutOff = new Set<string>();
  isServerAway = false;
  weather: Weather = FINE_WEATHER;
  #identities = 0;

  constructor(names: readonly string[], vips: ReadonlyMap<string, AnnouncedVip>, random: () => number) {
    this.#random = random;
    this.#vips = vips;
    this.lan = new SimulatedLan(names, vips, { random });
    for (const node of this.lan.nodes.values()) {
      // An hour apart, and uneven by a tenth.
      node.clocks.rate = 0.95 + 0.1 * random();
      node.clocks.monotonicOffsetMs = random() * 3_600_000;
      node.clocks.wallOffsetMs = 1.8e12 + random() * 3_600_000;
      node.leaseWishes = (wishes) => this.#hear(node.name, wishes);
    }
  }

  /** A controller and its announcer, which carries on from the one before if that has not been missed yet. */
  start(name: string): void {
    if (this.controllers.has(name)) this.killController(name);
    const inherited = this.lan.node(name).engine === null ? null : this.lan.node(name).report;
    const controller = new SimulatedController(name, (made) => createVipLeases({
      clock: { now: () => this.lan.node(name).momentAt(this.lan.nowMs).monotonicMs },
      elect: (address) => this.#elect(made, address),
      probe: () => Promise.resolve(this.#reaches(name)),
      tell: (news) => this.#tell(made, news),
    }));
    this.controllers.set(name, controller);
    this.lan.start(name, inherited);
    controller.leases.allow(new Set(this.#vips.keys()));
    this.#look(controller);
  }

  controller(name: string): SimulatedController {
    const controller = this.controllers.get(name);
    if (controller === undefined) throw new Error(`no controller on ${name}`);
    return controller;
  }

  /** The announcer ends without a word; its controller starts another one. */
  killAnnouncer(name: string, missedForMs: number): void {
    const { report } = this.lan.node(name);
    const controller = this.controller(name);
    this.lan.kill(name);
    this.lan.after(missedForMs, () => {
      if (!controller.isAlive || controller.isStopping || this.controllers.get(name) !== controller) return;
      this.lan.start(name, missedForMs < 500 ? report : null);
      if (controller.news !== null) this.lan.tell(name, { type: 'leases', news: controller.news });
    });
  }

  killController(name: string): void {
    const controller = this.controller(name);
    controller.isAlive = false;
    for (const election of controller.elections) election.isAlive = false;
  }

  pauseController(name: string): void {
    const controller = this.controller(name);
    controller.waiting ??= [];
    for (const election of controller.elections) election.isPaused = true;
  }

  resumeController(name: string): void {
    const controller = this.controller(name);
    const waiting = controller.waiting ?? [];
    controller.waiting = null;
    for (const election of controller.elections) election.resume();
    for (const task of waiting) controller.run(task);
  }

  /** In good order: the announcer first, then the Leases. */
  stop(name: string): void {
    const controller = this.controller(name);
    controller.isStopping = true;
    this.lan.stop(name);
    this.#whenEnded(controller, this.lan.nowMs + STOP_LIMIT_MS);
  }

  /** An announcer that does not end is killed. */
  #whenEnded(controller: SimulatedController, untilMs: number): void {
    if (!controller.isAlive) return;
    if (this.lan.nowMs >= untilMs) this.lan.kill(controller.node);
    if (this.lan.node(controller.node).engine === null) controller.run(() => void controller.leases.stop());
    else this.lan.after(20, () => this.#whenEnded(controller, untilMs));
  }

  async run(forMs: number): Promise<void> {
    const untilMs = this.lan.nowMs + forMs;
    while (this.lan.step(untilMs)) await settle();
  }

  #look(controller: SimulatedController): void {
    controller.run(() => controller.leases.look());
    if (controller.isAlive) this.lan.after(LOOK_MS, () => this.#look(controller));
  }

  #elect(controller: SimulatedController, address: string): SimulatedElection {
    this.#identities += 1;
    const election = new SimulatedElection({
      identity: `${controller.node}_${this.#identities}`,
      momentNow: () => this.lan.node(controller.node).momentAt(this.lan.nowMs),
      random: this.#random,
      after: (ms, run) => this.lan.after(ms / this.lan.node(controller.node).clocks.rate, run),
      ask: (request, answer) => this.#ask(controller.node, address, { request, answer }),
    });
    controller.elections.push(election);
    return election;
  }

  #ask(node: string, address: string, { request, answer }: { readonly request: Request; readonly answer: Parameters<ConstructorParameters<typeof SimulatedElection>[0]['ask']>[1] }): void {
    if (!this.#reaches(node)) return this.lan.after(1, () => answer({ type: 'failed', retryAfterMs: null, unreachable: true }));
    if (this.#random() < this.weather.lostRequests) return;
    this.lan.after(this.#requestMs(), () => {
      if (!this.#reaches(node)) return;
      const lease = this.#leaseOf(address);
      const result = request.type === 'read' ? lease.read() : lease.write(request);
      if (this.#random() >= this.weather.lostAnswers) this.lan.after(this.#requestMs(), () => answer(result));
    });
  }

  #leaseOf(address: string): SimulatedLease {
    const lease = this.#leases.get(address) ?? createSimulatedLease();
    this.#leases.set(address, lease);
    return lease;
  }

  #reaches(node: string): boolean {
    return !this.isServerAway && !this.cutOff.has(node);
  }

  #tell(controller: SimulatedController, news: LeaseNews): void {
    controller.news = news;
    controller.toldAtMs = Math.max(controller.toldAtMs, this.lan.nowMs + this.#between(IPC_MS));
    const { life } = this.lan.node(controller.node);
    this.lan.after(controller.toldAtMs - this.lan.nowMs, () => {
      if (this.lan.node(controller.node).life === life) this.lan.tell(controller.node, { type: 'leases', news });
    });
  }

  #hear(node: string, wishes: LeaseWishes): void {
    const controller = this.controllers.get(node);
    if (controller === undefined) return;
    controller.heardAtMs = Math.max(controller.heardAtMs, this.lan.nowMs + this.#between(IPC_MS));
    this.lan.after(controller.heardAtMs - this.lan.nowMs, () => controller.run(() => controller.leases.heard(wishes)));
  }

  #requestMs(): number {
    return this.#between(this.#random() < this.weather.slow ? SLOW_REQUEST_MS : REQUEST_MS);
  }

  #between([lowest, highest]: readonly [number, number]): number {
    return lowest + this.#random() * (highest - lowest);
  }
}

/** What promises lead to has happened. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
