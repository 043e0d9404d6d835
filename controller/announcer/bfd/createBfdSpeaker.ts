import { extname } from 'node:path';
import type { Logger } from '../../../core/log/logger.ts';
import { createWatchedThread, type WatchedThread } from '../thread/watchedThread.ts';
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
  readonly #thread: WatchedThread<ToBfdThread, ReadonlyMap<string, BfdReport>>;
  #sessions: readonly BfdEndpoint[] = [];
  #reports: ReadonlyMap<string, BfdReport> = new Map();
  /** Name → what was told last. */
  readonly #told = new Map<string, BfdNews>();
  #priority: ThreadPriority | null = null;
  #isWarned = false;

  constructor(dependencies: BfdSpeakerDependencies) {
    this.#dependencies = dependencies;
    const lifeSigns = this.#lifeSigns;
    this.#thread = createWatchedThread<ToBfdThread, FromBfdThread, ReadonlyMap<string, BfdReport>>({
      subject: 'the BFD thread',
      consequence: 'all BFD sessions begin anew',
      name: 'bfd',
      entry: ENTRY,
      workerData: (wakeDescriptor): BfdThreadStart => ({ lifeSigns: lifeSigns.shared, wakeDescriptor }),
      beatEveryMs: BEAT_EVERY_MS,
      beat: () => { lifeSigns.beat(); },
      turns: () => lifeSigns.turns(),
      began: () => { this.#begin(); },
      receive: (message) => { this.#receive(message); },
      ended: () => { this.#tellOfEnd(); },
      // It speaks until it has taken leave of its peers.
      stopping: () => { lifeSigns.beat(); },
      logger: dependencies.logger,
    });
  }

  start(): Promise<void> {
    return this.#thread.start();
  }

  setSessions(sessions: readonly BfdEndpoint[]): void {
    // What is no address is a mistake of who calls, and must not end the thread.
    for (const { localAddress, remoteAddress } of sessions) for (const address of [localAddress, remoteAddress]) addressKey(address);
    this.#sessions = sessions;
    const names = new Set(sessions.map(({ name }) => name));
    for (const name of this.#told.keys()) if (!names.has(name)) this.#told.delete(name);
    if (this.#thread.isStopped()) return;
    this.#postSessions();
    this.#warnOfPriority();
  }

  async reports(): Promise<ReadonlyMap<string, BfdReport>> {
    this.#reports = await this.#thread.ask((request) => ({ type: 'report', request })) ?? this.#reports;
    return this.#reports;
  }

  stop(): Promise<void> {
    return this.#thread.stop();
  }

  #begin(): void {
    this.#lifeSigns.beat();
    this.#postSessions();
  }

  #postSessions(): void {
    this.#thread.post({ type: 'sessions', sessions: this.#sessions });
    this.#thread.wake();
  }

  #tellOfEnd(): void {
    for (const { name, state, remoteState } of this.#told.values()) {
      if (state !== 'Down' || remoteState !== 'Down') {
        this.#tell({ name, state: 'Down', remoteState: 'Down', why: 'the BFD thread has ended', withoutFault: false });
      }
    }
  }

  #receive(message: FromBfdThread): void {
    const { logger } = this.#dependencies;
    switch (message.type) {
      case 'ready':
        this.#priority = message.priority;
        this.#warnOfPriority();
        return;
      case 'changed':
        this.#tell(message.news);
        return;
      case 'reported':
        this.#thread.settle(message.request, message.reports);
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
    if (this.#thread.isStopped() || !this.#sessions.some(({ name }) => name === news.name)) return;
    this.#told.set(news.name, news);
    this.#dependencies.events.changed(news);
  }
}
