import type { ReflectorTarget } from './reflectorTarget.ts';
import { INITIAL_REFLECTOR_STATE, reflectorStep, type ReflectorOutcome, type ReflectorState, type WatchCommand } from './reflectorMachine.ts';
import type { Random } from './retryDelay.ts';
import { versionOf } from './rawObject.ts';
import { openCallScope, type CallScope } from '../../cluster/callScope.ts';
import { KubeError, type KubeApi, type WatchEvent } from '../../cluster/kubeApi.ts';
import { failureOfStatus } from '../../cluster/kubeFailure.ts';
import type { Clock } from '../../../core/time/clock.ts';

/** What takes the objects of a collection; HeldObjects. */
export interface ReflectorSink {
  readonly size: number;
  begin(): void;
  complete(): void;
  clear(): void;
  upsert(value: unknown): boolean;
  remove(value: unknown): boolean;
}

/** What a reflector works with. */
export interface ReflectorOptions {
  readonly api: KubeApi;
  readonly target: ReflectorTarget;
  readonly sink: ReflectorSink;
  /** Told after each outcome, when its objects are taken. */
  readonly onStep: (state: ReflectorState, outcome: ReflectorOutcome) => void;
  /** What an earlier reflector of the collection has found out; default: nothing. */
  readonly known?: Pick<ReflectorState, 'synced' | 'fault'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
}

/** Waits; rejects when the signal aborts. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/** Follows one collection until `signal` aborts, whatever the API server does: it never rejects. */
export async function runReflector(options: ReflectorOptions, signal: AbortSignal): Promise<void> {
  const reflector = new Reflector(options, signal);
  while (!signal.aborted) await reflector.turn();
}

class Reflector {
  readonly #options: ReflectorOptions;
  readonly #signal: AbortSignal;
  #state: ReflectorState;

  constructor(options: ReflectorOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#state = { ...INITIAL_REFLECTOR_STATE, ...options.known };
    options.sink.begin();
  }

  /** Carries out one command. */
  async turn(): Promise<void> {
    try {
      await this.#carryOut();
    } catch (error) {
      if (this.#signal.aborted) return;
      // What is no KubeError is a fault of ours: treated as one of the server, so that it is seen and tried again.
      const failure = error instanceof KubeError ? error : new KubeError('server', String(error), { cause: error });
      this.#step({ type: 'failed', error: failure });
    }
  }

  async #carryOut(): Promise<void> {
    const { command } = this.#state;
    switch (command.type) {
      case 'list':
        return this.#list(command.continueToken);
      case 'watch':
        return this.#watch(command);
      case 'wait':
        await this.#options.sleep(command.waitMs, this.#signal);
        this.#step({ type: 'waited' });
    }
  }

  async #list(continueToken: string): Promise<void> {
    const { api, target, sink } = this.#options;
    const page = await target.read(api, continueToken, this.#signal);
    if (this.#signal.aborted) return;
    for (const item of page.items) {
      if (!sink.upsert(item)) throw new KubeError('server', `LIST ${target.name}: an item has no metadata.name`);
    }
    this.#step({ type: 'page', continueToken: page.continueToken, resourceVersion: page.resourceVersion });
  }

  async #watch(command: WatchCommand): Promise<void> {
    const { api, target } = this.#options;
    const scope = openCallScope(this.#signal);
    try {
      const request = target.watch(command);
      const events = api.watch({ ...request, signal: scope.signal, onOpen: () => this.#opened(command, scope) });
      for await (const event of events) {
        if (scope.signal.aborted) break;
        this.#take(event);
      }
      scope.signal.throwIfAborted();
      this.#step({ type: 'ended' });
    } finally {
      scope.settle();
      scope.end(new KubeError('unreachable', 'the watch is over'));
    }
  }

  #opened(command: WatchCommand, scope: CallScope): void {
    this.#step({ type: 'opened' });
    // Without a version to start from the watch tells what is there, but not what went away between read and watch.
    if (command.resourceVersion !== '' || this.#options.sink.size === 0) return;
    this.#checkAbsence(scope).catch((error: unknown) => scope.end(error));
  }

  async #checkAbsence(scope: CallScope): Promise<void> {
    const { api, target, sink } = this.#options;
    const page = await target.read(api, '', scope.signal);
    // Once the watch has told anything it tells the rest as well.
    if (scope.signal.aborted || page.items.length > 0 || this.#state.watch?.progressed !== false) return;
    sink.clear();
    this.#step({ type: 'opened' });
  }

  #take(event: WatchEvent): void {
    const { sink, target } = this.#options;
    if (event.type === 'ERROR') throw failureOfStatus(event.object);
    if (!takeEvent(event, sink)) throw new KubeError('gone', `WATCH ${target.name}: an event ${event.type} that says nothing we know`);
    this.#step({ type: 'event', resourceVersion: versionOf(event.object) });
  }

  #step(outcome: ReflectorOutcome): void {
    const { sink, clock, random, onStep } = this.#options;
    const { state, effect } = reflectorStep(this.#state, outcome, { nowMs: clock.now(), random });
    this.#state = state;
    switch (effect) {
      case 'none':
        break;
      case 'begin':
        sink.begin();
        break;
      case 'complete':
        sink.complete();
        break;
      case 'clear':
        sink.clear();
    }
    onStep(state, outcome);
  }
}

/** False for an event that cannot be understood: what is held may be wrong then. */
function takeEvent({ type, object }: WatchEvent, sink: ReflectorSink): boolean {
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      return sink.upsert(object);
    case 'DELETED':
      return sink.remove(object);
    case 'BOOKMARK':
      return true;
    default:
      return false;
  }
}
