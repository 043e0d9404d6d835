import { callPredecessor, type Predecessor, type PredecessorAnswer } from './takeover/predecessor.ts';
import { listenForSuccessors, type SuccessorServer } from './takeover/successorServer.ts';
import { applyWantedDelta, NOTHING_WANTED, type NumberedWanted } from './wantedDelta.ts';
import type { LeaseNews } from './leases.ts';
import type { ProxyState, WantedDelta } from './messages.ts';
import type { AnnouncerReport } from './report.ts';
import type { Logger } from '../../core/log/logger.ts';

/** All that works while an announcer does: AnnouncerHost, or a fake. It is started once and ended once. */
export interface Host {
  /** Resolves once it answers for what it owns. */
  start(first: NumberedWanted): Promise<void>;
  want(next: NumberedWanted): void;
  setProxy(proxy: ProxyState): void;
  setLeases(news: LeaseNews): void;
  /** There is no controller any more. */
  orphaned(): void;
  /** Stops what two announcers cannot do at once, in silence, and changes the kernel no more; answers go on. Gives the last report. */
  yield(): Promise<AnnouncerReport | null>;
  /** Ends what is left after `yield`; nobody is told, nothing is withdrawn. */
  abandon(): Promise<void>;
  /** Withdraws all VIPs in good order, then ends. `forGood`: what the kernel was told goes. Also without `start`. */
  stop(forGood: boolean): Promise<void>;
}

/** What a life works with. */
export interface AnnouncerLifeDependencies {
  /** Where others of this network namespace are met; null: nowhere. */
  readonly path: string | null;
  /** The last report of an announcer of the same controller that has ended a moment ago; null: there was none. */
  readonly inherited: AnnouncerReport | null;
  /** `inherited`: the last report of the announcer whose work is carried on. */
  readonly createHost: (inherited: AnnouncerReport | null) => Host;
  readonly logger: Logger;
  readonly ready: () => void;
  /** It has ended, in good order. Called once. */
  readonly ended: () => void;
  /** Something failed that leaves its state in doubt. */
  readonly failed: (error: unknown) => void;
}

/** What happens to an announcer, from the outside. */
export interface AnnouncerLife {
  /** The first one begins the work. */
  want(delta: WantedDelta): void;
  setProxy(proxy: ProxyState): void;
  setLeases(news: LeaseNews): void;
  /** The controller is gone. */
  orphaned(): void;
  /** In good order; see Host.stop. An announcer that waits for this one gets its VIPs in place of the others. */
  stop(forGood: boolean): void;
  /** To be called about once a second. */
  look(): void;
}

/**
 * The life of one announcer among those of its network namespace: waits until its predecessor lets go, works, and lets go when
 * its controller is gone and a successor asks. Of two with controllers the first one works. Without a controller it works on, as
 * long as there is a VIP to announce: then it ends, and what the kernel has stays. An orphan that is never succeeded stays
 * until it gets SIGTERM: the VIPs are worth more than the process.
 */
export function createAnnouncerLife(dependencies: AnnouncerLifeDependencies): AnnouncerLife {
  return new Life(dependencies);
}

class Life implements AnnouncerLife {
  readonly #dependencies: AnnouncerLifeDependencies;
  #wanted: NumberedWanted | null = null;
  #proxy: ProxyState | null = null;
  #leases: LeaseNews | null = null;
  #host: Host | null = null;
  #successors: SuccessorServer | null = null;
  #isOrphan = false;
  #isStopping = false;
  #hasEnded = false;
  /** Beginning, yielding and stopping come one after the other. */
  #last: Promise<void> = Promise.resolve();

  constructor(dependencies: AnnouncerLifeDependencies) {
    this.#dependencies = dependencies;
  }

  want(delta: WantedDelta): void {
    const isFirst = this.#wanted === null;
    this.#wanted = { generation: delta.generation, wanted: applyWantedDelta(this.#wanted?.wanted ?? NOTHING_WANTED, delta) };
    if (isFirst) this.#inTurn(() => this.#begin(this.#wantedNow()));
    else this.#host?.want(this.#wanted);
  }

  setProxy(proxy: ProxyState): void {
    this.#proxy = proxy;
    this.#host?.setProxy(proxy);
  }

  setLeases(news: LeaseNews): void {
    this.#leases = news;
    this.#host?.setLeases(news);
  }

  orphaned(): void {
    if (this.#isOrphan) return;
    this.#isOrphan = true;
    const vips = this.#wanted?.wanted.vips.size ?? 0;
    if (vips > 0) this.#dependencies.logger.warn('the controller is gone: what it wanted last goes on, until another one comes', { vips });
    this.#inTurn(async () => {
      // One that does not work yet has a predecessor who does.
      if (this.#host === null || vips === 0) return await this.#endQuietly();
      this.#host.orphaned();
      await this.#yieldIfAsked();
    });
  }

