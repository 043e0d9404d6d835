import { libc } from '../../core/os/libc.ts';
import type { Logger } from '../../core/log/logger.ts';
import type { WorkerEngine } from './workerEngine.ts';
import type { FromWorker, WorkerSocket } from './workerMessages.ts';

/** What WorkerSockets works with. */
export interface WorkerSocketsDependencies {
  readonly engine: Pick<WorkerEngine, 'listen' | 'unlisten'>;
  readonly logger: Logger;
  readonly send: (message: FromWorker) => void;
  /** Default: 1 s. */
  readonly retryMs?: number;
}

/** Ours: what fails here is mostly the limit of descriptors, and connections that end give some back. */
const RETRY_MS = 1_000;

interface Held {
  readonly socket: WorkerSocket;
  /** This worker's duplicate of the process's descriptor; null while there is none. */
  duplicate: number | null;
  retry: NodeJS.Timeout | undefined;
  hasFailed: boolean;
}

/**
 * The sockets one worker accepts on, by the process's descriptors. The engine gets a duplicate of each: closing it, or dying
 * with it, leaves the process's own socket and its backlog alone. One that cannot be had costs the others nothing; it is
 * tried again.
 */
export class WorkerSockets {
  readonly #dependencies: WorkerSocketsDependencies;
  /** The process's descriptor → what this worker has of it. */
  readonly #held = new Map<number, Held>();
  #stopped = false;

  constructor(dependencies: WorkerSocketsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Accepts on `socket`, and sends `listening` or `listenFailed` then. Nothing happens when it does so already. */
  listen(socket: WorkerSocket): void {
    if (this.#stopped || this.#held.has(socket.descriptor)) return;
    const held: Held = { socket, duplicate: null, retry: undefined, hasFailed: false };
    this.#held.set(socket.descriptor, held);
    void this.#try(held);
  }

  /** Accepts there no more, from this call on. */
  unlisten(descriptor: number): void {
    const held = this.#held.get(descriptor);
    if (held === undefined) return;
    this.#held.delete(descriptor);
    clearTimeout(held.retry);
    if (held.duplicate !== null) this.#dependencies.engine.unlisten(held.duplicate);
  }

  /** Tries and accepts nothing more: the engine drains, and closes what it has by itself. */
  stop(): void {
    this.#stopped = true;
    for (const held of this.#held.values()) clearTimeout(held.retry);
    this.#held.clear();
  }

  async #try(held: Held): Promise<void> {
    const { engine, send } = this.#dependencies;
    const { descriptor } = held.socket;
    try {
      const duplicate = libc().duplicate(descriptor);
      held.duplicate = duplicate;
      await engine.listen({ ...held.socket, descriptor: duplicate });
    } catch (error) {
      return this.#failed(held, error);
    }
    if (this.#held.get(descriptor) === held) send({ type: 'listening', descriptor });
  }

  #failed(held: Held, error: unknown): void {
    const { logger, send, retryMs = RETRY_MS } = this.#dependencies;
    const { protocol, address, port, descriptor } = held.socket;
    if (this.#held.get(descriptor) !== held) return;
    held.duplicate = null;
    if (!held.hasFailed) {
      logger.error('a worker cannot accept on a listener and tries again', { protocol, address, port, error });
      held.hasFailed = true;
      send({ type: 'listenFailed', descriptor });
    }
    held.retry = setTimeout(() => void this.#try(held), retryMs).unref();
  }
}
