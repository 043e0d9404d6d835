import { isDeepStrictEqual } from 'node:util';
import type { L4Key } from '../../../../core/ir/l4.ts';
import type { Link } from '../../parts.ts';
import type { KernelReport } from '../../report.ts';
import type { ForwardedPort } from '../../wanted.ts';
import { NO_BGP_REPORT, type BgpReport } from '../bgpReport.ts';
import type { BgpSpeaker } from '../bgpSpeaker.ts';
import { NO_BGP, type BgpWanted } from '../bgpWanted.ts';

/** Leads a BGP speaker by what an announcer knows, and tells what it reports. */
export interface BgpDriver {
  /** From now on; sessions begin as soon as the routes can be as they were before this start, or after a while. */
  start(): void;
  want(wanted: BgpWanted): void;
  setServing(serving: boolean): void;
  linksChanged(links: readonly Link[]): void;
  setAlive(nodes: ReadonlySet<string>): void;
  /** The kernel was told of `ports`, and how that went. */
  kernelApplied(ports: ReadonlyMap<L4Key, ForwardedPort>, report: KernelReport): void;
  /** The report is to be told again, as it may be another. */
  changed(): void;
  stop(forGood: boolean): Promise<void>;
  abandon(): void;
}

/** What a driver is given. */
export interface BgpDriverDependencies {
  readonly speaker: BgpSpeaker;
  readonly report: (report: BgpReport) => void;
  /** Something failed that leaves the state of the process in doubt. */
  readonly failed: (error: unknown) => void;
}

/** At most two reports a second. */
const REPORT_INTERVAL_MS = 500;
/** Ours: counters change without a word. */
const COUNT_INTERVAL_MS = 5_000;
/**
 * Ours: peers that have kept routes through a restart drop what they are not sent again before End-of-RIB, so that nothing is said before
 * the kernel forwards and, where one of them may have kept routes, the proxy serves; but what does not come is no reason to say nothing at all.
 */
const START_TIMEOUT_MS = 5_000;

/** Starts nothing yet. */
export function createBgpDriver(dependencies: BgpDriverDependencies): BgpDriver {
  return new Driver(dependencies);
}

class Driver implements BgpDriver {
  readonly #dependencies: BgpDriverDependencies;
  readonly #speaker: BgpSpeaker;
  #told: BgpReport = NO_BGP_REPORT;
  #reportTimer: NodeJS.Timeout | null = null;
  #countTimer: NodeJS.Timeout | null = null;
  #startTimer: NodeJS.Timeout | null = null;
  #wanted: BgpWanted = NO_BGP;
  #isForwarding = false;
  #isServing = false;
  #isSpeaking = false;
  #isOver = false;

  constructor(dependencies: BgpDriverDependencies) {
    this.#dependencies = dependencies;
    this.#speaker = dependencies.speaker;
  }

  start(): void {
    this.#startTimer = setTimeout(() => this.#speak(), START_TIMEOUT_MS);
    this.#countTimer = setInterval(() => this.changed(), COUNT_INTERVAL_MS);
  }

  want(wanted: BgpWanted): void {
    this.#wanted = wanted;
    this.#speaker.want(wanted);
  }

  setServing(serving: boolean): void {
    this.#isServing = serving;
    this.#speaker.setServing(serving);
    this.#speakIfReady();
  }

  linksChanged(links: readonly Link[]): void {
    this.#speaker.linksChanged(links);
  }

  setAlive(nodes: ReadonlySet<string>): void {
    this.#speaker.setAlive(nodes);
  }

  /** What could not be programmed has left the kernel as it was, as each change is one transaction. */
  kernelApplied(ports: ReadonlyMap<L4Key, ForwardedPort>, { programmed }: KernelReport): void {
    if (this.#isOver) return;
    if (!programmed) return;
    this.#isForwarding = true;
    this.#speaker.setForwarded(new Set([...ports.values()].map(({ address }) => address)));
    this.#speakIfReady();
  }

  changed(): void {
    if (this.#isOver) return;
    this.#reportTimer ??= setTimeout(() => {
      this.#reportTimer = null;
      this.#report();
    }, REPORT_INTERVAL_MS);
  }

  async stop(forGood: boolean): Promise<void> {
    this.#clear();
    await this.#speaker.stop(forGood);
    this.#report();
    this.#end();
  }

  abandon(): void {
    this.#clear();
    this.#end();
    this.#speaker.abandon();
  }

  #speakIfReady(): void {
    if (this.#isForwarding && (this.#isServing || !waitsForProxy(this.#wanted))) this.#speak();
  }

  #speak(): void {
    if (this.#isSpeaking || this.#isOver) return;
    this.#isSpeaking = true;
    if (this.#startTimer !== null) clearTimeout(this.#startTimer);
    this.#speaker.start().catch((error: unknown) => this.#dependencies.failed(error));
  }

  #report(): void {
    const report = this.#speaker.report();
    if (isDeepStrictEqual(report, this.#told)) return;
    this.#told = report;
    this.#dependencies.report(report);
  }

  /** Routes that are drained while it stops are still reported. */
  #clear(): void {
    this.#isSpeaking = true;
    if (this.#startTimer !== null) clearTimeout(this.#startTimer);
    if (this.#countTimer !== null) clearInterval(this.#countTimer);
  }

  #end(): void {
    this.#isOver = true;
    if (this.#reportTimer !== null) clearTimeout(this.#reportTimer);
    this.#reportTimer = null;
  }
}

/** A peer may have kept a route that is to be withdrawn as long as the proxy does not serve; without endpoints it is withdrawn anyway. */
function waitsForProxy({ peers, routes }: BgpWanted): boolean {
  return [...peers.values()].some(({ gracefulRestart }) => gracefulRestart !== null)
    && [...routes.values()].some(({ vips }) => vips.some(({ needsProxy, endpoints }) => needsProxy && endpoints === 'ready'));
}
