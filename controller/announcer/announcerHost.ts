import { isDeepStrictEqual } from 'node:util';
import type { L4Key } from '../../core/ir/l4.ts';
import type { Logger } from '../../core/log/logger.ts';
import type { Host } from './announcerLife.ts';
import type { AnnouncerParts, PartTools } from './announcerParts.ts';
import type { BgpReport } from './bgp/bgpReport.ts';
import { createBgpDriver, type BgpDriver } from './bgp/speaker/bgpDriver.ts';
import { AnnouncerEngine } from './engine.ts';
import type { EngineEffect, EngineEvent } from './engine/engineEvents.ts';
import { chooseInterfaces, describeInterfaces } from './interfaces/chooseInterfaces.ts';
import { surveyInterfaces } from './interfaces/surveyInterfaces.ts';
import { isHandedOver } from './kernel/place.ts';
import type { LeaseNews, LeaseWishes } from './leases.ts';
import type { ProxyState } from './messages.ts';
import { createNeighbourBook, type NeighbourBook } from './neighbourhood.ts';
import type { Neighbourhood } from './parts.ts';
import type { AnnouncerEvent, AnnouncerReport, FrameCounts } from './report.ts';
import type { AnnouncerSettings, ForwardedPort } from './wanted.ts';
import type { NumberedWanted } from './wantedDelta.ts';

/** What a host is made with. */
export interface HostOptions {
  readonly settings: AnnouncerSettings;
  readonly logger: Logger;
  /** The last report of the announcer whose work is carried on; null: there was none. */
  readonly inherited: AnnouncerReport | null;
  readonly createParts: (settings: AnnouncerSettings, tools: PartTools) => AnnouncerParts;
  readonly report: (report: AnnouncerReport) => void;
  /** At most two a second. */
  readonly bgpReport: (report: BgpReport) => void;
  readonly event: (event: AnnouncerEvent) => void;
  readonly leaseWishes: (wishes: LeaseWishes) => void;
  /** Something failed that leaves the state of the process in doubt. */
  readonly failed: (error: unknown) => void;
}

/** Ours: also how soon it is seen that the proxy has ended when nobody tells. */
const TICK_MS = 50;
/** Ours. */
const COUNT_INTERVAL_MS = 1_000;

/** Drives the engine with what the parts tell, and the parts with what it wants done. */
export function createAnnouncerHost(options: HostOptions): Host {
  return new AnnouncerHost(options);
}

class AnnouncerHost implements Host {
  readonly #options: HostOptions;
  readonly #parts: AnnouncerParts;
  readonly #engine: AnnouncerEngine;
  readonly #bgp: BgpDriver;
  readonly #timers: NodeJS.Timeout[] = [];
  /** Events that came while another one was dealt with. */
  readonly #events: EngineEvent[] = [];
  readonly #stopped = Promise.withResolvers<void>();
  #isBusy = false;
  #isStarted = false;
  /** Nothing is told to the engine any more. */
  #isSilent = false;
  #wanted: NumberedWanted | null = null;
  #report: AnnouncerReport | null;
  #serving = false;
  #counts: ReadonlyMap<string, FrameCounts> = new Map();
  #portsGeneration = 0;
  /** The last that the kernel has answered for: more is not known of what it says unasked. */
  #answeredGeneration = 0;
  /** What the kernel was told last; null: nothing yet. */
  #programmed: { readonly ports: ReadonlyMap<L4Key, ForwardedPort>; readonly neighbourhood: Neighbourhood } | null = null;
  readonly #neighbours: NeighbourBook;
  #isSettled = false;
  #upIndexes: ReadonlySet<number> = new Set();
  #refutations = 0;
  /** What was told last of what is wrong between the nodes. */
  #troubles = '';
  #tickedMs = 0;
  #leaving: Promise<void> | null = null;

