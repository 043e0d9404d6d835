import { flushCompileCache } from 'node:module';
import { createLogger, type Logger } from '../../core/log/logger.ts';
import { libc } from '../../core/os/libc.ts';
import { createAnnouncerLife, type AnnouncerLife, type Host } from './announcerLife.ts';
import type { BgpReport } from './bgp/bgpReport.ts';
import { diffBgpReport } from './bgp/bgpReportDelta.ts';
import { decodeToAnnouncer, type DecodedStart, type DecodedToAnnouncer } from './decodeToAnnouncer.ts';
import type { LeaseWishes } from './leases.ts';
import type { FromAnnouncer } from './messages.ts';
import type { AnnouncerEvent, AnnouncerReport } from './report.ts';
import type { AnnouncerSettings } from './wanted.ts';
import { meetingPlace } from './takeover/meetingPlace.ts';

/** What the body of the process is given; tests give other hosts. */
export interface RunAnnouncerOptions {
  /** Where announcers of this node find each other; null: nowhere. */
  readonly folder: string | null;
  readonly createHost: CreateHost;
}

/** Makes what does the work; see Host. */
export type CreateHost = (settings: AnnouncerSettings, tools: HostTools) => Host;

/** What a host is made with. */
export interface HostTools {
  readonly logger: Logger;
  /** The last report of the announcer whose work is carried on. */
  readonly inherited: AnnouncerReport | null;
  readonly report: (report: AnnouncerReport) => void;
  readonly bgpReport: (report: BgpReport) => void;
  readonly event: (event: AnnouncerEvent) => void;
  readonly leaseWishes: (wishes: LeaseWishes) => void;
  /** Something failed that leaves the state of the process in doubt. */
  readonly failed: (error: unknown) => void;
}

/** A terminal's ^C and its end reach the whole group, as far as a process of a session of its own is in one at all. */
const IGNORED_SIGNALS = ['SIGINT', 'SIGHUP'] as const;
/** Ours: how soon it is noticed that another announcer is in this one's place. */
const LOOK_INTERVAL_MS = 1_000;
/** Exit codes: sysexits EX_USAGE and EX_SOFTWARE. */
const EXIT_USAGE = 64;
const EXIT_FAULT = 70;

/**
 * The body of the announcer process: does what the controller says over IPC. SIGTERM withdraws all VIPs and leaves the kernel as
 * it is. When the controller is gone it goes on, see createAnnouncerLife. A fault ends it, and the controller starts another.
 */
export function runAnnouncer(options: RunAnnouncerOptions): void {
  if (process.send === undefined) {
    process.stderr.write('announcer/main is started by the controller (gatehouse run), not by itself\n');
    process.exit(EXIT_USAGE);
  }
  const announcer = new AnnouncerShell(options);
  for (const signal of IGNORED_SIGNALS) process.on(signal, () => {});
  process.on('SIGTERM', () => announcer.stop(false));
  process.on('message', (message: unknown) => announcer.receive(decodeToAnnouncer(message)));
  process.on('disconnect', () => announcer.orphaned());
  process.on('uncaughtException', (error) => void announcer.fail(error));
}

class AnnouncerShell {
  readonly #options: RunAnnouncerOptions;
  #logger: Logger | null = null;
  #life: AnnouncerLife | null = null;
  #failing: Promise<void> | null = null;
  /** The last that was told. */
  #bgpReport: BgpReport | null = null;

  constructor(options: RunAnnouncerOptions) {
    this.#options = options;
  }

  receive(message: DecodedToAnnouncer): void {
    switch (message.type) {
      case 'start': return this.#start(message);
      case 'want': return this.#started().want(message.delta);
      case 'proxy': return this.#started().setProxy(message.proxy);
      case 'leases': return this.#started().setLeases(message.news);
      case 'stop': return this.#started().stop(message.forGood);
    }
  }

  stop(forGood: boolean): void {
    if (this.#life === null) void this.#end();
    else this.#life.stop(forGood);
  }

  orphaned(): void {
    if (this.#life === null) void this.#end();
    else this.#life.orphaned();
  }

  /** A fault leaves the state in doubt; what comes after the first one is its consequence. */
  fail(error: unknown): Promise<void> {
    this.#failing ??= this.#fail(error);
    return this.#failing;
  }

  #started(): AnnouncerLife {
    if (this.#life === null) throw new Error('the first message from the controller must be `start`');
    return this.#life;
  }

  #start({ settings, logLevel, logFormat, inherited: last }: DecodedStart): void {
    if (this.#life !== null) throw new Error('`start` came twice');
    const logger = createLogger({ level: logLevel, format: logFormat, name: 'announcer' });
    this.#logger = logger;
    const { folder, createHost } = this.#options;
    const tools = {
      logger,
      report: (report: AnnouncerReport) => send({ type: 'report', report }),
      bgpReport: (report: BgpReport) => this.#tellBgp(report),
      event: (event: AnnouncerEvent) => send({ type: 'event', event }),
      leaseWishes: (wishes: LeaseWishes) => send({ type: 'leaseWishes', wishes }),
      failed: (error: unknown) => void this.fail(error),
    };
    const life = createAnnouncerLife({
      path: folder === null ? null : meetingPlace(folder),
      inherited: last,
      createHost: (inherited) => createHost(settings, { ...tools, inherited }),
      logger,
      ready: () => {
        send({ type: 'ready' });
        // For whoever comes after this process, which may end without the time to write it.
        flushCompileCache();
      },
      ended: () => void this.#end(),
      failed: tools.failed,
    });
    this.#life = life;
    setInterval(() => life.look(), LOOK_INTERVAL_MS);
  }

  #tellBgp(report: BgpReport): void {
    const before = this.#bgpReport;
    this.#bgpReport = report;
    send({ type: 'bgp', delta: diffBgpReport(before, report) });
  }

  async #fail(error: unknown): Promise<void> {
    const logger = this.#logger ?? createLogger({ level: 'error', format: 'json', name: 'announcer' });
    logger.error('the announcer process has failed', { error });
    await logger.flush();
    libc().exit(EXIT_FAULT);
  }

  async #end(): Promise<void> {
    await sendLast({ type: 'stopped' });
    await this.#logger?.flush();
    libc().exit(0);
  }
}

/** To the controller; without one there is nobody to tell. */
function send(message: FromAnnouncer): void {
  if (process.connected) process.send?.(message, () => {});
}

function sendLast(message: FromAnnouncer): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(message, () => resolve());
    else resolve();
  });
}
