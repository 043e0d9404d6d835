import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { planRestart, RESTART_POLICY, type RestartPolicy } from '../../core/lifecycle/restartBackoff.ts';
import { startAnnouncerChild, type AnnouncerChild, type AnnouncerChildOptions } from './announcerChild.ts';
import { prepareAnnouncerFolder } from './announcerFolder.ts';
import { restrictLaunch, type Launch } from './announcerLaunch.ts';
import { ANNOUNCER_NODE_OPTIONS } from './announcerNodeOptions.ts';
import { announcerCapabilities } from './announcerPermission.ts';
import { FOLDER_ARGUMENT } from '../announcer/folderArgument.ts';
import { programFolders } from './findProgram.ts';
import { ANNOUNCER_ID, chooseProcessUser, type ProcessUser } from './processUser.ts';
import type { LeaseNews, LeaseWishes } from '../announcer/leases.ts';
import type { FromAnnouncer, ProxyState } from '../announcer/messages.ts';
import { NO_BGP_REPORT, type BgpReport } from '../announcer/bgp/bgpReport.ts';
import { applyBgpReportDelta } from '../announcer/bgp/bgpReportDelta.ts';
import type { AnnouncerEvent, AnnouncerReport } from '../announcer/report.ts';
import type { AnnouncerSettings, AnnouncerWanted } from '../announcer/wanted.ts';
import type { NumberedWanted } from '../announcer/wantedDelta.ts';
import type { Logger, LogLevel } from '../../core/log/logger.ts';
import type { Clock } from '../../core/time/clock.ts';
import type { ProxyChildEnd } from './proxyChild.ts';

/** How the announcer of this node is to run. */
export interface AnnouncerProcessOptions {
  readonly settings: AnnouncerSettings;
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
  /** Stay root, with the capabilities of an announcer only, when the controller is root. */
  readonly keepUser: boolean;
  /** Where announcers of this node find each other; default: DEFAULT_ANNOUNCER_FOLDER. Made where missing. */
  readonly folder?: string;
  /** Program of the process; default: this package's announcer/main. */
  readonly entry?: string;
}

/** What the owner is told. */
export interface AnnouncerProcessEvents {
  /** The present process does its work. Told again after each restart. */
  readonly ready: () => void;
  readonly report: (report: AnnouncerReport) => void;
  readonly bgp: (report: BgpReport) => void;
  readonly event: (event: AnnouncerEvent) => void;
  /** Absent: nobody keeps Leases. */
  readonly leaseWishes?: (wishes: LeaseWishes) => void;
  /** The process has ended by itself; a new one starts in `restartInMs`. */
  readonly exited: (end: ProxyChildEnd & { readonly restartInMs: number }) => void;
}

/** What it works with. */
export interface AnnouncerProcessDependencies {
  readonly events: AnnouncerProcessEvents;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Default: RESTART_POLICY, but sound after 3 s. */
  readonly restartPolicy?: RestartPolicy;
}

/**
 * The announcer process and whoever replaces it. Nothing that the kernel or the local network has is touched by the end of a
 * process: a new one is told the whole wanted state and finds out what is there. Its owner's end does not end it either.
 */
export interface AnnouncerProcess {
  /** Null while none runs. */
  readonly pid: number | null;
  /** Messages of any process of this run that were none of the protocol; they change nothing. */
  readonly brokenMessages: number;
  /** Starts the process, once. Throws nothing: what prevents it is told by `exited`, and tried again. */
  start(): void;
  /** The complete state that is wanted from now on; only differences are sent. */
  want(wanted: AnnouncerWanted, generation: number): void;
  setProxy(proxy: ProxyState): void;
  /** What is so with the Leases of VIPs from now on. A process that follows is told the last of it. */
  setLeases(news: LeaseNews): void;
  /** The last that was told; null before the first, and while no process lives long enough to tell one. */
  report(): AnnouncerReport | null;
  /** The last that was told of BGP; null: nothing yet. */
  bgpReport(): BgpReport | null;
  /**
   * Ends the process in good order: others take its VIPs over. `forGood`: what the kernel was told goes too. A process that has
   * not ended after STOP_LIMIT_MS is killed. May be called again.
   */
  stop(forGood: boolean): Promise<void>;
}

