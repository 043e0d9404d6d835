import { extname } from 'node:path';
import type { Logger } from '../../../../core/log/logger.ts';
import type { Right } from '../../../election/electionState.ts';
import type { L2Answer, L2Speaker, L2SpeakerEvents, Link } from '../../parts.ts';
import type { FrameCounts } from '../../report.ts';
import { createWatchedThread, type WatchedThread } from '../../thread/watchedThread.ts';
import { CONFIRM_EVERY_MS, createConfirmation, monotonicNs } from './confirmation.ts';
import { createFrameTotals } from './frameTotals.ts';
import { createPulse } from './pulse.ts';
import type { FromL2Thread, L2ThreadStart, ToL2Thread } from './threadMessages.ts';

export interface L2SpeakerDependencies {
  readonly events: L2SpeakerEvents;
  readonly logger: Logger;
  /** Between two repetitions of gratuitous frames after the burst of a take-over; 0: none. */
  readonly gratuitousIntervalMs: number;
}

const ENTRY = new URL(`l2Thread${extname(import.meta.filename)}`, import.meta.url);

/**
 * Speaks ARP and NDP in a thread of its own, so that a busy main thread delays no reply. The thread speaks only while this one
 * confirms that it runs, and only for the answers last set: a stopped or stuck process never speaks for what others may have
 * taken over (see `Pulse`). A thread that dies is started again, and announces everything afresh.
 */
export function createL2Speaker(dependencies: L2SpeakerDependencies): L2Speaker {
  return new ThreadedSpeaker(dependencies);
}

class ThreadedSpeaker implements L2Speaker {
  readonly #dependencies: L2SpeakerDependencies;
  readonly #confirmation = createConfirmation();
  readonly #pulse = createPulse(this.#confirmation, monotonicNs);
  readonly #thread: WatchedThread<ToL2Thread, ReadonlyMap<string, FrameCounts>>;
  readonly #totals = createFrameTotals();
  #answers: readonly L2Answer[] = [];
  #rights: ReadonlyMap<string, Right> = new Map();
  #links: readonly Link[] = [];
  #generation = 0;

  constructor(dependencies: L2SpeakerDependencies) {
    this.#dependencies = dependencies;
    const { gratuitousIntervalMs, logger } = dependencies;
    const confirmation = this.#confirmation;
    this.#thread = createWatchedThread<ToL2Thread, FromL2Thread, ReadonlyMap<string, FrameCounts>>({
      subject: 'the L2 thread',
      consequence: 'until then no VIP is answered for here',
      name: 'l2',
      entry: ENTRY,
      workerData: (wakeDescriptor): L2ThreadStart => ({ confirmation: confirmation.shared, gratuitousIntervalMs, wakeDescriptor }),
      beatEveryMs: CONFIRM_EVERY_MS,
      beat: () => { this.#beat(); },
      turns: () => confirmation.turns(),
      began: () => { this.#begin(); },
      receive: (message) => { this.#receive(message); },
      ended: () => { this.#totals.keep(); },
      stopping: () => { this.#fallSilent(); },
      logger,
    });
  }

  start(): Promise<void> {
    return this.#thread.start();
  }

  setAnswers(answers: readonly L2Answer[]): void {
    this.#answers = answers;
    if (this.#thread.isStopped() || !this.#thread.isRunning()) return;
    // Answers of the moment after a stop are as old as the stop itself: they wait with the rest.
    this.#beat();
    if (!this.#pulse.isSilent()) this.#postAnswers(false);
  }

  setRights(rights: ReadonlyMap<string, Right>): void {
    this.#rights = rights;
    this.#postRights();
  }

  linksChanged(links: readonly Link[]): void {
    // One that is new is announced on as soon as answers name it.
    const wasDown = new Set(this.#links.filter(({ up }) => !up).map(({ index }) => index));
    this.#links = links;
    this.#postLinks(links.filter(({ index, up }) => up && wasDown.has(index)).map(({ index }) => index));
  }

  async counts(): Promise<ReadonlyMap<string, FrameCounts>> {
    const counts = await this.#thread.ask((request) => ({ type: 'count', request }));
    if (counts !== null) this.#totals.update(counts);
    return this.#totals.read();
  }

  stop(): Promise<void> {
    return this.#thread.stop();
  }

  #begin(): void {
    this.#postLinks([]);
    this.#postRights();
    this.#beat();
    if (!this.#pulse.isSilent()) this.#postAnswers(true);
  }

  #fallSilent(): void {
    this.#confirmation.revoke();
    this.#voidGeneration();
  }

  #beat(): void {
    const { events, logger } = this.#dependencies;
    switch (this.#pulse.beat()) {
      case 'steady':
      case 'silent':
        return;
      case 'lapsed':
        this.#voidGeneration();
        logger.warn('this process was stopped or stuck: no VIP is answered for until it has run smoothly for a moment');
        events.lapsed?.();
        return;
      case 'settled':
        logger.info('this process runs smoothly again: VIPs are answered for');
        // Confirmed before the thread wakes: what it then announces must be allowed to leave.
        this.#pulse.beat();
        this.#postAnswers(true);
    }
  }

  /** What the thread has is no longer spoken for; nothing is, until it gets more. */
  #voidGeneration(): void {
    this.#generation += 1;
    this.#confirmation.setGeneration(this.#generation);
  }

  /** The message goes first: the thread, when it finds that its answers are void, finds the new ones. */
  #postAnswers(afresh: boolean): void {
    this.#generation += 1;
    this.#thread.post({ type: 'answers', generation: this.#generation, answers: this.#answers, afresh });
    this.#confirmation.setGeneration(this.#generation);
    this.#thread.wake();
  }

  #postRights(): void {
    this.#thread.post({ type: 'rights', rights: this.#rights });
    this.#thread.wake();
  }

  #postLinks(up: readonly number[]): void {
    const macs = this.#links.map(({ mac }) => mac).filter((mac) => mac !== '');
    this.#thread.post({ type: 'links', macs, up });
    this.#thread.wake();
  }

  #receive(message: FromL2Thread): void {
    const { events, logger } = this.#dependencies;
    switch (message.type) {
      case 'ready':
        return;
      case 'counted':
        this.#thread.settle(message.request, message.counts);
        return;
      case 'conflict':
        events.conflict(message.seen);
        return;
      case 'takenOver':
        events.takenOver(message.address);
        return;
      case 'interface':
        if (message.fault === null) logger.info('the interface can be used again: its VIPs are announced', { interface: message.name });
        else logger.warn('the interface cannot be used and is tried again and again', { interface: message.name, fault: message.fault });
        return;
      case 'unreported':
        logger.info('the interface hears solicitations, but the kernel does not report its groups: switches that snoop MLD may withhold them', {
          interface: message.interface, fault: message.fault,
        });
        return;
      case 'dropped':
        logger.warn('the queue of the interface was full: replies were lost', { interface: message.interface, frames: message.frames });
    }
  }
}
