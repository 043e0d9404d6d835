import { createPendingRequests, RequestError, type PendingRequests } from '../../../core/ipc/pendingRequests.ts';
import { planRestart } from '../../../core/lifecycle/restartBackoff.ts';
import type { Logger } from '../../../core/log/logger.ts';
import { startThreadLife, type ThreadLife } from './threadLife.ts';

/** What a thread is, and what its owner wants to hear of it. All are called in the main thread. */
export interface WatchedThreadOptions<FromThread> {
  /** In messages: `the BFD thread`. */
  readonly subject: string;
  /** In the log, when it has ended: what that means for users. */
  readonly consequence: string;
  /** The thread's own name, short. */
  readonly name: string;
  readonly entry: URL;
  readonly workerData: (wakeDescriptor: number) => object;
  readonly beatEveryMs: number;
  /** Called that often from the start until it is stopped. */
  readonly beat: () => void;
  /** Rises with every turn of the thread, of which it takes one every 200 ms at least. */
  readonly turns: () => bigint;
  /** There is a new one, which knows nothing yet. */
  readonly began: () => void;
  readonly receive: (message: FromThread) => void;
  /** It is gone, told to or not. */
  readonly ended: () => void;
  /** It is about to be told to end; nothing is called after this but `receive` and `ended`. */
  readonly stopping: () => void;
  readonly logger: Logger;
}

/** A thread that is started again when it dies or hangs, and asked what only it knows. */
export interface WatchedThread<ToThread, Answer> {
  /** Resolves once the thread has said `ready`; rejects, and stops, when it ends before. Idempotent. */
  start(): Promise<void>;
  /** Resolves when it is gone. Idempotent. */
  stop(): Promise<void>;
  isStopped(): boolean;
  /** There is one, which may hang. */
  isRunning(): boolean;
  /** Puts a message where the thread finds it once it is woken; without a thread it is lost, and `began` comes with the next. */
  post(message: ToThread): void;
  wake(): void;
  /** Posts what `question` makes of a fresh id, and waits for its `settle`; null when there is no answer: it has died, hangs, or is stopped. */
  ask(question: (request: number) => ToThread): Promise<Answer | null>;
  settle(request: number, answer: Answer): void;
}

/** Ours: an answer takes microseconds. */
const ANSWER_TIMEOUT_MS = 1_000;

/** Ours: beats for this long without a turn, and the thread hangs. Counted in beats: while the process is stopped, there are none. */
const STUCK_AFTER_MS = 5_000;

export function createWatchedThread<ToThread, FromThread extends { readonly type: string }, Answer>(
  options: WatchedThreadOptions<FromThread>,
): WatchedThread<ToThread, Answer> {
  return new Watch<ToThread, FromThread, Answer>(options);
}

class Watch<ToThread, FromThread extends { readonly type: string }, Answer> implements WatchedThread<ToThread, Answer> {
  readonly #options: WatchedThreadOptions<FromThread>;
  readonly #answers: PendingRequests<Answer>;
  readonly #ready = Promise.withResolvers<void>();
  #isReady = false;
  #life: ThreadLife<ToThread> | null = null;
  #beganMs = 0;
  #endsInRow = 0;
  #restart: NodeJS.Timeout | undefined;
  #beating: NodeJS.Timeout | undefined;
  #turns = 0n;
  #beatsWithoutTurn = 0;
  #started: Promise<void> | null = null;
  #stopped: Promise<void> | null = null;

  constructor(options: WatchedThreadOptions<FromThread>) {
    this.#options = options;
    this.#answers = createPendingRequests(options.subject, ANSWER_TIMEOUT_MS);
  }

  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  isStopped(): boolean {
    return this.#stopped !== null;
  }

  isRunning(): boolean {
    return this.#life !== null;
  }

  post(message: ToThread): void {
    this.#life?.post(message);
  }

  wake(): void {
    this.#life?.wake();
  }

  async ask(question: (request: number) => ToThread): Promise<Answer | null> {
    if (this.#life === null || this.#stopped !== null) return null;
    try {
      return await this.#answers.open((request) => {
        this.post(question(request));
        this.wake();
      });
    } catch (error) {
      // It has died meanwhile, or hangs: both are logged where they are found out.
      if (!(error instanceof RequestError)) throw error;
      return null;
    }
  }

  settle(request: number, answer: Answer): void {
    this.#answers.settle(request, answer);
  }

  async #start(): Promise<void> {
    if (this.#stopped !== null) return;
    const { beat, beatEveryMs } = this.#options;
    this.#beating = setInterval(() => {
      beat();
      this.#watchTurns();
    }, beatEveryMs);
    try {
      this.#begin();
      await this.#ready.promise;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async #stop(): Promise<void> {
    this.#options.stopping();
    clearInterval(this.#beating);
    clearTimeout(this.#restart);
    this.#answers.abandon('it is stopping');
    this.#ready.resolve();
    await this.#life?.stop();
  }

  #begin(): void {
    const { entry, name, workerData, began } = this.#options;
    this.#beganMs = performance.now();
    this.#beatsWithoutTurn = 0;
    this.#life = startThreadLife<ToThread, FromThread>({
      entry, name, workerData,
      receive: (message) => { this.#receive(message); },
      ended: (fault) => { this.#ended(fault); },
    });
    began();
  }

  #receive(message: FromThread): void {
    if (message.type === 'ready') {
      this.#isReady = true;
      this.#ready.resolve();
    }
    this.#options.receive(message);
  }

  #ended(fault: unknown): void {
    const { subject, ended } = this.#options;
    this.#life = null;
    this.#answers.abandon('it has ended');
    ended();
    if (this.#stopped !== null) return;
    if (this.#isReady) this.#planRestart(fault);
    else this.#ready.reject(fault ?? new Error(`${subject} has ended before it began`));
  }

  #planRestart(fault: unknown): void {
    const { subject, consequence, logger } = this.#options;
    const { delayMs, endsInRow } = planRestart(this.#endsInRow, performance.now() - this.#beganMs);
    this.#endsInRow = endsInRow;
    logger.error(`${subject} has ended and is started again: ${consequence}`, { error: fault, delayMs });
    this.#restart = setTimeout(() => {
      try {
        this.#begin();
      } catch (error) {
        this.#planRestart(error);
      }
    }, delayMs);
  }

  #watchTurns(): void {
    const { subject, beatEveryMs, turns, logger } = this.#options;
    const now = turns();
    this.#beatsWithoutTurn = now === this.#turns ? this.#beatsWithoutTurn + 1 : 0;
    this.#turns = now;
    if (this.#life === null || this.#beatsWithoutTurn * beatEveryMs < STUCK_AFTER_MS) return;
    this.#beatsWithoutTurn = 0;
    logger.error(`${subject} hangs and is ended`);
    this.#life.kill();
  }
}
