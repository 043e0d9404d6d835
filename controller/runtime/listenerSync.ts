import type { ListenerAddress } from '../../core/ipc/messages.ts';
import type { Logger } from '../../core/log/logger.ts';
import type { ListenerOutcome } from '../processes/proxyListeners.ts';

/** What it works with. */
export interface ListenerSyncOptions {
  /** Opens and closes listeners until the set is this, beside those of the start. */
  readonly setListeners: (wanted: readonly ListenerAddress[]) => Promise<readonly ListenerOutcome[]>;
  /** Resolves when every worker serves this generation. */
  readonly whenApplied: (generation: number) => Promise<void>;
  /** Told what became of each wanted listener, after every attempt. */
  readonly onOutcomes: (outcomes: readonly ListenerOutcome[]) => void;
  readonly logger: Logger;
  /** Between two attempts at listeners that could not be opened; default RETRY_MS. */
  readonly retryMs?: number;
}

/** Ours: soon enough for a port that another process gives up, seldom enough to cost nothing. */
const RETRY_MS = 2_000;

interface Wanted {
  readonly listeners: readonly ListenerAddress[];
  readonly generation: number;
}

/**
 * Keeps the ports that come and go in step with what is served: a port opens once every worker serves the snapshot that
 * says what it is for, so that nobody is accepted and then turned away. What cannot be opened is tried again.
 */
export class ListenerSync {
  readonly #options: ListenerSyncOptions;
  readonly #settled = Promise.withResolvers<void>();
  #wanted: Wanted = { listeners: [], generation: 0 };
  #due = false;
  #running = false;
  #retry: NodeJS.Timeout | undefined;
  #open: ReadonlySet<string> = new Set();
  #hasSettled = false;
  #stopped = false;

  constructor(options: ListenerSyncOptions) {
    this.#options = options;
  }

  /** True once the first set has been tried. */
  get hasSettled(): boolean {
    return this.#hasSettled;
  }

  /** Resolves when the first set has been tried. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** From generation `generation` on exactly these are wanted. Calls that come while one is carried out are taken as one. */
  want(listeners: readonly ListenerAddress[], generation: number): void {
    if (this.#stopped) return;
    this.#wanted = { listeners, generation };
    if (listeners.length === 0 && this.#open.size === 0 && !this.#running) {
      this.#settle();
      return;
    }
    this.#schedule();
  }

  /** No attempt begins any more; the listeners stay as they are. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
  }

  #schedule(): void {
    clearTimeout(this.#retry);
    this.#due = true;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#due && !this.#stopped) {
      this.#due = false;
      const served = this.#wanted;
      await this.#options.whenApplied(served.generation);
      if (!this.#stopped) await this.#attempt(served);
    }
    // In the same turn as the last look at what is due: a change that comes now finds nobody running.
    this.#running = false;
  }

  /** `served` may have been overtaken meanwhile: what is new since then waits for its own turn, what is gone is not opened. */
  async #attempt(served: Wanted): Promise<void> {
    const known = new Set([...served.listeners.map(keyOf), ...this.#open]);
    try {
      const outcomes = await this.#options.setListeners(this.#wanted.listeners.filter((listener) => known.has(keyOf(listener))));
      this.#open = new Set(outcomes.flatMap(({ type, listener }) => (type === 'open' ? [keyOf(listener)] : [])));
      if (outcomes.some(({ type }) => type === 'failed')) this.#retryLater();
      // Before anybody is told: whether it has settled is part of what they look at then.
      this.#settle();
      this.#options.onOutcomes(outcomes);
    } catch (error) {
      this.#options.logger.error('listeners could not be set; they are tried again', { error });
      this.#retryLater();
      this.#settle();
    }
  }

  #retryLater(): void {
    if (this.#stopped) return;
    this.#retry = setTimeout(() => this.#schedule(), this.#options.retryMs ?? RETRY_MS);
  }

  #settle(): void {
    this.#hasSettled = true;
    this.#settled.resolve();
  }
}

function keyOf({ protocol, address, port }: ListenerAddress): string {
  return `${protocol} ${address} ${port}`;
}