  constructor(options: HostOptions) {
    this.#options = options;
    const { settings, logger, inherited, createParts } = options;
    this.#report = inherited;
    this.#engine = new AnnouncerEngine({ settings, inherited });
    this.#neighbours = createNeighbourBook(settings.nodeName);
    const events: PartTools['events'] = {
      interfacesChanged: () => this.#interfacesChanged(),
      membersChanged: () => this.#membersChanged(),
      kernelReported: (report) => this.#tell({ type: 'kernel', generation: this.#answeredGeneration, report }),
      conflict: (seen) => this.#tell({ type: 'conflict', ...seen }),
      takenOver: (address) => this.#tell({ type: 'takenOver', address }),
      lapsed: () => this.#tell({ type: 'lapsed' }),
      bgp: { changed: () => this.#bgp.changed(), peer: (event) => options.event(event) },
    };
    this.#parts = createParts(settings, { logger, events, restarting: inherited !== null, failed: options.failed });
    this.#bgp = createBgpDriver({ speaker: this.#parts.bgp, report: options.bgpReport, failed: options.failed });
  }

  /** The thread of the speaker takes longest: everything else is done meanwhile, and what it is to answer waits there. */
  async start(first: NumberedWanted): Promise<void> {
    const { interfaces, speaker, membership } = this.#parts;
    const speaking = speaker.start();
    // Awaited last: until then its failure is nobody's.
    speaking.catch(() => {});
    await interfaces.start();
    this.#isStarted = true;
    this.#bgp.start();
    this.#interfacesChanged();
    this.#tellProxy();
    this.want(first);
    this.#timers.push(setInterval(() => this.#tick(), TICK_MS), setInterval(() => this.#count(), COUNT_INTERVAL_MS));
    this.#watch(membership.start().then(() => {
      this.#isSettled = true;
      this.#membersChanged();
      this.#tell({ type: 'settled' });
    }));
    await speaking;
  }

  want(next: NumberedWanted): void {
    if (next === this.#wanted) return;
    this.#wanted = next;
    // What is no more is withdrawn before the kernel stops to forward it.
    this.#bgp.want(next.wanted.bgp);
    this.#tell({ type: 'wanted', ...next });
  }

  setProxy(proxy: ProxyState): void {
    this.#parts.proxyHealth.told(proxy);
    if (this.#isStarted) this.#tellProxy();
  }

  setLeases(news: LeaseNews): void {
    this.#tell({ type: 'leases', news });
  }

  orphaned(): void {
    this.#parts.proxyHealth.orphaned(proxiedTcpPorts(this.#wanted?.wanted.ports ?? new Map()));
  }

  async yield(): Promise<AnnouncerReport | null> {
    const { interfaces, kernel, membership } = this.#parts;
    this.#fallSilent();
    this.#bgp.abandon();
    interfaces.stop();
    await Promise.all([membership.abandon(), kernel.stop(false)]);
    return this.#report;
  }

  async abandon(): Promise<void> {
    await this.yield();
    await this.#parts.speaker.stop();
  }

  async stop(forGood: boolean): Promise<void> {
    const { interfaces, kernel, speaker } = this.#parts;
    // Beside the rest; the kernel forwards until the last client is led away.
    const withdrawing = this.#bgp.stop(forGood);
    if (this.#isStarted) {
      this.#tell({ type: 'stop' });
      await this.#stopped.promise;
    }
    this.#fallSilent();
    await this.#leaving;
    await speaker.stop();
    await withdrawing;
    interfaces.stop();
    await kernel.stop(forGood);
  }

  #fallSilent(): void {
    this.#isSilent = true;
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  /** One event after the other: carrying out what one wants may bring the next. */
  #tell(event: EngineEvent): void {
    this.#events.push(event);
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (let next = this.#events.shift(); next !== undefined && !this.#isSilent; next = this.#events.shift()) {
        const now = { monotonicMs: this.#parts.clock.now(), wallMs: this.#parts.wallClock.now() };
        for (const effect of this.#engine.handle(next, now)) this.#carryOut(effect);
      }
    } finally {
      this.#isBusy = false;
    }
  }

  #carryOut(effect: EngineEffect): void {
    const { speaker, membership } = this.#parts;
    switch (effect.type) {
      case 'rights': return speaker.setRights(effect.rights);
      case 'answers': return speaker.setAnswers(effect.answers);
      case 'ports': return this.#program(effect.generation, effect.ports);
      case 'nodes': return membership.setNodes(effect.nodes);
      case 'memberState': return membership.setState(effect.state);
      case 'event': return this.#options.event(effect.event);
      case 'report':
        this.#report = effect.report;
        return this.#options.report(effect.report);
      case 'leaseWishes': return this.#options.leaseWishes(effect.wishes);
      case 'leave':
        this.#leaving = membership.stop();
        return;
      case 'stopped': return this.#stopped.resolve();
    }
  }

  #program(generation: number, ports: ReadonlyMap<L4Key, ForwardedPort>): void {
    const neighbourhood = this.#neighbourhood();
    this.#portsGeneration = generation;
    this.#programmed = { ports, neighbourhood };
    this.#watch(this.#parts.kernel.apply(ports, neighbourhood).then((report) => {
      this.#answeredGeneration = Math.max(this.#answeredGeneration, generation);
      this.#tell({ type: 'kernel', generation, report });
      this.#bgp.kernelApplied(ports, report);
    }));
  }

  #neighbourhood(): Neighbourhood {
    const { interfaces, membership, clock } = this.#parts;
    return this.#neighbours.look({
      nodes: this.#wanted?.wanted.nodes ?? new Map(), links: interfaces.links(), alive: this.#isSettled ? membership.alive() : null, nowMs: clock.now(),
    });
  }

  /** Whom flows are handed over to may change without any change of ports. */
  #followNeighbours(): void {
    const before = this.#programmed;
    if (before === null || this.#isSilent) return;
    const neighbourhood = this.#neighbourhood();
    if (neighbourhood === before.neighbourhood) return;
    if ([...before.ports.values()].some(isHandedOver)) this.#program(this.#portsGeneration, before.ports);
  }

  /** After a pause what has come meanwhile goes first: time alone must not decide what a message that waits would. */
  #tick(): void {
    this.#tellProxy();
    this.#followNeighbours();
    const nowMs = this.#parts.clock.now();
    const isLate = nowMs - this.#tickedMs > 2 * TICK_MS;
    this.#tickedMs = nowMs;
    if (!isLate) this.#tell({ type: 'tick' });
  }

  #tellProxy(): void {
    const serving = this.#parts.proxyHealth.serves();
    if (serving === this.#serving) return;
    this.#serving = serving;
    this.#tell({ type: 'proxy', serving });
    this.#bgp.setServing(serving);
  }

  #count(): void {
    // Troubles end by themselves when nothing is heard of them any more.
    if (this.#parts.membership.troubles().problems.join() !== this.#troubles) this.#membersChanged();
    this.#watch(this.#parts.speaker.counts().then((counts) => {
      if (isDeepStrictEqual(counts, this.#counts)) return;
      this.#counts = counts;
      this.#tell({ type: 'counts', counts });
    }));
  }

  /** The speaker first: it is to know whose frames are our own before it says anything there. */
  #interfacesChanged(): void {
    if (this.#isSilent) return;
    const { interfaces, speaker, membership } = this.#parts;
    const links = interfaces.links();
    const survey = surveyInterfaces({
      links, excluded: this.#options.settings.excludedInterfaces, routeTo: (address) => interfaces.routeTo(address),
    });
    const upIndexes = new Set(links.filter(({ up, loopback }) => up && !loopback).map(({ index }) => index));
    const isBack = [...upIndexes].some((index) => !this.#upIndexes.has(index));
    this.#upIndexes = upIndexes;
    speaker.linksChanged(links);
    this.#bgp.linksChanged(links);
    this.#tell({
      type: 'interfaces',
      interfaces: {
        choose: (wish, family) => chooseInterfaces(survey, wish, family).chosen,
        describe: (wishes) => describeInterfaces(survey, wishes),
      },
    });
    if (isBack) membership.refresh();
  }

  #membersChanged(): void {
    const { membership } = this.#parts;
    const alive = membership.alive();
    this.#bgp.setAlive(new Set(alive.keys()));
    const { refutations } = membership.counts();
    const accused = refutations > this.#refutations;
    this.#refutations = refutations;
    const { doubt, problems } = membership.troubles();
    this.#troubles = problems.join();
    this.#tell({ type: 'membership', alive, members: membership.members(), accused, doubt, problems });
  }

  #watch(work: Promise<void>): void {
    work.catch((error: unknown) => this.#options.failed(error));
  }
}

function proxiedTcpPorts(ports: ReadonlyMap<L4Key, ForwardedPort>): readonly ForwardedPort[] {
  return [...ports.values()].filter(({ protocol, to }) => protocol === 'tcp' && to.type === 'proxy');
}
