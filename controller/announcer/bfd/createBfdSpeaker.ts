import { extname } from 'node:path';
import { createPendingRequests, RequestError } from '../../../core/ipc/pendingRequests.ts';
import { planRestart } from '../../../core/lifecycle/restartBackoff.ts';
import type { Logger } from '../../../core/log/logger.ts';
import { startThreadLife, type ThreadLife } from '../threadLife.ts';
import type { BfdEndpoint, BfdNews, BfdReport, BfdSpeaker, BfdSpeakerEvents } from './bfdSpeaker.ts';
import { addressKey } from './thread/bfdWire.ts';
import { BEAT_EVERY_MS, createLifeSigns } from './thread/lifeSigns.ts';
import type { ThreadPriority } from './thread/raisePriority.ts';
import type { BfdThreadStart, FromBfdThread, ToBfdThread } from './thread/threadMessages.ts';

export interface BfdSpeakerDependencies {
  readonly events: BfdSpeakerEvents;
  readonly logger: Logger;
}

const ENTRY = new URL(`thread/bfdThread${extname(import.meta.filename)}`, import.meta.url);

/** Ours: a report takes microseconds. */
const REPORT_TIMEOUT_MS = 1_000;

/** Ours: the thread takes a turn every 200 ms at least; this many beats without one (5 s), and it hangs. */
const BEATS_UNTIL_STUCK = 20;

/**
 * Speaks BFD in a thread of its own, so that a main thread that is busy for some seconds ends no session. One that is stuck for 5 s is no
 * longer spoken for, and peers find out by the silence (`LifeSigns`). A thread that dies is started again, and its sessions begin anew.
 * `setSessions` throws TypeError for an address that is none.
 */
export function createBfdSpeaker(dependencies: BfdSpeakerDependencies): BfdSpeaker {
  return new ThreadedSpeaker(dependencies);
}

class ThreadedSpeaker implements BfdSpeaker {
  readonly #dependencies: BfdSpeakerDependencies;
  readonly #lifeSigns = createLifeSigns();
  readonly #requests = createPendingRequests<ReadonlyMap<string, BfdReport>>('the BFD thread', REPORT_TIMEOUT_MS);
  readonly #ready = Promise.withResolvers<void>();
  #sessions: readonly BfdEndpoint[] = [];
  #reports: ReadonlyMap<string, BfdReport> = new Map();
  /** Name → what was told last. */
  readonly #told = new Map<string, BfdNews>();
  #thread: ThreadLife<ToBfdThread> | null = null;
  #threadStartedMs = 0;
  #endsInRow = 0;
  #restart: NodeJS.Timeout | undefined;
  #beating: NodeJS.Timeout | undefined;
  #turns = 0n;
  #beatsWithoutTurn = 0;
  #isReady = false;
  #priority: ThreadPriority | null = null;
  #isWarned = false;
  #started: Promise<void> | null = null;
  #stopped: Promise<void> | null = null;