  stop(forGood: boolean): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#inTurn(() => this.#stop(forGood));
  }

  look(): void {
    const successors = this.#successors;
    if (successors === null) return;
    this.#inTurn(async () => {
      if (this.#successors !== successors || !await successors.replaced()) return;
      this.#dependencies.logger.warn('another announcer has taken the place of this one, which ends');
      await this.#endQuietly();
    });
  }

  #inTurn(task: () => Promise<void>): void {
    this.#last = this.#last.then(() => this.#hasEnded ? undefined : task()).catch((error: unknown) => this.#dependencies.failed(error));
  }

  #wantedNow(): NumberedWanted {
    return this.#wanted ?? { generation: 0, wanted: NOTHING_WANTED };
  }

  async #begin(first: NumberedWanted): Promise<void> {
    const predecessor = await this.#takeOver();
    if (predecessor === 'waits') return;
    await this.#work(first, predecessor === null ? this.#dependencies.inherited : predecessor.report);
    await this.#meetSuccessors();
    predecessor?.dismiss();
    this.#dependencies.ready();
  }

  /** The VIPs matter more than the place where one could be succeeded without a gap. */
  async #meetSuccessors(): Promise<void> {
    const { path, logger } = this.#dependencies;
    if (path === null) return;
    try {
      this.#successors = await listenForSuccessors(path, () => this.#inTurn(() => this.#yieldIfAsked()));
    } catch (error) {
      logger.warn('another announcer could not take over from this one without a gap: it cannot be met', { path, error });
    }
  }

  /** Null: there is none. It is waited for only by those who have work to do and somebody to do it for. */
  async #takeOver(): Promise<Predecessor | 'waits' | null> {
    const { path, logger } = this.#dependencies;
    if (path === null) return null;
    let hasWaited = false;
    const goesOn = (): boolean => {
      if (!hasWaited) logger.info('an announcer with a controller of its own works here: waiting until that has ended');
      hasWaited = true;
      return !this.#isOrphan && !this.#isStopping;
    };
    const answer = await callPredecessor({ path, goesOn }).catch((error: unknown): PredecessorAnswer => {
      logger.warn('the announcer that may work here cannot be called: going on without it', { path, error });
      return { type: 'none' };
    });
    if (answer.type === 'silent') logger.warn('the announcer that works here does not answer: going on without it', { path });
    if (answer.type === 'waits') return 'waits';
    return answer.type === 'yielded' ? answer.predecessor : null;
  }

  async #work(first: NumberedWanted, inherited: AnnouncerReport | null): Promise<Host> {
    const host = this.#dependencies.createHost(inherited);
    if (this.#proxy !== null) host.setProxy(this.#proxy);
    if (this.#leases !== null) host.setLeases(this.#leases);
    this.#host = host;
    await host.start(first);
    // What came meanwhile; the same again changes nothing.
    host.want(this.#wantedNow());
    return host;
  }

  /** A successor that ends half-way leaves the work to this one, which starts anew with what it knew. */
  async #yieldIfAsked(): Promise<void> {
    const { logger } = this.#dependencies;
    const host = this.#host;
    const successors = this.#successors;
    if (host === null || successors === null || !successors.waits()) return;
    if (!this.#isOrphan && !this.#isStopping) return;
    let report: AnnouncerReport | null = null;
    const outcome = await successors.yieldTo(async () => {
      report = await host.yield();
      return report;
    });
    await host.abandon();
    this.#host = null;
    if (outcome === 'carriesOn') {
      logger.info('another announcer carries on');
      return await this.#endQuietly();
    }
    logger.warn('the announcer that was to take over has ended: going on');
    const next = await this.#work(this.#wantedNow(), report);
    if (this.#isOrphan) next.orphaned();
  }

  async #stop(forGood: boolean): Promise<void> {
    if (!forGood) await this.#yieldIfAsked();
    const host = this.#host;
    this.#host = null;
    if (host !== null) await host.stop(forGood);
    else if (forGood) await this.#stopOthersWork();
    await this.#endQuietly();
  }

  /** What an earlier announcer has left, when this one has not even begun. */
  async #stopOthersWork(): Promise<void> {
    const predecessor = await this.#takeOver();
    if (predecessor === 'waits') return;
    await this.#dependencies.createHost(predecessor?.report ?? null).stop(true);
    predecessor?.dismiss();
  }

  async #endQuietly(): Promise<void> {
    await this.#host?.abandon();
    this.#host = null;
    await this.#successors?.close();
    this.#successors = null;
    if (!this.#hasEnded) this.#dependencies.ended();
    this.#hasEnded = true;
  }
}