/** Ours: one that has lived for 3 s has long announced all it should, and others miss it within half a second of waiting. */
const ANNOUNCER_RESTART: RestartPolicy = { ...RESTART_POLICY, stableMs: 3_000 };

/** Where announcers of one node find each other: gone with the machine's next start. */
export const DEFAULT_ANNOUNCER_FOLDER = '/run/gatehouse/announcer';

/** Ours: clients are led away from BGP routes for 3 s; the rest, removing a table of thousands of ports too, takes less than two. */
const STOP_LIMIT_MS = 8_000;

const DEFAULT_ENTRY = join(import.meta.dirname, '../announcer', `main${extname(import.meta.filename)}`);

/** An announcer that is not started yet. */
export function createAnnouncerProcess(options: AnnouncerProcessOptions, dependencies: AnnouncerProcessDependencies): AnnouncerProcess {
  return new Announcer(options, dependencies);
}

class Announcer implements AnnouncerProcess {
  readonly #options: AnnouncerProcessOptions;
  readonly #dependencies: AnnouncerProcessDependencies;
  #child: AnnouncerChild | null = null;
  #ended = Promise.withResolvers<void>();
  #wanted: NumberedWanted | null = null;
  #proxy: ProxyState | null = null;
  #leases: LeaseNews | null = null;
  #report: AnnouncerReport | null = null;
  #bgpReport: BgpReport | null = null;
  #restart: NodeJS.Timeout | undefined;
  #startedAtMs: number | null = null;
  #endsInRow = 0;
  #brokenMessages = 0;
  #stopped: Promise<void> | null = null;