  constructor(dependencies: BfdSpeakerDependencies) {
    this.#dependencies = dependencies;
  }

  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  setSessions(sessions: readonly BfdEndpoint[]): void {
    // What is no address is a mistake of who calls, and must not end the thread.
    for (const { localAddress, remoteAddress } of sessions) for (const address of [localAddress, remoteAddress]) addressKey(address);
    this.#sessions = sessions;
    const names = new Set(sessions.map(({ name }) => name));
    for (const name of this.#told.keys()) if (!names.has(name)) this.#told.delete(name);
    if (this.#stopped !== null) return;
    this.#post({ type: 'sessions', sessions });
    this.#warnOfPriority();
  }

  async reports(): Promise<ReadonlyMap<string, BfdReport>> {
    if (this.#thread === null || this.#stopped !== null) return this.#reports;
    try {
      this.#reports = await this.#requests.open((request) => { this.#post({ type: 'report', request }); });
    } catch (error) {
      // It has died meanwhile, or hangs: both are logged where they are found out. What it last said is known.
      if (!(error instanceof RequestError)) throw error;
    }
    return this.#reports;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #start(): Promise<void> {
    if (this.#stopped !== null) return;
    this.#beating = setInterval(() => { this.#beat(); }, BEAT_EVERY_MS);
    try {
      this.#startThread();
      await this.#ready.promise;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#restart);
    this.#requests.abandon('it is stopping');
    this.#ready.resolve();
    this.#lifeSigns.beat();
    await this.#thread?.stop();
    clearInterval(this.#beating);
  }

  #startThread(): void {
    this.#threadStartedMs = performance.now();
    this.#beatsWithoutTurn = 0;
    this.#lifeSigns.beat();
    this.#thread = startThreadLife<ToBfdThread, FromBfdThread>({
      entry: ENTRY,
      name: 'bfd',
      workerData: (wakeDescriptor): BfdThreadStart => ({ lifeSigns: this.#lifeSigns.shared, wakeDescriptor }),
      receive: (message) => { this.#receive(message); },
      ended: (fault) => { this.#threadEnded(fault); },
    });
    this.#post({ type: 'sessions', sessions: this.#sessions });
  }

  #post(message: ToBfdThread): void {
    this.#thread?.post(message);
    this.#thread?.wake();
  }

  #threadEnded(fault: unknown): void {
    this.#thread = null;
    this.#requests.abandon('it has ended');
    if (this.#stopped !== null) return;
    if (!this.#isReady) {
      this.#ready.reject(fault ?? new Error('the BFD thread has ended before it began'));
      return;
    }
    for (const { name, state, remoteState } of this.#told.values()) {
      if (state !== 'Down' || remoteState !== 'Down') {
        this.#tell({ name, state: 'Down', remoteState: 'Down', why: 'the BFD thread has ended', withoutFault: false });
      }
    }
    this.#planRestart(fault);
  }

  #planRestart(fault: unknown): void {
    const plan = planRestart(this.#endsInRow, performance.now() - this.#threadStartedMs);
    this.#endsInRow = plan.endsInRow;
    this.#dependencies.logger.error('the BFD thread has ended and is started again: all BFD sessions begin anew', { error: fault, delayMs: plan.delayMs });
    this.#restart = setTimeout(() => {
      try {
        this.#startThread();
      } catch (error) {
        this.#planRestart(error);
      }
    }, plan.delayMs);
  }

  #beat(): void {
    this.#lifeSigns.beat();
    const turns = this.#lifeSigns.turns();
    this.#beatsWithoutTurn = turns === this.#turns ? this.#beatsWithoutTurn + 1 : 0;
    this.#turns = turns;
    if (this.#thread === null || this.#beatsWithoutTurn < BEATS_UNTIL_STUCK) return;
    this.#beatsWithoutTurn = 0;
    this.#dependencies.logger.error('the BFD thread hangs and is ended');
    this.#thread.kill();
  }

  #receive(message: FromBfdThread): void {
    const { logger } = this.#dependencies;
    switch (message.type) {
      case 'ready':
        this.#isReady = true;
        this.#ready.resolve();
        this.#priority = message.priority;
        this.#warnOfPriority();
        return;
      case 'changed':
        this.#tell(message.news);
        return;
      case 'reported':
        this.#requests.settle(message.request, message.reports);
        return;
      case 'socket':
        if (message.fault === null) logger.info('the BFD socket can be used again', { subject: message.subject });
        else logger.warn('the BFD socket cannot be used and is tried again and again', { subject: message.subject, fault: message.fault });
        return;
      case 'silent':
        if (message.silent) logger.warn('this process was stopped or stuck: BFD was silent, so that peers sent their traffic elsewhere');
        else logger.info('this process runs again: BFD speaks');
    }
  }

  /** Once, and only where it matters. */
  #warnOfPriority(): void {
    if (this.#priority !== 'normal' || this.#isWarned || this.#sessions.length === 0) return;
    this.#isWarned = true;
    this.#dependencies.logger.warn(
      'the BFD thread has no priority over other programs: while all processors of this node are busy, sessions with a detection time below 1 s may go down; ' +
      'CAP_SYS_NICE, or RLIMIT_RTPRIO of 1, gives it one',
    );
  }

  #tell(news: BfdNews): void {
    // The thread may tell of what has been dropped since.
    if (this.#stopped !== null || !this.#sessions.some(({ name }) => name === news.name)) return;
    this.#told.set(news.name, news);
    this.#dependencies.events.changed(news);
  }
}
