import { NO_BGP } from '../../bgp/bgpWanted.ts';
import { isRightful, type Right } from '../../../election/electionState.ts';
import { AnnouncerEngine } from '../../engine.ts';
import { EventHeap } from '../../membership/testing/eventHeap.ts';
import type { L2Answer, MemberState } from '../../parts.ts';
import type { VipEvent, AnnouncerReport } from '../../report.ts';
import type { AnnouncedVip, AnnouncerWanted } from '../../wanted.ts';
import type { LeaseWishes } from '../../leases.ts';
import type { EngineEffect, EngineEvent, InterfaceView, Moment } from '../engineEvents.ts';

/** One interface that takes everything. */
export const ONE_INTERFACE: InterfaceView = { choose: () => [{ index: 2, name: 'eth0', mac: '02:00:00:00:00:01' }], describe: () => [] };
const NO_INTERFACE: InterfaceView = { choose: () => [], describe: () => [] };

const TICK_MS = 50;
/** As membership is: nobody is believed dead sooner or later than this. */
const DEATH_MS = [600, 900] as const;
const GOSSIP_MS = [1, 30] as const;
/** A member that is reachable again is found so late at most. */
const RETURN_MS = [1, 200] as const;
const FRAME_MS = 1;
/** When a burst of gratuitous frames repeats. */
const BURST_MS = [0, 300, 1_000];
const SETTLED_MS = 500;
/** Until a process that goes on has read what it was told meanwhile. */
const RESUME_MS = [1, 300] as const;
const KERNEL_MS = 40;

/** A stretch of time in which several nodes answered for one VIP, or none did. */
export interface Span {
  readonly address: string;
  readonly nodes: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
}

/** One node: its engine, what it believes of others, and what it answers for. */
export class SimulatedNode {
  readonly name: string;
  engine: AnnouncerEngine | null = null;
  /** Rises with every life, so that what was on its way to an earlier one gets lost. */
  life = 0;
  answers: ReadonlyMap<string, L2Answer> = new Map();
  state: MemberState = { serving: false, unable: ['*'], held: [] };
  readonly alive = new Map<string, MemberState>();
  lastEvents: VipEvent[] = [];
  report: AnnouncerReport | null = null;
  serving = true;
  hasLink = true;
  /** Until when its `leased` answers may be spoken for. */
  rights: ReadonlyMap<string, Right> = new Map();
  /** Its main thread does not run: what it is told waits here. Null: it does. */
  waiting: EngineEvent[] | null = null;
  /** Its L2 thread does not run either. */
  isStopped = false;
  /** How its clocks run beside true time. */
  readonly clocks = { rate: 1, monotonicOffsetMs: 0, wallOffsetMs: 1_000_000 };
  leaseWishes: (wishes: LeaseWishes) => void = () => {};

  constructor(name: string) {
    this.name = name;
  }

  momentAt(trueMs: number): Moment {
    const { rate, monotonicOffsetMs, wallOffsetMs } = this.clocks;
    return { monotonicMs: trueMs * rate + monotonicOffsetMs, wallMs: trueMs * rate + wallOffsetMs };
  }

  /** Its L2 thread answers, leaving or not. The thread looks at the clocks itself. */
  answersAt(address: string, trueMs: number): boolean {
    const answer = this.answers.get(address);
    if (this.engine === null || !this.hasLink || this.isStopped || answer === undefined) return false;
    return answer.leased !== true || isRightful(this.rights.get(address) ?? null, this.momentAt(trueMs));
  }
}

/** Nodes on one LAN with gossip that takes time: who answers for what at each instant. Everything follows from the seed. */
export class SimulatedLan {
  nowMs = 0;
  readonly nodes: ReadonlyMap<string, SimulatedNode>;
  readonly #heap = new EventHeap();
  readonly #random: () => number;
  readonly #quorum: boolean;
  /** Pairs `a b` that do not hear each other: neither gossip nor frames. */
  readonly #cut = new Set<string>();
  /** Of gossip alone: frames still get through. */
  cutsFrames = true;
  #wanted: AnnouncerWanted;
  #generation = 1;
  readonly #answering = new Map<string, { readonly nodes: readonly string[]; readonly fromMs: number }>();
  readonly spans: Span[] = [];

