import type { LeaseNews } from './leases.ts';
import type { L2Answer, MemberState } from './parts.ts';
import type { AnnouncerReport, FrameCounts, KernelReport, MemberReport } from './report.ts';
import type { AnnouncerSettings, AnnouncerWanted } from './wanted.ts';
import { NOTHING_WANTED } from './wantedDelta.ts';
import { Announcements } from './engine/announcements.ts';
import { areSameAnswers, nextAnswers } from './engine/answers.ts';
import { buildReport } from './engine/buildReport.ts';
import { ConflictBook } from './engine/conflictBook.ts';
import { Departures, LEAVING_MS } from './engine/departures.ts';
import type { EngineEffect, EngineEvent, InterfaceView, Moment } from './engine/engineEvents.ts';
import { inherit, inheritedDecisions, type Inheritance } from './engine/inherit.ts';
import { interfaceChoices, type InterfaceChoices } from './engine/interfaceChoices.ts';
import { findMoves, isNobody, movedEvent, type Move } from './engine/moves.ts';
import { KernelWaits } from './engine/kernelWaits.ts';
import { LeaseBook } from './engine/leaseBook.ts';
import { isSameState, ownState } from './engine/ownState.ts';
import { Settling } from './engine/settling.ts';
import { decideOwners, type OwnershipInput } from './ownership/decideOwners.ts';
import { leasedOwners, leasesWanted } from './ownership/leasedOwners.ts';
import type { Decisions } from './ownership/decision.ts';

/** What an engine is made with. */
export interface EngineOptions {
  readonly settings: Pick<AnnouncerSettings, 'nodeName' | 'quorum'>;
  /** Last report of an announcer on this node that has just handed over, and answers until this one does; null: there is none. */
  readonly inherited: AnnouncerReport | null;
}

export { LEAVING_MS } from './engine/departures.ts';

const REPORT_GAP_MS = 100;

const NO_KERNEL: KernelReport = { programmed: false, ports: 0, problems: [] };

/**
 * What ties an announcer's parts together: wanted state, members, interfaces and proxy in, answers, ports and own state out. Pure:
 * events and the time in, effects out, in order; no timers, so it wants a `tick`. `interfaces` and `proxy` belong before the first
 * `wanted`. Nothing is owned before the others were heard and the kernel forwards; the controller's end changes nothing.
 */
export class AnnouncerEngine {
  readonly #self: string;
  readonly #quorum: boolean;
  #inheritance: Inheritance | null;
  #phase: 'starting' | 'running' | 'stopping' | 'stopped' = 'starting';
  #now: Moment = { monotonicMs: 0, wallMs: 0 };
  #effects: EngineEffect[] = [];
  #generation = 0;
  /** Of the ports that the kernel was told and has not answered for; null: there are none. */
  #portsAwaited: number | null = null;
  #carriedOut = 0;
  #wanted: AnnouncerWanted = NOTHING_WANTED;
  #hasWanted = false;
  readonly #settling = new Settling();
  #alive: ReadonlyMap<string, MemberState> = new Map();
  #members: readonly MemberReport[] = [];
  #interfaces: InterfaceView | null = null;
  #choices: InterfaceChoices = interfaceChoices(null);
  #serving = false;
  #kernel = NO_KERNEL;
  #kernelForwards = false;
  readonly #leases = new LeaseBook();
  #leasesWanted: readonly string[] = [];
  #decisions: Decisions = new Map();
  readonly #sinceMs = new Map<string, number>();
  readonly #departures = new Departures();
  readonly #announcements = new Announcements();
  readonly #conflicts = new ConflictBook();
  readonly #awaited = new KernelWaits();
  /** VIPs that are new to all nodes, not just to this one, and that nobody has owned yet. */
  readonly #unused = new Set<string>();
  #counts: ReadonlyMap<string, FrameCounts> = new Map();
  #answers: ReadonlyMap<string, L2Answer> = new Map();
  #published: MemberState | undefined;
  /** Why the others do not count this node, so that it must own nothing; null: they do. */
  #doubt: string | null = null;
  #problems: readonly string[] = [];
  #stopByMs = Number.POSITIVE_INFINITY;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #mustDecide = false;
  #mustAnswer = false;
  #mustReport = false;
  #mustWish = false;