  constructor(options: AnnouncerProcessOptions, dependencies: AnnouncerProcessDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  get brokenMessages(): number {
    return this.#brokenMessages;
  }

  start(): void {
    if (this.#stopped === null && this.#startedAtMs === null) this.#spawn();
  }

  want(wanted: AnnouncerWanted, generation: number): void {
    this.#wanted = { wanted, generation };
    this.#child?.want(this.#wanted);
  }

  setProxy(proxy: ProxyState): void {
    this.#proxy = proxy;
    this.#child?.send({ type: 'proxy', proxy });
  }

  setLeases(news: LeaseNews): void {
    this.#leases = news;
    this.#child?.send({ type: 'leases', news });
  }

  report(): AnnouncerReport | null {
    return this.#report;
  }

  bgpReport(): BgpReport | null {
    return this.#bgpReport;
  }

  stop(forGood: boolean): Promise<void> {
    this.#stopped ??= this.#startedAtMs === null ? Promise.resolve() : this.#stopOnce(forGood);
    return this.#stopped;
  }

  async #stopOnce(forGood: boolean): Promise<void> {
    clearTimeout(this.#restart);
    // Where none runs just now there still is what the last one has told the kernel and the local network.
    if (this.#child === null) this.#spawn();
    this.#child?.send({ type: 'stop', forGood });
    const overdue = setTimeout(() => {
      this.#dependencies.logger.warn('the announcer process does not stop and is killed');
      this.#child?.kill();
    }, STOP_LIMIT_MS);
    await this.#ended.promise;
    clearTimeout(overdue);
  }

  #spawn(): void {
    const { clock, logger } = this.#dependencies;
    this.#startedAtMs = clock.now();
    this.#ended = Promise.withResolvers<void>();
    const child = startAnnouncerChild(() => describeChild(this.#options, this.#report, logger), {
      received: (message) => this.#receive(message),
      broken: () => this.#broken(),
      ended: (end) => this.#childEnded(end),
    });
    this.#child = child;
    if (this.#proxy !== null) child.send({ type: 'proxy', proxy: this.#proxy });
    if (this.#leases !== null) child.send({ type: 'leases', news: this.#leases });
    if (this.#wanted !== null) child.want(this.#wanted);
  }

  #receive(message: FromAnnouncer): void {
    const { events } = this.#dependencies;
    switch (message.type) {
      case 'ready': return events.ready();
      case 'report':
        this.#report = message.report;
        return events.report(message.report);
      case 'bgp':
        this.#bgpReport = applyBgpReportDelta(this.#bgpReport ?? NO_BGP_REPORT, message.delta);
        return events.bgp(this.#bgpReport);
      case 'event': return events.event(message.event);
      case 'leaseWishes': return events.leaseWishes?.(message.wishes);
      case 'stopped': return;
    }
  }

  #broken(): void {
    this.#brokenMessages += 1;
    const isPowerOfTwo = (this.#brokenMessages & (this.#brokenMessages - 1)) === 0;
    if (!isPowerOfTwo) return;
    const { logger } = this.#dependencies;
    logger.error('the announcer process sent what is no message of this protocol', { brokenMessages: this.#brokenMessages });
  }

  #childEnded(end: ProxyChildEnd): void {
    this.#child = null;
    this.#ended.resolve();
    if (this.#stopped !== null) return;
    const { clock, logger, events, restartPolicy } = this.#dependencies;
    const plan = planRestart(this.#endsInRow, clock.now() - (this.#startedAtMs ?? 0), restartPolicy ?? ANNOUNCER_RESTART);
    this.#endsInRow = plan.endsInRow;
    if (plan.delayMs > 0) this.#report = null;
    this.#bgpReport = null;
    const restart = { restartInMs: plan.delayMs, endsInRow: plan.endsInRow };
    const { error, ...status } = end;
    logger.error('the announcer process has ended and is replaced', { ...status, ...restart, ...(error === null ? {} : { error }) });
    this.#restart = setTimeout(() => this.#spawn(), plan.delayMs);
    events.exited({ ...end, restartInMs: plan.delayMs });
  }
}

/** `inherited`: others miss an announcer only after a moment, so that one that follows at once answers where the last one did. */
function describeChild(options: AnnouncerProcessOptions, inherited: AnnouncerReport | null, logger: Logger): AnnouncerChildOptions {
  const { entry = DEFAULT_ENTRY, folder = DEFAULT_ANNOUNCER_FOLDER, keepUser, settings, logLevel, logFormat } = options;
  const isRoot = process.geteuid?.() === 0;
  const user = chooseProcessUser(keepUser, [process.execPath, entry], { name: 'the announcer', id: ANNOUNCER_ID });
  if (user.type === 'same' && user.warning !== null) logger.warn(user.warning);
  const folders = programFolders(process.env['PATH']);
  const capabilities = isRoot ? announcerCapabilities(readFileSync('/proc/self/status', 'utf8')) : [];
  const hasFolder = tryToPrepare(folder, user, logger);
  const plain: Launch = { command: process.execPath, args: [...ANNOUNCER_NODE_OPTIONS, entry, ...(hasFolder ? [`${FOLDER_ARGUMENT}${folder}`] : [])] };
  return {
    launch: restrictLaunch(plain, { user, isRoot, capabilities, folders }),
    places: { folders, codeCache: hasFolder ? join(folder, 'code') : null },
    start: { settings, logLevel, logFormat, inherited },
  };
}

/** Without the folder an announcer works, but cannot take over from another one without a gap. */
function tryToPrepare(folder: string, user: ProcessUser, logger: Logger): boolean {
  try {
    prepareAnnouncerFolder(folder, user);
    return true;
  } catch (error) {
    logger.warn('announcers of this node cannot find each other: the next one takes over only once this one has ended', { folder, error });
    return false;
  }
}