  constructor(names: readonly string[], vips: ReadonlyMap<string, AnnouncedVip>, options: { readonly random: () => number; readonly quorum?: boolean }) {
    this.nodes = new Map(names.map((name) => [name, new SimulatedNode(name)]));
    this.#random = options.random;
    this.#quorum = options.quorum ?? false;
    this.#wanted = { ports: new Map(), vips, nodes: new Map(names.map((name) => [name, []])), bgp: NO_BGP };
    for (const address of vips.keys()) this.#answering.set(address, { nodes: [], fromMs: 0 });
  }

  node(name: string): SimulatedNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  /** Who answers, leaving or not. */
  answering(address: string): readonly string[] {
    return [...this.nodes.values()].filter((node) => node.answersAt(address, this.nowMs)).map(({ name }) => name);
  }

  start(name: string, inherited: AnnouncerReport | null = null): void {
    const node = this.node(name);
    node.life += 1;
    node.alive.clear();
    node.rights = new Map();
    node.waiting = null;
    node.isStopped = false;
    node.engine = new AnnouncerEngine({ settings: { nodeName: name, quorum: this.#quorum }, inherited });
    this.#give(node, { type: 'interfaces', interfaces: ONE_INTERFACE });
    this.#give(node, { type: 'proxy', serving: node.serving });
    this.#give(node, { type: 'wanted', generation: this.#generation, wanted: this.#wanted });
    for (const other of this.nodes.values()) if (other !== node && this.#hears(node, other)) this.#meet(node, other);
    this.#later(node, SETTLED_MS, () => this.#give(node, { type: 'settled' }));
    this.#tick(node);
  }

  /** Ends without a word, as by SIGKILL. */
  kill(name: string): void {
    const node = this.node(name);
    node.engine = null;
    node.life += 1;
    node.answers = new Map();
    for (const other of this.nodes.values()) this.#lose(other, node);
    this.#observe();
  }

  stop(name: string): void {
    this.#give(this.node(name), { type: 'stop' });
  }

  /** SIGSTOP. */
  pause(name: string): void {
    this.node(name).isStopped = true;
    this.block(name);
  }

  /** Its main thread is busy with something; the L2 thread goes on, as if the pulse of the main thread did not watch over it. */
  block(name: string): void {
    const node = this.node(name);
    node.waiting ??= [];
    for (const other of this.nodes.values()) if (other !== node) this.#lose(other, node);
    this.#observe();
  }

  /** SIGCONT, and the end of what kept it busy. The L2 thread goes on at once, the main thread a moment later. */
  resume(name: string): void {
    const node = this.node(name);
    node.isStopped = false;
    this.#observe();
    this.#later(node, this.#between(RESUME_MS), () => this.#goOn(node));
  }

  tell(name: string, event: EngineEvent): void {
    this.#give(this.node(name), event);
  }

  /** Whatever becomes of any node. */
  after(delayMs: number, run: () => void): void {
    this.#heap.add(this.nowMs + delayMs, run);
  }

  setServing(name: string, serving: boolean): void {
    const node = this.node(name);
    node.serving = serving;
    this.#give(node, { type: 'proxy', serving });
  }

  setInterface(name: string, exists: boolean): void {
    this.#give(this.node(name), { type: 'interfaces', interfaces: exists ? ONE_INTERFACE : NO_INTERFACE });
  }

  want(vips: ReadonlyMap<string, AnnouncedVip>): void {
    this.#generation += 1;
    this.#wanted = { ...this.#wanted, ports: new Map(), vips };
    for (const address of vips.keys()) if (!this.#answering.has(address)) this.#answering.set(address, { nodes: [], fromMs: this.nowMs });
    for (const node of this.nodes.values()) {
      const delayMs = this.#between(GOSSIP_MS);
      this.#later(node, delayMs, () => this.#give(node, { type: 'wanted', generation: this.#generation, wanted: this.#wanted }));
    }
  }

  /** Cuts `group` off from all others. */
  partition(group: readonly string[]): void {
    for (const [a, b] of this.#across(group)) {
      this.#cut.add(`${a.name} ${b.name}`);
      this.#lose(a, b);
    }
  }

  heal(group: readonly string[]): void {
    for (const [a, b] of this.#across(group)) this.#cut.delete(`${a.name} ${b.name}`);
    for (const [a, b] of this.#across(group)) if (a.name < b.name && a.engine !== null && b.engine !== null) this.#meet(a, b);
  }

  run(forMs: number): void {
    const untilMs = this.nowMs + forMs;
    while (this.step(untilMs));
  }

  /** The next thing that happens up to a time; false: nothing does any more, and it is that time. */
  step(untilMs: number): boolean {
    const next = this.#heap.nextMs() <= untilMs ? this.#heap.take() : undefined;
    this.nowMs = next?.atMs ?? untilMs;
    next?.run();
    this.#observe();
    return next !== undefined;
  }

  /** What is not exactly one answer, since `fromMs` and up to now. */
  irregular(fromMs: number): readonly Span[] {
    for (const [address, { nodes, fromMs: since }] of this.#answering) this.#note(address, nodes, since);
    return this.spans.filter((span) => span.toMs > fromMs && span.toMs > span.fromMs);
  }

  #goOn(node: SimulatedNode): void {
    if (node.isStopped) return;
    const waiting = node.waiting ?? [];
    node.waiting = null;
    this.#observe();
    for (const event of waiting) this.#give(node, event);
    for (const other of this.nodes.values()) if (other !== node && this.#hears(node, other)) this.#meet(node, other);
  }

  #tick(node: SimulatedNode): void {
    this.#give(node, { type: 'tick' });
    this.#later(node, TICK_MS, () => this.#tick(node));
  }

  #give(node: SimulatedNode, event: EngineEvent): void {
    if (node.engine === null) return;
    if (node.waiting !== null) {
      if (event.type !== 'tick') node.waiting.push(event);
      return;
    }
    const effects = node.engine.handle(event, node.momentAt(this.nowMs));
    for (const effect of effects) this.#perform(node, effect);
    this.#observe();
  }

  #perform(node: SimulatedNode, effect: EngineEffect): void {
    switch (effect.type) {
      case 'rights':
        node.rights = effect.rights;
        return;
      case 'leaseWishes': return node.leaseWishes(effect.wishes);
      case 'answers': return this.#setAnswers(node, effect.answers);
      case 'memberState':
        node.state = effect.state;
        for (const other of this.nodes.values()) if (other !== node) this.#tell(node, other, this.#between(GOSSIP_MS));
        return;
      case 'ports':
        return this.#later(node, KERNEL_MS, () => this.#give(node, {
          type: 'kernel', generation: effect.generation, report: { programmed: true, ports: 0, problems: [] },
        }));
      case 'event':
        node.lastEvents.push(effect.event);
        return;
      case 'report':
        node.report = effect.report;
        return;
      case 'leave':
        for (const other of this.nodes.values()) {
          if (other !== node && this.#hears(node, other)) this.#later(other, this.#between(GOSSIP_MS), () => this.#forget(other, node));
        }
        return;
      case 'nodes': return;
      case 'stopped':
        node.engine = null;
        node.life += 1;
    }
  }

  #setAnswers(node: SimulatedNode, answers: readonly L2Answer[]): void {
    const before = node.answers;
    node.answers = new Map(answers.map((answer) => [answer.address, answer]));
    for (const answer of answers) {
      const known = before.get(answer.address);
      const isNew = known === undefined || known.leaving || known.announcement !== answer.announcement;
      if (answer.leaving || answer.mode.type !== 'owner' || !isNew) continue;
      for (const atMs of BURST_MS) this.#later(node, atMs, () => this.#announce(node, answer));
    }
  }

  #announce(node: SimulatedNode, { address }: L2Answer): void {
    if (node.answers.get(address)?.leaving !== false || !node.answersAt(address, this.nowMs)) return;
    for (const other of this.nodes.values()) {
      if (other === node || (this.cutsFrames && !this.#hears(node, other))) continue;
      this.#later(other, FRAME_MS, () => {
        const answer = other.answers.get(address);
        if (answer?.leaving === true) this.#give(other, { type: 'takenOver', address });
        else if (answer !== undefined) this.#give(other, { type: 'conflict', address, interface: 'eth0', mac: node.name, defended: true, atMs: this.nowMs });
      });
    }
  }

  #meet(a: SimulatedNode, b: SimulatedNode): void {
    const delayMs = this.#between(RETURN_MS);
    this.#tell(a, b, delayMs + this.#between(GOSSIP_MS));
    this.#tell(b, a, delayMs + this.#between(GOSSIP_MS));
  }

