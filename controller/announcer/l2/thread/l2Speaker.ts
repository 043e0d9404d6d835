import { extname } from 'node:path';
import { createPendingRequests, RequestError } from '../../../../core/ipc/pendingRequests.ts';
import { planRestart } from '../../../../core/lifecycle/restartBackoff.ts';
import type { Logger } from '../../../../core/log/logger.ts';
import type { Right } from '../../../election/electionState.ts';
import type { L2Answer, L2Speaker, L2SpeakerEvents, Link } from '../../parts.ts';
import type { FrameCounts } from '../../report.ts';
import { startThreadLife, type ThreadLife } from '../../threadLife.ts';
import { createConfirmation, monotonicNs } from './confirmation.ts';
import { createFrameTotals } from './frameTotals.ts';
import { createPulse, startBeating } from './pulse.ts';
import type { FromL2Thread, L2ThreadStart, ToL2Thread } from './threadMessages.ts';

export interface L2SpeakerDependencies {
  readonly events: L2SpeakerEvents;
  readonly logger: Logger;
  /** Between two repetitions of gratuitous frames after the burst of a take-over; 0: none. */
  readonly gratuitousIntervalMs: number;
}

const ENTRY = new URL(`l2Thread${extname(import.meta.filename)}`, import.meta.url);

/** Ours: counting takes microseconds. */
const COUNT_TIMEOUT_MS = 1_000;

/** Ours: the thread takes a turn every 200 ms at least; this many beats without one (5 s), and it hangs. */
const BEATS_UNTIL_STUCK = 100;

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
  readonly #counts = createPendingRequests<ReadonlyMap<string, FrameCounts>>('the L2 thread', COUNT_TIMEOUT_MS);
  readonly #totals = createFrameTotals();
  #answers: readonly L2Answer[] = [];
  #rights: ReadonlyMap<string, Right> = new Map();
  #links: readonly Link[] = [];
  #generation = 0;
  #thread: ThreadLife<ToL2Thread> | null = null;
  #threadStartedMs = 0;
  #endsInRow = 0;
  #restart: NodeJS.Timeout | undefined;
  #stopBeating = (): void => {};
  #turns = 0n;
  #beatsWithoutTurn = 0;
  #started: Promise<void> | null = null;
  #stopped: Promise<void> | null = null;
  readonly #ready = Promise.withResolvers<void>();
  #isReady = false;

  constructor(dependencies: L2SpeakerDependencies) {
    this.#dependencies = dependencies;
  }

  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  setAnswers(answers: readonly L2Answer[]): void {
    this.#answers = answers;
    if (this.#stopped !== null || this.#thread === null) return;
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
    const thread = this.#thread;
    if (thread === null || this.#stopped !== null) return this.#totals.read();
    try {
      this.#totals.update(await this.#counts.open((request) => {
        thread.post({ type: 'count', request });
        thread.wake();
      }));
    } catch (error) {
      // It has died meanwhile, or hangs: both are logged where they are found out. What it last said is known.
      if (!(error instanceof RequestError)) throw error;
    }
    return this.#totals.read();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #start(): Promise<void> {
    if (this.#stopped !== null) return;
    this.#stopBeating = startBeating(() => {
      this.#beat();
      this.#watchTurns();
    });
    try {
      this.#startThread();
      await this.#ready.promise;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async #stop(): Promise<void> {
    this.#confirmation.revoke();
    this.#voidGeneration();
    this.#stopBeating();
    clearTimeout(this.#restart);
    this.#counts.abandon('it is stopping');
    this.#ready.resolve();
    await this.#thread?.stop();
  }

  #startThread(): void {
    const { gratuitousIntervalMs } = this.#dependencies;
    this.#threadStartedMs = performance.now();
    this.#beatsWithoutTurn = 0;
    this.#thread = startThreadLife<ToL2Thread, FromL2Thread>({
      entry: ENTRY,
      name: 'l2',
      workerData: (wakeDescriptor): L2ThreadStart => ({ confirmation: this.#confirmation.shared, gratuitousIntervalMs, wakeDescriptor }),
      receive: (message) => this.#receive(message),
      ended: (fault) => this.#threadEnded(fault),
    });
    this.#postLinks([]);
    this.#postRights();
    this.#beat();
    if (!this.#pulse.isSilent()) this.#postAnswers(true);
  }

  #threadEnded(fault: unknown): void {
    this.#thread = null;
    this.#counts.abandon('it has ended');
    this.#totals.keep();
    if (this.#stopped !== null) return;
    if (this.#isReady) this.#planRestart(fault);
    else this.#ready.reject(fault ?? new Error('the L2 thread has ended before it began'));
  }

  #planRestart(fault: unknown): void {
    const plan = planRestart(this.#endsInRow, performance.now() - this.#threadStartedMs);
    this.#endsInRow = plan.endsInRow;
    this.#dependencies.logger.error('the L2 thread has ended and is started again: until then no VIP is answered for here', {
      error: fault, delayMs: plan.delayMs,
    });
    this.#restart = setTimeout(() => {
      try {
        this.#startThread();
      } catch (error) {
        this.#planRestart(error);
      }
    }, plan.delayMs);
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
    this.#thread?.post({ type: 'answers', generation: this.#generation, answers: this.#answers, afresh });
    this.#confirmation.setGeneration(this.#generation);
    this.#thread?.wake();
  }

  #postRights(): void {
    this.#thread?.post({ type: 'rights', rights: this.#rights });
    this.#thread?.wake();
  }

  #postLinks(up: readonly number[]): void {
    const macs = this.#links.map(({ mac }) => mac).filter((mac) => mac !== '');
    this.#thread?.post({ type: 'links', macs, up });
    this.#thread?.wake();
  }

  /** Counted in beats, not in time: while the process is stopped, there are none. */
  #watchTurns(): void {
    const turns = this.#confirmation.turns();
    this.#beatsWithoutTurn = turns === this.#turns ? this.#beatsWithoutTurn + 1 : 0;
    this.#turns = turns;
    if (this.#thread === null || this.#beatsWithoutTurn < BEATS_UNTIL_STUCK) return;
    this.#beatsWithoutTurn = 0;
    this.#dependencies.logger.error('the L2 thread hangs and is ended');
    this.#thread.kill();
  }

  #receive(message: FromL2Thread): void {
    const { events, logger } = this.#dependencies;
    switch (message.type) {
      case 'ready':
        this.#isReady = true;
        this.#ready.resolve();
        return;
      case 'counted':
        this.#counts.settle(message.request, message.counts);
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
