import { randomBytes } from 'node:crypto';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPendingRequests, RequestError } from '../../core/ipc/pendingRequests.ts';
import { createCurrentSnapshot } from '../../core/ir/currentSnapshot.ts';
import { planRestart, type RestartPolicy } from '../../core/lifecycle/restartBackoff.ts';
import { raiseDescriptorLimit } from '../../core/os/descriptorLimit.ts';
import { chooseProcessUser } from './processUser.ts';
import { ProxyChild, type ProxyChildEnd, type ProxyChildEvents } from './proxyChild.ts';
import { ProxyListeners, refuseAll, type ListenerOutcome } from './proxyListeners.ts';
import { createTaskQueue } from './taskQueue.ts';
import type { ListenerAddress, ProxyStart } from '../../core/ipc/messages.ts';
import type { EndpointView, Explanation, ExplainRequest } from '../../core/ipc/views.ts';
import type { SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { Logger, LogLevel } from '../../core/log/logger.ts';
import type { MetricsDelta } from '../../core/metrics/delta.ts';
import type { Clock } from '../../core/time/clock.ts';

/** How the proxy of this node is to run. */
export interface ProxyProcessOptions extends Pick<ProxyStart, 'workers' | 'accessLogFormat' | 'logFormat'> {
  /** Listeners of the whole run; setListeners adds others. */
  readonly listeners: readonly ListenerAddress[];
  /** 32 octets, see ProxyStart; default: random ones of this controller's life. */
  readonly ticketSecret?: Buffer;
  readonly logLevel: LogLevel;
  /** Stay root when the controller is root. */
  readonly keepUser: boolean;
  /** Program of the process; default: this package's proxy/main. */
  readonly entry?: string;
}

/** What the owner is told. */
export interface ProxyProcessEvents {
  /** Every worker of the present process serves. Told again after each restart. */
  readonly serving: () => void;
  /** Every worker serves this generation. Generations may be left out, and come again after a restart. */
  readonly applied: (generation: number) => void;
  readonly metrics: (delta: MetricsDelta) => void;
  /** The process has ended by itself; a new one starts in `restartInMs` on the same sockets. */
  readonly exited: (end: ProxyChildEnd & { readonly restartInMs: number }) => void;
}

/** What it works with. */
export interface ProxyProcessDependencies {
  readonly events: ProxyProcessEvents;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Default: RESTART_POLICY. */
  readonly restartPolicy?: RestartPolicy;
  /** How many descriptors a process may hold; default: as many as raiseDescriptorLimit reaches. */
  readonly descriptorLimit?: number;
}

/** Ours: longer than the proxy itself waits for a worker. */
const REQUEST_TIMEOUT_MS = 5_000;
/** Ours: beyond its drain time the process gets this long to end before it is killed. */
const DRAIN_GRACE_MS = 5_000;

const TICKET_SECRET_BYTES = 32;
const DRAINED = 'the proxy has been drained';

const DEFAULT_ENTRY = join(import.meta.dirname, '../../proxy', `main${extname(import.meta.filename)}`);

/**
 * The proxy process and whoever replaces it. Owns the listening sockets, which outlive each process: while none accepts,
 * connections wait in their backlog. Keeps the snapshot, so that a new process is caught up at once.
 */
export class ProxyProcess {
  readonly #options: ProxyProcessOptions;
  readonly #dependencies: ProxyProcessDependencies;
  readonly #snapshot = createCurrentSnapshot();
  readonly #explanations = createPendingRequests<Explanation>('the proxy', REQUEST_TIMEOUT_MS);
  readonly #collections = createPendingRequests<readonly EndpointView[]>('the proxy', REQUEST_TIMEOUT_MS);
  readonly #ticketSecret: string;
  /** Changes of the listeners and starts of the process come one after the other. */
  readonly #inTurn = createTaskQueue();
  #listeners: ProxyListeners | null = null;
  #child: ProxyChild | null = null;
  #ended = Promise.withResolvers<void>();
  #restart: NodeJS.Timeout | undefined;
  #startedAtMs = 0;
  #endsInRow = 0;
  #cutConnections = 0;
  #started: Promise<void> | null = null;
  #drained: Promise<{ readonly cutConnections: number }> | null = null;

  constructor(options: ProxyProcessOptions, dependencies: ProxyProcessDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#ticketSecret = (options.ticketSecret ?? randomBytes(TICKET_SECRET_BYTES)).toString('base64');
  }

  /** Addresses with the ports that are bound, those of the options first; empty before `start` and after `drain`. */
  get listeners(): readonly ListenerAddress[] {
    return (this.#listeners?.open ?? []).map(({ protocol, address, port }) => ({ protocol, address, port }));
  }

  /** Process id; null while none runs. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Opens the sockets of the options and starts the process. Rejects with SystemError when an address cannot be had. */
  start(): Promise<void> {
    this.#started ??= this.#startOnce();
    return this.#started;
  }

  /**
   * Makes `wanted` the complete set of listeners beside those of the options (naming these too changes nothing). What is not
   * open yet is opened, from then on connections wait there for the proxy; what is wanted no more is closed once no worker
   * accepts there, and connections accepted before stay; everything else is untouched. Answers what became of each, in order.
   * One that fails leaves the others alone and is tried again by the next call. Never rejects; calls wait for each other.
   */
  setListeners(wanted: readonly ListenerAddress[]): Promise<readonly ListenerOutcome[]> {
    return this.#inTurn(() => this.#drained === null
      ? this.#ownListeners().set(wanted, this.#child)
      : Promise.resolve(refuseAll(wanted, new RequestError('gone', DRAINED))));
  }

  /** Makes `delta` part of the snapshot and sends it; a process that is not there yet gets it when it starts. */
  apply(delta: SnapshotDelta): void {
    this.#snapshot.apply(delta);
    this.#child?.apply(delta);
  }

  /** Rejects with RequestError. */
  explain(request: ExplainRequest): Promise<Explanation> {
    const child = this.#child;
    if (child === null) return refuse();
    return this.#explanations.open((id) => child.send({ type: 'explain', id, request }));
  }

  /**
   * Has all counts since the last time reported to `events.metrics`, then answers the endpoints, or none: tens of thousands are
   * not to be asked for in passing. Rejects with RequestError.
   */
  collect(withEndpoints: boolean): Promise<readonly EndpointView[]> {
    const child = this.#child;
    if (child === null) return refuse();
    return this.#collections.open((id) => child.send({ type: 'collect', id, endpoints: withEndpoints }));
  }

  /** Stops accepting, lets open requests finish for `timeoutMs`, then ends the process for good. May be called again. */
  drain(timeoutMs: number): Promise<{ readonly cutConnections: number }> {
    this.#drained ??= this.#drainOnce(timeoutMs);
    return this.#drained;
  }

  #startOnce(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    void this.#inTurn(async () => {
      if (this.#drained !== null) return reject(new RequestError('gone', DRAINED));
      try {
        await this.#ownListeners().openFixed(this.#options.listeners);
      } catch (error) {
        return reject(error);
      }
      // The caller need not wait for the process; the next in turn does, until it has its listeners.
      resolve();
      await this.#spawn();
    });
    return promise;
  }

  #ownListeners(): ProxyListeners {
    this.#listeners ??= new ProxyListeners({
      workers: this.#options.workers,
      descriptorLimit: this.#dependencies.descriptorLimit ?? raiseDescriptorLimit(),
    });
    return this.#listeners;
  }

  async #drainOnce(timeoutMs: number): Promise<{ readonly cutConnections: number }> {
    clearTimeout(this.#restart);
    this.#child?.abandonListeners('it is being drained');
    // A start under way ends first; one that failed has told its caller and left nothing to drain.
    const child = await this.#inTurn(() => this.#stopListening(timeoutMs));
    if (child === null) return { cutConnections: 0 };
    const overdue = sleep(timeoutMs + DRAIN_GRACE_MS, undefined, { ref: false }).then(() => child.kill());
    await Promise.race([this.#ended.promise, overdue]);
    await this.#ended.promise;
    return { cutConnections: this.#cutConnections };
  }

  async #stopListening(timeoutMs: number): Promise<ProxyChild | null> {
    this.#child?.send({ type: 'drain', timeoutMs });
    // The kernel must stop queueing connections that nobody will accept: the last holder to close frees the port.
    this.#listeners?.closeAll();
    return this.#child;
  }

  /** Starts a process and hands it the listeners. Never rejects: what prevents it ends the process, and the end is told. */
  async #spawn(): Promise<void> {
    if (this.#drained !== null) return;
    const listeners = this.#ownListeners();
    const child = this.#createChild(listeners.open.length);
    this.#child = child;
    this.#ended = Promise.withResolvers<void>();
    this.#startedAtMs = this.#dependencies.clock.now();
    child.spawn();
    if (this.#snapshot.generation() > 0) child.apply(this.#snapshot.full());
    await listeners.handOver(child).catch((error: unknown) => {
      // One that has ended says so itself; a drain closes what was to be handed over.
      if (error instanceof RequestError) return;
      this.#dependencies.logger.error('the proxy process could not be given its listeners; it is replaced', { error });
      child.kill();
    });
  }

  #createChild(listeners: number): ProxyChild {
    const { entry = DEFAULT_ENTRY, keepUser, workers, accessLogFormat, logLevel, logFormat } = this.#options;
    const user = chooseProcessUser(keepUser, [process.execPath, entry]);
    if (user.type === 'same' && user.warning !== null) this.#dependencies.logger.warn(user.warning);
    const start = { workers, listeners, accessLogFormat, logLevel, logFormat, ticketSecret: this.#ticketSecret };
    const child: ProxyChild = new ProxyChild({ entry, user, start }, {
      received: (message) => this.#receive(message),
      broken: () => this.#broken(child),
      ended: (end) => this.#childEnded(end),
    });
    return child;
  }

  #receive(message: Parameters<ProxyChildEvents['received']>[0]): void {
    const { events } = this.#dependencies;
    switch (message.type) {
      case 'serving': return events.serving();
      case 'applied': return events.applied(message.generation);
      case 'metrics': return events.metrics(message.delta);
      case 'explained': return this.#explanations.settle(message.id, message.explanation);
      case 'collected': return this.#collections.settle(message.id, message.endpoints);
      case 'drained':
        this.#cutConnections = message.cutConnections;
        return;
    }
  }

  #broken(child: ProxyChild): void {
    this.#dependencies.logger.error('the proxy process sent what is no message of this protocol; it is replaced');
    child.kill();
  }

  #childEnded(end: ProxyChildEnd): void {
    this.#child = null;
    this.#explanations.abandon('it has ended');
    this.#collections.abandon('it has ended');
    this.#ended.resolve();
    if (this.#drained !== null) return;
    const { clock, logger, events, restartPolicy } = this.#dependencies;
    const plan = planRestart(this.#endsInRow, clock.now() - this.#startedAtMs, restartPolicy);
    this.#endsInRow = plan.endsInRow;
    const restart = { restartInMs: plan.delayMs, endsInRow: plan.endsInRow };
    const { error, ...status } = end;
    logger.error('the proxy process has ended and is replaced', { ...status, ...restart, ...(error === null ? {} : { error }) });
    this.#restart = setTimeout(() => void this.#inTurn(() => this.#spawn()), plan.delayMs);
    events.exited({ ...end, restartInMs: plan.delayMs });
  }
}

function refuse(): Promise<never> {
  return Promise.reject(new RequestError('gone', 'the proxy is being restarted: try again'));
}