  /** `to` hears the present state of `from`. */
  #tell(from: SimulatedNode, to: SimulatedNode, delayMs: number): void {
    const { life, state } = from;
    this.#later(to, delayMs, () => {
      // Later news may have overtaken it: what counts is the newest.
      if (from.life !== life || from.engine === null || !this.#hears(from, to)) return;
      to.alive.set(from.name, from.state === state ? state : from.state);
      this.#membershipOf(to);
    });
  }

  #lose(of: SimulatedNode, lost: SimulatedNode): void {
    const { life } = lost;
    this.#later(of, this.#between(DEATH_MS), () => {
      const isBack = lost.engine !== null && this.#hears(of, lost) && lost.life !== life;
      if (!isBack && (lost.engine === null || !this.#hears(of, lost))) this.#forget(of, lost);
    });
  }

  #forget(of: SimulatedNode, lost: SimulatedNode): void {
    if (of.alive.delete(lost.name)) this.#membershipOf(of);
  }

  #membershipOf(node: SimulatedNode): void {
    this.#give(node, { type: 'membership', alive: new Map([...node.alive, [node.name, node.state]]), members: [], accused: false });
  }

  #hears(a: SimulatedNode, b: SimulatedNode): boolean {
    return !this.#cut.has(`${a.name} ${b.name}`) && a.waiting === null && b.waiting === null;
  }

  *#across(group: readonly string[]): Iterable<readonly [SimulatedNode, SimulatedNode]> {
    for (const a of this.nodes.values()) {
      for (const b of this.nodes.values()) if (a !== b && group.includes(a.name) !== group.includes(b.name)) yield [a, b];
    }
  }

  /** Lost when the node has ended by then. */
  #later(node: SimulatedNode, delayMs: number, run: () => void): void {
    const { life } = node;
    this.#heap.add(this.nowMs + delayMs, () => {
      if (node.life === life) run();
    });
  }

  #between([lowest, highest]: readonly [number, number]): number {
    return lowest + this.#random() * (highest - lowest);
  }

  #observe(): void {
    for (const [address, known] of this.#answering) {
      const nodes = this.answering(address);
      if (nodes.join(' ') === known.nodes.join(' ')) continue;
      this.#note(address, known.nodes, known.fromMs);
      this.#answering.set(address, { nodes, fromMs: this.nowMs });
    }
  }

  #note(address: string, nodes: readonly string[], fromMs: number): void {
    if (nodes.length !== 1 && this.nowMs > fromMs) this.spans.push({ address, nodes, fromMs, toMs: this.nowMs });
  }
}
