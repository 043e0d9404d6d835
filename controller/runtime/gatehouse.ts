import { createAdminServer, type AdminServer } from '../admin/adminServer.ts';
import type { AdminViews } from '../admin/adminViews.ts';
import type { AssignmentStore } from '../assignments/assignmentStore.ts';
import { printSnapshot } from '../../core/ir/printSnapshot.ts';
import type { SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { Logger } from '../../core/log/logger.ts';
import { systemClock } from '../../core/time/clock.ts';
import type { MetricsHub } from '../metrics/metricsHub.ts';
import type { ProxyProcessEvents } from '../processes/proxyProcess.ts';
import type { Source } from '../sources/source.ts';
import { buildStatus } from '../status/buildStatus.ts';
import type { ListenerView, StatusView } from '../status/statusView.ts';
import type { Translate, TranslateOptions } from '../translate/translation.ts';
import { createControlLoop, type ControlLoop } from './controlLoop.ts';
import { printListenAddress, type ListenAddress } from './listenAddress.ts';
import { ListenerSync } from './listenerSync.ts';
import type { CreateProxy, ProxyControl } from './proxyControl.ts';
import { ProxyProgress } from './proxyProgress.ts';
import { reportState } from './reportState.ts';

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
  readonly translate: Translate;
  /** Options of the next translation, with what is known by then. */
  readonly translateOptions: (known: KnownFacts) => TranslateOptions;
  readonly assignments: AssignmentStore;
  readonly createProxy: CreateProxy;
  readonly metrics: MetricsHub;
  /** Every address of this machine's interfaces. */
  readonly localAddresses: () => readonly string[];
  /** Those of them that others reach it by. */
  readonly machineAddresses: () => readonly string[];
  readonly logger: Logger;
}

/** What translation looks at that is not decided once and for all. */
export type KnownFacts = Pick<TranslateOptions, 'assignments' | 'localAddresses' | 'reserved'>;

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
  /** Not ready from now on; drains the proxy, then closes the rest, the admin API last. Idempotent. */
  stop(): Promise<void>;
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
  readonly #loop: ControlLoop;
  readonly #admin: AdminServer;
  readonly #progress: ProxyProgress;
  readonly #sync: ListenerSync;
  #listeners: readonly ListenerView[] = [];
  #adminAddress: ListenAddress | null = null;
  #localAddresses: readonly string[] = [];
  #starting: Promise<GatehouseAddresses> | null = null;
  #stopping: Promise<void> | null = null;
  #collecting: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;

  constructor(options: GatehouseOptions, parts: GatehouseParts) {
    this.#options = options;
    this.#parts = parts;
    const { controller } = parts.metrics;
    this.#progress = new ProxyProgress(systemClock, (durationMs) => controller.observeApply(durationMs));
    this.#proxy = parts.createProxy(this.#proxyEvents());
    this.#sync = new ListenerSync({
      setListeners: (wanted) => this.#proxy.setListeners(wanted),
      whenApplied: (generation) => this.#progress.whenApplied(generation),
      onOutcomes: (outcomes) => this.#loop.listened(outcomes),
      logger: parts.logger,
    });
    this.#loop = createControlLoop({
      ...parts,
      translateOptions: (assignments) => parts.translateOptions({ ...this.#facts(), assignments }),
      publish: (delta) => this.#publish(delta),
      wantListeners: (wanted, generation) => this.#sync.want(wanted, generation),
      onTranslated: (durationMs) => controller.observeTranslate(durationMs),
      clock: systemClock,
    });
    this.#admin = createAdminServer({ listen: options.admin, views: this.#views(), logger: parts.logger });
  }

  start(): Promise<GatehouseAddresses> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async ready(): Promise<void> {
    await Promise.all([this.#progress.firstReady, this.#sync.settled]);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
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
      await this.#loop.start();
      this.#collecting = setInterval(() => void this.#collect(), COLLECT_MS).unref();
      this.#looking = setInterval(() => this.#lookAtAddresses(), LOOK_AT_ADDRESSES_MS).unref();
      return { listeners: this.#listeners, admin };
    } catch (error) {
      await this.#tearDown(0);
      throw error;
    }
  }

  async #stop(): Promise<void> {
    // A part that is still starting cannot be stopped; a start that fails has torn everything down already.
    await this.#starting?.catch(() => null);
    await this.#tearDown(this.#options.drainTimeoutMs);
  }

  async #tearDown(drainTimeoutMs: number): Promise<void> {
    clearInterval(this.#collecting);
    clearInterval(this.#looking);
    this.#sync.stop();
    // The admin API stays until the end: readyz tells load balancers to look elsewhere while requests finish.
    const results = [
      ...(await Promise.allSettled([this.#drain(drainTimeoutMs), this.#loop.stop()])),
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
    this.#progress.published(delta.generation);
    this.#proxy.apply(delta);
  }

  #facts(): Omit<KnownFacts, 'assignments'> {
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
      serving: () => this.#progress.serving(),
      applied: (generation) => this.#progress.applied(generation),
      exited: () => {
        this.#progress.exited();
        metrics.controller.proxyRestarted();
        metrics.forgetWorkers();
      },
      metrics: (delta) => metrics.add(delta),
    };
  }

  #views(): AdminViews {
    return {
      ready: () => this.#isReady(),
      status: () => this.#status(),
      snapshot: () => {
        const { snapshot } = this.#loop.state();
        return snapshot === null ? null : printSnapshot(snapshot);
      },
      explain: (request) => this.#ask('explain', this.#proxy.explain(request)),
      pools: () => this.#loop.state().pools,
      endpoints: () => this.#ask('collect', this.#proxy.collect()),
      metrics: async () => {
        await this.#ask('collect', this.#proxy.collect());
        reportState(this.#parts.metrics, this.#loop.state(), this.#progress, Date.now());
        return this.#parts.metrics.text();
      },
    };
  }

  async #collect(): Promise<void> {
    if (this.#proxy.pid !== null && this.#isReady()) await this.#ask('collect', this.#proxy.collect());
  }

  /** Null, with a line in the log, when the proxy does not answer: it may be starting again. */
  async #ask<T>(question: string, answer: Promise<T>): Promise<T | null> {
    try {
      return await answer;
    } catch (error) {
      this.#parts.logger.warn('the proxy did not answer', { question, error });
      return null;
    }
  }

  #status(): StatusView {
    return buildStatus({
      ...this.#loop.state(),
      version: this.#options.version,
      ready: this.#isReady(),
      appliedGeneration: this.#progress.appliedGeneration,
      listeners: this.#proxy.listeners,
      publishService: this.#options.publishService,
      nodeName: this.#options.nodeName,
      machineAddresses: this.#parts.machineAddresses(),
    });
  }
}

function isIngressProtocol(protocol: ListenerView['protocol']): protocol is 'http' | 'https' {
  return protocol === 'http' || protocol === 'https';
}