  constructor({ settings, inherited }: EngineOptions) {
    this.#self = settings.nodeName;
    this.#quorum = settings.quorum;
    this.#inheritance = inherited === null ? null : inherit(inherited);
    for (const [address, atMs] of this.#inheritance?.sinceMs ?? []) this.#sinceMs.set(address, atMs);
  }

  /** What to do now, in this order. */
  handle(event: EngineEvent, now: Moment): readonly EngineEffect[] {
    this.#now = now;
    this.#effects = [];
    if (this.#phase === 'stopped') return [];
    this.#take(event);
    if (this.#portsAwaited === null) this.#carriedOut = this.#generation;
    this.#expire();
    const mayHaveNews = this.#mustDecide;
    if (this.#mustDecide) this.#decide();
    if (this.#mustAnswer) this.#answer();
    if (mayHaveNews) this.#publish();
    this.#wish();
    this.#finishStop();
    this.#report();
    return this.#effects;
  }

  #take(event: EngineEvent): void {
    switch (event.type) {
      case 'wanted': return this.#takeWanted(event);
      case 'membership': return this.#takeMembership(event);
      case 'settled':
        this.#mustDecide ||= this.#settling.settle();
        return;
      case 'interfaces': return this.#takeInterfaces(event.interfaces);
      case 'proxy':
        this.#mustDecide ||= event.serving !== this.#serving;
        this.#serving = event.serving;
        return;
      case 'leases': return this.#takeLeases(event.news);
      case 'takenOver':
        if (this.#departures.end(event.address)) this.#mustAnswer = true;
        return;
      case 'conflict': return this.#takeConflict(event);
      case 'lapsed':
        this.#departures.lapsed(this.#now.monotonicMs);
        if (this.#phase !== 'stopping') this.#departures.clear();
        this.#mustAnswer = true;
        this.#mustDecide = true;
        return;
      case 'kernel': return this.#takeKernel(event);
      case 'counts':
        this.#counts = event.counts;
        this.#mustReport = true;
        return;
      case 'tick': return;
      case 'stop': return this.#stop();
    }
  }

  #takeWanted({ wanted, generation }: Extract<EngineEvent, { type: 'wanted' }>): void {
    const before = this.#wanted;
    const isFirst = !this.#hasWanted;
    if (isFirst || wanted.ports !== before.ports) {
      this.#effects.push({ type: 'ports', generation, ports: wanted.ports });
      this.#portsAwaited = generation;
      for (const address of wanted.vips.keys()) {
        const isKnown = before.vips.has(address) || (isFirst && this.#inheritance?.decisions.has(address) === true);
        if (!isKnown) this.#awaited.add(address, generation, this.#now.monotonicMs);
      }
    }
    if (this.#phase === 'running') for (const address of wanted.vips.keys()) if (!before.vips.has(address)) this.#unused.add(address);
    this.#wanted = wanted;
    this.#generation = generation;
    this.#hasWanted = true;
    if (isFirst || wanted.nodes !== before.nodes) this.#effects.push({ type: 'nodes', nodes: wanted.nodes });
    this.#forgetUnwanted();
    this.#mustDecide = true;
  }

  #forgetUnwanted(): void {
    const { vips } = this.#wanted;
    const isWanted = (address: string): boolean => vips.has(address);
    for (const address of this.#unused) if (!isWanted(address)) this.#unused.delete(address);
    this.#awaited.keep(isWanted);
    this.#announcements.keep(isWanted);
    this.#departures.keep(isWanted);
  }

  #takeMembership({ alive, members, accused, doubt = null, problems = [] }: Extract<EngineEvent, { type: 'membership' }>): void {
    // Whoever has left hears nobody, which says nothing about who takes over.
    if (this.#phase === 'stopping') return;
    const { monotonicMs } = this.#now;
    this.#settling.listens(monotonicMs);
    const joined = [...alive.keys()].filter((node) => node !== this.#self && !this.#alive.has(node));
    const isSame = joined.length === 0 && alive.size === this.#alive.size
      && [...alive].every(([node, state]) => node === this.#self || isSameState(this.#alive.get(node), state));
    this.#alive = alive;
    this.#members = members;
    this.#problems = problems;
    this.#mustReport = true;
    this.#takeDoubt(doubt);
    if (accused) this.#departures.hasten(monotonicMs);
    if (accused || joined.length > 0) this.#announceAgain(accused ? null : joined);
    if (this.#wanted.nodes.keys().every((node) => node === this.#self || alive.has(node))) this.#settling.heardAll(monotonicMs);
    this.#mustDecide ||= !isSame;
  }

  /** Who is not counted is replaced, and has to listen first when it is counted again, as at its start. */
  #takeDoubt(doubt: string | null): void {
    const wasDoubted = this.#doubt !== null;
    this.#doubt = doubt;
    if (wasDoubted === (doubt !== null)) return;
    const { monotonicMs } = this.#now;
    this.#mustDecide = true;
    this.#inheritance = null;
    this.#departures.lapsed(monotonicMs);
    if (doubt === null) this.#settling.listenAgain(monotonicMs);
    else if (this.#phase !== 'stopping') this.#departures.clear();
  }

  /**
   * Whoever was away may have answered for our VIPs meanwhile, to clients that only we can set right. `joined`: null when it is this
   * node that the others have thought away.
   */
  #announceAgain(joined: readonly string[] | null): void {
    if (joined === null && !this.#announcements.mayRepeatAll(this.#now.monotonicMs)) return;
    for (const { address, candidates } of this.#wanted.vips.values()) {
      if (this.#decisions.get(address)?.owner !== this.#self) continue;
      if (joined !== null && !candidates.some(({ node }) => joined.includes(node))) continue;
      this.#callAgain(address);
    }
  }

  #callAgain(address: string): void {
    this.#announcements.again(address);
    this.#mustAnswer = true;
  }

  #takeInterfaces(interfaces: InterfaceView): void {
    const couldSpeak = this.#canSpeak();
    this.#interfaces = interfaces;
    this.#choices = interfaceChoices(interfaces);
    const canSpeak = this.#canSpeak();
    if (couldSpeak && !canSpeak) this.#settling.lostLink(this.#now.monotonicMs);
    if (!couldSpeak && canSpeak) this.#listenAgain();
    this.#mustDecide = true;
    this.#mustAnswer = true;
  }

  #canSpeak(): boolean {
    return this.#wanted.vips.values().some((vip) => this.#choices.of(vip).length > 0);
  }

  /** A node that comes back has yet to hear who owns now what it owned: it listens first, as at its start. */
  #listenAgain(): void {
    const isWithOthers = this.#wanted.nodes.keys().some((node) => node !== this.#self);
    if (isWithOthers && this.#settling.linkReturned(this.#now.monotonicMs)) this.#inheritance = null;
  }

  /** Who has been without a right may have been replaced meanwhile, so that clients must be told anew. */
  #takeLeases(news: LeaseNews): void {
    const { gained, hasLost } = this.#leases.take(news, this.#now);
    for (const address of gained) if (this.#wanted.vips.has(address)) this.#callAgain(address);
    this.#mustDecide ||= hasLost || gained.length > 0;
    this.#mustWish = true;
    this.#effects.push({ type: 'rights', rights: this.#leases.rights });
  }

  #takeConflict({ address, interface: name, mac, defended, atMs }: Extract<EngineEvent, { type: 'conflict' }>): void {
    if (!this.#wanted.vips.has(address)) return;
    const isNew = this.#conflicts.note(address, `${name} ${mac}`, this.#now.monotonicMs);
    if (!isNew && !defended) return;
    this.#mustReport = true;
    this.#effects.push({ type: 'event', event: { type: 'conflict', address, interface: name, mac, defended, atMs } });
  }

  #takeKernel({ generation, report }: Extract<EngineEvent, { type: 'kernel' }>): void {
    this.#kernel = report;
    this.#mustReport = true;
    if (this.#portsAwaited !== null && this.#portsAwaited <= generation) this.#portsAwaited = null;
    // Later failures are reported and cost nothing: other nodes would fail at the same ports, and then nobody would answer at all.
    if (report.programmed && !this.#kernelForwards) this.#mustDecide = this.#kernelForwards = true;
    if (this.#awaited.answered(generation)) this.#mustAnswer = true;
  }

  #stop(): void {
    if (this.#phase === 'stopping') return;
    this.#phase = 'stopping';
    this.#stopByMs = this.#now.monotonicMs + LEAVING_MS;
    this.#effects.push({ type: 'leave' });
    this.#mustDecide = true;
    this.#mustAnswer = true;
  }

  #expire(): void {
    const { monotonicMs } = this.#now;
    if (this.#settling.expire(monotonicMs)) this.#mustDecide = true;
    const { hasLeft, mayHoldAgain } = this.#departures.expire(monotonicMs);
    if (this.#awaited.expire(monotonicMs) || hasLeft) this.#mustAnswer = true;
    if (this.#leases.expire(this.#now) || mayHoldAgain) this.#mustDecide = true;
    if (this.#conflicts.expire(monotonicMs, (address) => this.#wanted.vips.has(address))) this.#mustReport = true;
  }

  /** It may own VIPs: it knows who else is alive, they count it, and its kernel forwards. */
  #isReady(): boolean {
    if (this.#doubt !== null) return false;
    return this.#inheritance !== null || (this.#settling.isSettled && this.#kernelForwards);
  }

  #decide(): void {
    if (!this.#hasWanted) return;
    this.#mustDecide = false;
    if (this.#phase === 'starting' && this.#settling.isSettled) this.#phase = 'running';
    const before = this.#decisions;
    const isInheriting = this.#phase === 'starting' && this.#inheritance !== null;
    const input = this.#ownershipInput();
    const wished = isInheriting && this.#inheritance !== null ? inheritedDecisions(input.vips, this.#inheritance) : decideOwners(input);
    this.#decisions = leasedOwners(wished, input, { self: this.#self, rights: this.#leases.rights });
    this.#wantLeases(leasesWanted(wished, input.vips, this.#self));
    this.#mustReport = true;
    this.#mustAnswer = true;
    // What was inherited has moved nowhere.
    if (!isInheriting) for (const move of findMoves(before, this.#decisions)) this.#carryOut(move);
  }

  #ownershipInput(): OwnershipInput {
    const { vips, nodes } = this.#wanted;
    const alive = new Map(this.#alive);
    if (this.#phase === 'stopping') alive.delete(this.#self);
    else alive.set(this.#self, this.#state());
    const knownNodes = new Set([...nodes.keys(), this.#self]).size;
    return { vips, alive, knownNodes, quorum: this.#quorum };
  }

  #wantLeases(wanted: readonly string[]): void {
    this.#mustWish ||= wanted.join(' ') !== this.#leasesWanted.join(' ');
    this.#leasesWanted = wanted;
  }

  #wish(): void {
    if (!this.#mustWish || !this.#hasWanted) return;
    this.#mustWish = false;
    this.#effects.push({ type: 'leaseWishes', wishes: { heeded: this.#leases.heeded, wanted: this.#leasesWanted } });
  }

  #state(): MemberState {
    return ownState({
      self: this.#self, vips: this.#wanted.vips, decisions: this.#decisions, alive: this.#alive, choices: this.#choices,
      serving: this.#serving, ready: this.#isReady(), mayHold: this.#departures.mayHold, leases: this.#leases,
    });
  }

  #carryOut(move: Move): void {
    const { address, before, after } = move;
    if (isNobody(after)) this.#sinceMs.delete(address);
    else this.#sinceMs.set(address, this.#now.wallMs);
    if (!isNobody(before)) this.#unused.delete(address);
    const event = movedEvent(move, this.#self, this.#now.wallMs);
    if (event !== null) this.#effects.push({ type: 'event', event });
    this.#departures.follow(move, {
      self: this.#self, nowMs: this.#now.monotonicMs, vips: this.#wanted.vips, alive: this.#alive, conflicts: this.#conflicts,
    });
  }

  #publish(): void {
    // Before its interfaces are known, a node would say that it has none.
    if (!this.#hasWanted || this.#interfaces === null || this.#phase === 'stopping') return;
    const state = this.#state();
    if (isSameState(this.#published, state)) return;
    this.#published = state;
    this.#effects.push({ type: 'memberState', state });
  }

  #answer(): void {
    this.#mustAnswer = false;
    const answers = nextAnswers(this.#answers, {
      self: this.#self, vips: this.#wanted.vips, decisions: this.#decisions, leaving: this.#departures.leaving, choices: this.#choices,
      awaited: this.#awaited, unused: this.#unused, announcements: this.#announcements.times,
    });
    if (areSameAnswers(this.#answers, answers)) return;
    this.#answers = answers;
    this.#mustReport = true;
    this.#effects.push({ type: 'answers', answers: [...answers.values()] });
  }

  #finishStop(): void {
    if (this.#phase !== 'stopping') return;
    if (this.#departures.leaving.size > 0 && this.#now.monotonicMs < this.#stopByMs) return;
    this.#phase = 'stopped';
    if (this.#answers.size > 0) this.#effects.push({ type: 'answers', answers: [] });
    this.#answers = new Map();
    this.#effects.push({ type: 'stopped' });
  }

  #report(): void {
    const { monotonicMs } = this.#now;
    if (!this.#mustReport || !this.#hasWanted || monotonicMs - this.#reportedMs < REPORT_GAP_MS) return;
    this.#mustReport = false;
    this.#reportedMs = monotonicMs;
    this.#effects.push({ type: 'report', report: this.report() });
  }

  /** How things stand now: what a successor on this node goes on from. */
  report(): AnnouncerReport {
    return buildReport({
      generation: this.#carriedOut, vips: this.#wanted.vips, decisions: this.#decisions, sinceMs: this.#sinceMs, answers: this.#answers,
      conflicts: this.#conflicts, counts: this.#counts, members: this.#members, kernel: this.#kernel, interfaces: this.#interfaces, doubt: this.#doubt, problems: this.#problems,
    });
  }
}
