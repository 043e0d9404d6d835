import { createAdminServer, type AdminServer } from '../admin/adminServer.ts';
import { NO_BGP_REPORT, type BgpPeerEvent, type BgpReport } from '../announcer/bgp/bgpReport.ts';
import type { AnnouncerReport } from '../announcer/report.ts';
import type { Assignments } from '../allocator/assignment.ts';
import type { AssignmentStore } from '../assignments/assignmentStore.ts';
import type { SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { Logger } from '../../core/log/logger.ts';
import { systemClock } from '../../core/time/clock.ts';
import type { Leadership } from '../election/leadership.ts';
import type { MetricsHub } from '../metrics/metricsHub.ts';
import type { ProxyProcessEvents } from '../processes/proxyProcess.ts';
import type { Source } from '../sources/source.ts';
import { AnnouncerJournal } from '../status/announcementsView.ts';
import type { PublishedInput } from '../status/publishedAddresses.ts';
import type { ListenerView } from '../status/statusView.ts';
import type { Translate, TranslateOptions } from '../translate/translation.ts';
import { createGatehouseViews, type GatehouseViews } from './gatehouseViews.ts';
import { createControlLoop, type ControlLoop, type ControlState } from './controlLoop.ts';
import { printListenAddress, type ListenAddress } from './listenAddress.ts';
import { ListenerSync } from './listenerSync.ts';
import { startWhenWanted, type AnnouncerControlEvents, type CreateAnnouncer } from './announcerControl.ts';
import type { CreateProxy, ProxyControl } from './proxyControl.ts';
import { ProxyProgress } from './proxyProgress.ts';
import { logAnnouncerEvent } from './logAnnouncerEvent.ts';
import { differsForCompanions, differsInPeers } from './reportDifference.ts';

/** What one running Gatehouse is told. */
export interface GatehouseOptions {
  readonly version: string;
  readonly nodeName: string;
  /** `namespace/name`; null: none. */
  readonly publishService: string | null;
  readonly admin: ListenAddress;
  readonly drainTimeoutMs: number;
}

/** What it is made of; tests give other parts. */
export interface GatehouseParts {
  readonly source: Source;
  /** Who gives addresses: this one, while it leads. */
  readonly leadership: Leadership;
  /** False: it is settled that this one leads, and views need not speak of it. */
  readonly elects: boolean;
  /** Kinds that the source has not got yet. */
  readonly waitingFor: () => readonly string[];
  /** Where the addresses of Ingresses come from besides the publish Service. */
  readonly published: Pick<PublishedInput, 'fixed' | 'ownService'>;
  /** In the order they start in, once the first translation is published; they stop in reverse, before anything else. */
  readonly companions: readonly Companion[];
  readonly translate: Translate;
  /** Options of the next translation, with what is known by then. */
  readonly translateOptions: (known: KnownFacts) => TranslateOptions;
  readonly assignments: AssignmentStore;
  readonly createProxy: CreateProxy;
  /** Null: this machine's kernel and network are left alone. */
  readonly createAnnouncer: CreateAnnouncer | null;
  /** It runs also while nothing is to be announced. */
  readonly announcesAlways: boolean;
  readonly metrics: MetricsHub;
  /** Every address of this machine's interfaces. */
  readonly localAddresses: () => readonly string[];
  /** Those of them that others reach it by. */
  readonly machineAddresses: () => readonly string[];
  readonly logger: Logger;
}

/** Something that works beside the control loop and sees what it finds: an election, a writer, a webhook. */
export interface Companion {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Told of each new state, before `start` too. */
  update(seen: SeenState): void;
  /** Told of BGP sessions that come and go, and of how they are; not of their end when Gatehouse ends. */
  readonly sessions?: { happened(event: BgpPeerEvent): void; reported(report: BgpReport): void };
}

/** The state after a translation, with what this machine adds to it. */
export interface SeenState extends ControlState {
  readonly listeners: readonly ListenerView[];
  /** Options of the last translation's time. */
  readonly options: TranslateOptions | null;
  /** What the announcer has told last; null: there is none. */
  readonly announced: AnnouncerReport | null;
  /** What it has told of BGP. */
  readonly bgp: BgpReport;
  /** Every worker of the proxy serves; to be asked whenever it matters. */
  readonly proxyServes: () => boolean;
}

/** What translation looks at that is not decided once and for all. */
export type KnownFacts = Pick<TranslateOptions, 'assignments' | 'allocation' | 'localAddresses' | 'reserved'>;

/** Where a started Gatehouse listens. */
export interface GatehouseAddresses {
  readonly listeners: readonly ListenerView[];
  readonly admin: ListenAddress;
}

/** Ours: what a worker has counted is taken over this often, so that one that dies takes no more than this with it. */
const COLLECT_MS = 2_000;
/** Ours: an address that comes to this machine, or leaves it, is noticed this soon. */
const LOOK_AT_ADDRESSES_MS = 2_000;

/** Source, control loop, proxy and admin API as one thing that starts and stops. */
export interface Gatehouse {
  /** Rejects when something cannot start; what had started is stopped again. */
  start(): Promise<GatehouseAddresses>;
  /** Resolves once the first snapshot serves on every worker. */
  ready(): Promise<void>;
  /**
   * Not ready from now on; withdraws VIPs, drains the proxy, then closes the rest, the admin API last. `forGood`: nothing stays
   * in the kernel for a successor. Idempotent.
   */
  stop(forGood?: boolean): Promise<void>;
  /** For a stop that takes too long: kills the proxy process, which ends the drain. */
  endNow(): void;
}

/** Makes a Gatehouse; nothing runs until it is started. */
export function createGatehouse(options: GatehouseOptions, parts: GatehouseParts): Gatehouse {
  return new RunningGatehouse(options, parts);
}

class RunningGatehouse implements Gatehouse {
  readonly #options: GatehouseOptions;
  readonly #parts: GatehouseParts;
  readonly #proxy: ProxyControl;
  readonly #announcer: ReturnType<typeof startWhenWanted> | null;
  readonly #loop: ControlLoop;
  readonly #views: GatehouseViews;
  readonly #admin: AdminServer;
  readonly #progress: ProxyProgress;
  readonly #sync: ListenerSync;
  #listeners: readonly ListenerView[] = [];
  #lastOptions: TranslateOptions | null = null;
  #started: Companion[] = [];
  /** The source has not delivered everything yet. */
  #isReading = false;
  #forgetLeadership = (): void => {};
  readonly #journal = new AnnouncerJournal();
  #adminAddress: ListenAddress | null = null;
  #localAddresses: readonly string[] = [];
  #starting: Promise<GatehouseAddresses> | null = null;
  #stopping: Promise<void> | null = null;
  #isEnding = false;
  /** What companions were last told of it. */
  #announced: AnnouncerReport | null = null;
  #bgp: BgpReport = NO_BGP_REPORT;
  #collecting: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;

  constructor(options: GatehouseOptions, parts: GatehouseParts) {
    this.#options = options;
    this.#parts = parts;
    const { controller } = parts.metrics;
    this.#progress = new ProxyProgress(systemClock, (durationMs) => controller.observeApply(durationMs));
    this.#proxy = parts.createProxy(this.#proxyEvents());
    this.#announcer = parts.createAnnouncer === null ? null : startWhenWanted(parts.createAnnouncer(this.#announcerEvents()), parts.announcesAlways);
    this.#sync = new ListenerSync({
      setListeners: (wanted) => this.#proxy.setListeners(wanted),
      whenApplied: (generation) => this.#progress.whenApplied(generation),
      onOutcomes: (outcomes) => {
        this.#loop.listened(outcomes);
        this.#tellOfProxy();
      },
      logger: parts.logger,
    });
    this.#loop = createControlLoop({
      ...parts,
      translateOptions: (assignments) => this.#translateOptions(assignments),
      onState: (state) => this.#tell(state),
      publish: (delta) => this.#publish(delta),
      wantListeners: (wanted, generation) => this.#sync.want(wanted, generation),
      onTranslated: (durationMs) => controller.observeTranslate(durationMs),
      clock: systemClock,
    });
    this.#views = createGatehouseViews({
      ...options, parts, proxy: this.#proxy, journal: this.#journal,
      state: () => this.#loop.state(),
      appliedGeneration: () => this.#progress.appliedGeneration,
      ready: () => this.#isReady(),
      announcer: () => this.#announcer,
    });
    this.#admin = createAdminServer({ listen: options.admin, views: this.#views.views, logger: parts.logger });
  }

  start(): Promise<GatehouseAddresses> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async ready(): Promise<void> {
    await Promise.all([this.#progress.firstReady, this.#sync.settled]);
  }

  stop(forGood = false): Promise<void> {
    this.#stopping ??= this.#stop(forGood);
    return this.#stopping;
  }

  endNow(): void {
    if (this.#proxy.pid !== null) process.kill(this.#proxy.pid, 'SIGKILL');
  }

  async #start(): Promise<GatehouseAddresses> {
    const { logger } = this.#parts;
    this.#parts.metrics.start();
    try {
      // Ports first: what cannot listen says so before anything else has been done.
      await this.#proxy.start();
      this.#listeners = this.#proxy.listeners;
      for (const listener of this.#listeners) logger.info('listening', { protocol: listener.protocol, address: printListenAddress(listener) });
      const admin = await this.#admin.start();
      this.#adminAddress = admin;
      logger.info('admin API listening', { address: printListenAddress(admin) });
      this.#forgetLeadership = this.#parts.leadership.onChange(() => this.#loop.refresh());
      this.#isReading = true;
      await this.#loop.start();
      this.#isReading = false;
      if (this.#stopping === null) await this.#startCompanions();
      this.#collecting = setInterval(() => void this.#collect(), COLLECT_MS).unref();
      this.#looking = setInterval(() => this.#lookAtAddresses(), LOOK_AT_ADDRESSES_MS).unref();
      return { listeners: this.#listeners, admin };
    } catch (error) {
      await this.#tearDown(0, false);
      throw error;
    }
  }

  async #stop(forGood: boolean): Promise<void> {
    // A source may wait for its first answer for ever; the other parts that are still starting cannot be stopped.
    const stopped = this.#isReading ? this.#loop.stop() : null;
    // A start that fails has torn everything down already.
    await this.#starting?.catch(() => null);
    await Promise.allSettled([stopped]);
    await this.#tearDown(this.#options.drainTimeoutMs, forGood);
  }

  async #startCompanions(): Promise<void> {
    for (const companion of this.#parts.companions) {
      this.#started.push(companion);
      await companion.start();
    }
  }

  /** The source goes after the companions: it closes the connections that they write over. */
  async #stopParts(): Promise<void> {
    try {
      await this.#stopCompanions();
    } finally {
      await this.#loop.stop();
    }
  }

  /** The lease is given back, and nothing more is written, while requests still finish. */
  async #stopCompanions(): Promise<void> {
    this.#forgetLeadership();
    const companions = this.#started.splice(0).toReversed();
    const errors: unknown[] = [];
    for (const companion of companions) await companion.stop().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw new AggregateError(errors, 'not everything beside the control loop stopped');
  }

  #translateOptions(assignments: Assignments): TranslateOptions {
    const leads = this.#parts.leadership.isLeader();
    // Who does not lead goes by what the leader has written, not by what it remembers.
    const known = { assignments: leads ? assignments : new Map(), allocation: leads ? 'give' : 'keep' } as const;
    this.#lastOptions = this.#parts.translateOptions({ ...this.#facts(), ...known });
    return this.#lastOptions;
  }

  #tell(state: ControlState): void {
    this.#announced = this.#announcer?.report() ?? null;
    this.#bgp = this.#announcer?.bgpReport() ?? NO_BGP_REPORT;
    const ofProcesses = { listeners: this.#proxy.listeners, announced: this.#announced, bgp: this.#bgp, proxyServes: () => this.#serves() };
    const seen: SeenState = { ...state, ...ofProcesses, options: this.#lastOptions };
    for (const companion of this.#parts.companions) companion.update(seen);
    if (state.announcer !== null && !this.#isEnding) this.#announcer?.want(state.announcer, state.generation);
  }

  /** Its VIPs are of no use while it does not serve. */
  #tellOfProxy(): void {
    this.#announcer?.setProxy({ pid: this.#proxy.pid, serving: this.#serves() });
  }

  #serves(): boolean {
    return this.#progress.ready && this.#sync.hasSettled && !this.#isEnding;
  }

  #announcerEvents(): AnnouncerControlEvents {
    return {
      report: (report) => {
        if (this.#announced === null || differsForCompanions(this.#announced, report)) this.#tell(this.#loop.state());
      },
      bgp: (report) => {
        if (differsInPeers(this.#bgp, report)) this.#tell(this.#loop.state());
        for (const sessions of this.#sessionListeners()) sessions.reported(report);
      },
      event: (event) => {
        this.#journal.add(event);
        this.#parts.metrics.announcer.happened(event, this.#options.nodeName);
        logAnnouncerEvent(event, this.#parts.logger);
        if (event.type === 'bgpPeer') for (const sessions of this.#sessionListeners()) sessions.happened(event);
      },
    };
  }

  #sessionListeners(): readonly NonNullable<Companion['sessions']>[] {
    return this.#isEnding ? [] : this.#parts.companions.flatMap(({ sessions }) => sessions ?? []);
  }

  async #tearDown(drainTimeoutMs: number, forGood: boolean): Promise<void> {
    this.#isEnding = true;
    const withdrawn = await Promise.allSettled([this.#announcer?.stop(forGood)]);
    clearInterval(this.#collecting);
    clearInterval(this.#looking);
    this.#sync.stop();
    // The admin API stays until the end: readyz tells load balancers to look elsewhere while requests finish.
    const results = [
      ...withdrawn,
      ...(await Promise.allSettled([this.#stopParts(), this.#drain(drainTimeoutMs)])),
      ...(await Promise.allSettled([this.#admin.stop(), this.#parts.assignments.flush()])),
    ];
    const errors = results.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []));
    if (errors.length > 0) throw new AggregateError(errors, 'Gatehouse did not stop cleanly');
  }

  async #drain(timeoutMs: number): Promise<void> {
    const { cutConnections } = await this.#proxy.drain(timeoutMs);
    if (cutConnections > 0) this.#parts.logger.warn('connections were cut when the drain time was over', { cutConnections });
  }

  #publish(delta: SnapshotDelta): void {
    // What comes while it ends is for the one that comes after.
    if (this.#isEnding) return;
    this.#progress.published(delta.generation);
    this.#proxy.apply(delta);
  }

  #facts(): Omit<KnownFacts, 'assignments' | 'allocation'> {
    this.#localAddresses = this.#parts.localAddresses();
    const admin = this.#adminAddress === null ? [] : [{ protocol: 'admin' as const, ...this.#adminAddress }];
    const ofStart = this.#listeners.flatMap(({ protocol, ...address }) => (isIngressProtocol(protocol) ? [{ protocol, ...address }] : []));
    return { localAddresses: this.#localAddresses, reserved: [...ofStart, ...admin] };
  }

  #lookAtAddresses(): void {
    if (this.#parts.localAddresses().toSorted().join() !== this.#localAddresses.toSorted().join()) this.#loop.refresh();
  }

  #isReady(): boolean {
    return this.#progress.ready && this.#sync.hasSettled && this.#stopping === null;
  }

  #proxyEvents(): ProxyProcessEvents {
    const { metrics } = this.#parts;
    return {
      serving: () => {
        this.#progress.serving();
        this.#tellOfProxy();
      },
      applied: (generation) => {
        const wasReady = this.#progress.ready;
        this.#progress.applied(generation);
        if (!wasReady) this.#tellOfProxy();
      },
      exited: () => {
        this.#progress.exited();
        this.#tellOfProxy();
        metrics.controller.proxyRestarted();
        metrics.forgetWorkers();
      },
      metrics: (delta) => metrics.add(delta),
    };
  }

  async #collect(): Promise<void> {
    if (this.#proxy.pid !== null && this.#isReady()) await this.#views.collect();
  }
}

function isIngressProtocol(protocol: ListenerView['protocol']): protocol is 'http' | 'https' {
  return protocol === 'http' || protocol === 'https';
}
