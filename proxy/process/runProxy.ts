import { constrainedMemory } from 'node:process';
import { totalmem } from 'node:os';
import { createLogger, type Logger } from '../../core/log/logger.ts';
import { RESTART_POLICY, type RestartPolicy } from '../../core/lifecycle/restartBackoff.ts';
import { receiveDescriptors } from '../../core/os/descriptorChannel.ts';
import { raiseDescriptorLimit } from '../../core/os/descriptorLimit.ts';
import { libc } from '../../core/os/libc.ts';
import { systemClock } from '../../core/time/clock.ts';
import { decodeToProxy, type DecodedStart, type DecodedToProxy } from './decodeToProxy.ts';
import { heapLimitMib } from './heapLimit.ts';
import { logStream } from '../observe/logStream.ts';
import { LogWriter } from '../observe/logWriter.ts';
import { printReports, WorkerPool } from './workerPool.ts';
import { DESCRIPTOR_CHANNEL, type FromProxy, type ListenerSpec } from '../../core/ipc/messages.ts';

/** What main.ts hands over; tests hand over other workers. */
export interface RunProxyOptions {
  /** Module of the worker threads. */
  readonly workerEntry: URL;
  /** See WorkerThreadOptions. */
  readonly stuckAfterMs: number;
  /** Old-generation heap of one worker, MiB; default: a share of the memory this process may use. */
  readonly heapMib?: number;
  /** For workers that die; default: RESTART_POLICY. */
  readonly restartPolicy?: RestartPolicy;
}

/** Ours: how long the open requests of a proxy without a controller may take; it holds no listening socket meanwhile. */
const ORPHAN_DRAIN_TIMEOUT_MS = 30_000;
/** Ours: requests live for milliseconds; in a nursery of this size nearly all are dead when it is swept. */
const YOUNG_GENERATION_MIB = 32;
/** Ours: how long the last access log lines may take to reach a slow reader. */
const LOG_END_MS = 1_000;
/** A terminal's ^C and a service manager's SIGTERM reach the whole group; only the controller decides what ends when. */
const IGNORED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Exit codes: sysexits EX_USAGE and EX_SOFTWARE. */
const EXIT_USAGE = 64;
const EXIT_FAULT = 70;

/** The body of the proxy process: does what the controller says over IPC, and drains by itself when the controller is gone. */
export function runProxy(options: RunProxyOptions): void {
  if (process.send === undefined) {
    process.stderr.write('proxy/main is started by the controller (gatehouse run), not by itself\n');
    process.exit(EXIT_USAGE);
  }
  raiseDescriptorLimit();
  for (const signal of IGNORED_SIGNALS) process.on(signal, () => {});
  const proxy = new ProxyProcess(options);
  process.on('message', (message: unknown) => proxy.receive(decodeToProxy(message)));
  process.on('disconnect', () => proxy.orphaned());
  process.on('uncaughtException', (error) => void proxy.fail(error));
}

class ProxyProcess {
  readonly #options: RunProxyOptions;
  #pool: WorkerPool | null = null;
  #logger: Logger | null = null;
  #logWriter: LogWriter | null = null;
  #draining = false;

  constructor(options: RunProxyOptions) {
    this.#options = options;
  }

  receive(message: DecodedToProxy): void {
    switch (message.type) {
      case 'start': return this.#start(message);
      case 'apply': return this.#started().apply(message.delta);
      case 'listen': return this.#listen(message.id, message.listeners);
      case 'unlisten':
        return void this.#started().unlisten(message.listeners).then(() => send({ type: 'unlistened', id: message.id }));
      case 'explain':
        return void this.#started().explain(message.request)
          .then((explanation) => send({ type: 'explained', id: message.id, explanation }));
      case 'collect':
        return void this.#started().collect(message.endpoints)
          .then((reports) => { for (const line of printReports(reports, message.id)) send(line); });
      case 'drain': return void this.#drain(message.timeoutMs);
    }
  }

  /** The controller is gone: nobody would renew certificates or endpoints, and the next controller needs the ports. */
  orphaned(): void {
    this.#logger?.warn('the controller is gone: finishing open requests, then exiting', { timeoutMs: ORPHAN_DRAIN_TIMEOUT_MS });
    void this.#drain(ORPHAN_DRAIN_TIMEOUT_MS);
  }

  /** A fault in the main thread leaves its state in doubt: the controller starts a new process on the same sockets. */
  async fail(error: unknown): Promise<void> {
    const logger = this.#logger ?? createLogger({ level: 'error', format: 'json', name: 'proxy' });
    logger.error('the proxy process has failed', { error });
    await logger.flush();
    libc().exit(EXIT_FAULT);
  }

  #started(): WorkerPool {
    if (this.#pool === null) throw new Error('the first message from the controller must be `start`');
    return this.#pool;
  }

  #start(start: DecodedStart): void {
    if (this.#pool !== null) throw new Error('`start` came twice');
    const { workerEntry, stuckAfterMs, heapMib, restartPolicy = RESTART_POLICY } = this.#options;
    const logger = createLogger({ level: start.logLevel, format: start.logFormat, name: 'proxy' });
    this.#logger = logger;
    const logWriter = new LogWriter(logStream(process.stdout), { onDropped: (lines) => logger.warn('access log lines lost', { lines }) });
    this.#logWriter = logWriter;
    this.#pool = new WorkerPool({
      onLog: (batch, budget) => logWriter.write(batch, budget),
      start,
      send,
      logger,
      clock: systemClock,
      entry: workerEntry,
      stuckAfterMs,
      restartPolicy,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB, maxOldGenerationSizeMb: heapMib ?? heapLimitMib(memoryBytes(), start.workers) },
    });
    this.#pool.start();
  }

  #listen(batch: number, listeners: readonly ListenerSpec[]): void {
    const pool = this.#started();
    const count = pool.workers;
    let descriptors: readonly number[];
    try {
      descriptors = receiveDescriptors(DESCRIPTOR_CHANNEL, batch, listeners.length * count);
    } catch (error) {
      return send({ type: 'listened', id: batch, failure: error instanceof Error ? error.message : String(error) });
    }
    pool.listen(listeners.map((listener, index) => ({ ...listener, descriptors: descriptors.slice(index * count, (index + 1) * count) })));
    pool.start();
    send({ type: 'listened', id: batch, failure: null });
  }

  async #drain(timeoutMs: number): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    const drained = await this.#pool?.drain(timeoutMs) ?? { cutConnections: 0, reports: [] };
    for (const { metrics } of drained.reports) send({ type: 'metrics', delta: metrics });
    await sendLast({ type: 'drained', cutConnections: drained.cutConnections });
    await this.#logWriter?.end(LOG_END_MS);
    await this.#logger?.flush();
    libc().exit(0);
  }
}

function memoryBytes(): number {
  const constrained = constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

/** To the controller; without one there is nobody to tell, and `disconnect` has started the drain. */
function send(message: FromProxy): void {
  if (process.connected) process.send?.(message, () => {});
}

function sendLast(message: FromProxy): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(message, () => resolve());
    else resolve();
  });
}
