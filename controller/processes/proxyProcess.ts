import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPendingRequests, RequestError } from '../../core/ipc/pendingRequests.ts';
import { createCurrentSnapshot } from '../../core/ir/currentSnapshot.ts';
import { planRestart, type RestartPolicy } from '../../core/lifecycle/restartBackoff.ts';
import { chooseProcessUser } from './processUser.ts';
import { closeListeners, openListeners, type ListenerAddress } from './listenerSockets.ts';
import { ProxyChild, type ProxyChildEnd } from './proxyChild.ts';
import type { FromProxy, ListenerSpec, ProxyStart } from '../../core/ipc/messages.ts';
import type { EndpointView, Explanation, ExplainRequest } from '../../core/ipc/views.ts';
import type { SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { Logger, LogLevel } from '../../core/log/logger.ts';
import type { MetricsDelta } from '../../core/metrics/delta.ts';
import type { Clock } from '../../core/time/clock.ts';

/** How the proxy of this node is to run. */
export interface ProxyProcessOptions extends Pick<ProxyStart, 'workers' | 'accessLogFormat' | 'logFormat'> {
  readonly listeners: readonly ListenerAddress[];
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
}

/** Ours: longer than the proxy itself waits for a worker. */
const REQUEST_TIMEOUT_MS = 5_000;
/** Ours: beyond its drain time the process gets this long to end before it is killed. */
const DRAIN_GRACE_MS = 5_000;

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
  #listeners: readonly ListenerSpec[] = [];
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
  }

  /** Addresses with the ports that are bound; empty before `start` and after `drain`. */
  get listeners(): readonly ListenerAddress[] {
    return this.#listeners.map(({ protocol, address, port }) => ({ protocol, address, port }));
  }

  /** Process id; null while none runs. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Opens the sockets and starts the process. Rejects with SystemError when an address cannot be had. */
  start(): Promise<void> {
    this.#started ??= this.#startOnce();
    return this.#started;
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

  /** Has all counts since the last time reported to `events.metrics`, then answers the endpoints. Rejects with RequestError. */
  collect(): Promise<readonly EndpointView[]> {
    const child = this.#child;
    if (child === null) return refuse();
    return this.#collections.open((id) => child.send({ type: 'collect', id }));
  }

  /** Stops accepting, lets open requests finish for `timeoutMs`, then ends the process for good. May be called again. */
  drain(timeoutMs: number): Promise<{ readonly cutConnections: number }> {
    this.#drained ??= this.#drainOnce(timeoutMs);
    return this.#drained;
  }

  async #startOnce(): Promise<void> {
    const { listeners, workers } = this.#options;
    this.#listeners = await openListeners(listeners, workers);
    this.#spawn();
  }

  async #drainOnce(timeoutMs: number): Promise<{ readonly cutConnections: number }> {
    // A start under way ends first; one that failed has told its caller and left nothing to drain.
    await this.#started?.catch(() => {});
    clearTimeout(this.#restart);
    const child = this.#child;
    child?.send({ type: 'drain', timeoutMs });
    // The kernel must stop queueing connections that nobody will accept: the last holder to close frees the port.
    closeListeners(this.#listeners);
    this.#listeners = [];
    if (child === null) return { cutConnections: 0 };
    const overdue = sleep(timeoutMs + DRAIN_GRACE_MS, undefined, { ref: false }).then(() => child.kill());
    await Promise.race([this.#ended.promise, overdue]);
    await this.#ended.promise;
    return { cutConnections: this.#cutConnections };
  }

  #spawn(): void {
    const { entry = DEFAULT_ENTRY, keepUser, workers, accessLogFormat, logLevel, logFormat } = this.#options;
    const user = chooseProcessUser(keepUser, [process.execPath, entry]);
    if (user.type === 'same' && user.warning !== null) this.#dependencies.logger.warn(user.warning);
    const start = { workers, accessLogFormat, logLevel, logFormat };
    const child = new ProxyChild({ entry, user, start, listeners: this.#listeners }, {
      received: (message) => this.#receive(message),
      broken: () => this.#broken(child),
      ended: (end) => this.#childEnded(end),
    });
    this.#child = child;
    this.#ended = Promise.withResolvers<void>();
    this.#startedAtMs = this.#dependencies.clock.now();
    child.spawn();
    if (this.#snapshot.generation() > 0) child.apply(this.#snapshot.full());
  }

  #receive(message: FromProxy): void {
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
    this.#restart = setTimeout(() => this.#spawn(), plan.delayMs);
    events.exited({ ...end, restartInMs: plan.delayMs });
  }
}

function refuse(): Promise<never> {
  return Promise.reject(new RequestError('gone', 'the proxy is being restarted: try again'));
}
