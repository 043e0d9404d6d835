import { printRef } from '../../core/ir/objectRef.ts';
import { EVENT, resourcePath } from '../cluster/resources.ts';
import type { KubeError } from '../cluster/kubeApi.ts';
import { EventLog, type EventRecord } from './eventLog.ts';
import { eventCountPatch, eventName, eventNamespace, eventObject } from './eventObject.ts';
import type { EventWish } from './eventWish.ts';
import { createLeaderRequests, failureOf } from './leaderRequests.ts';
import { createRequestQueue, type RequestQueue, type WorkOutcome } from './requestQueue.ts';
import { planRetry } from './retryPolicy.ts';
import type { TokenRate } from '../../core/time/tokenBucket.ts';
import type { WriterDependencies } from './writerDependencies.ts';

/** Events are for people: they must not crowd out statuses (client-go's QPS 20, a larger burst for a change of a pool). */
const RATE: TokenRate = { burst: 200, refillMs: 50 };
const MAX_IN_FLIGHT = 2;
/** Events waiting; what comes beyond is dropped and counted (client-go's maxQueuedEvents). */
const MAX_PENDING = 1000;
/** client-go's maxTriesPerEvent. */
const MAX_TRIES = 12;

/** An Event that is to be written. */
interface Pending {
  readonly record: EventRecord;
  readonly tries: number;
}

/** Who may send, and who is told what became of an Event. */
export interface EventSenderOptions {
  /** Asked right before each request. */
  readonly mayWork: () => boolean;
  readonly onEvent: (reason: string, outcome: 'written' | 'dropped') => void;
}

/** Writes Events: the same one again counts an earlier one up, and no object has more than its share. */
export class EventSender {
  readonly #dependencies: Omit<WriterDependencies, 'leadership'>;
  readonly #onEvent: EventSenderOptions['onEvent'];
  readonly #send;
  readonly #queue: RequestQueue;
  readonly #log = new EventLog();
  readonly #pending = new Map<string, Pending>();
  #sequence = 0;
  #serverFailures = 0;

  constructor(dependencies: Omit<WriterDependencies, 'leadership'>, { mayWork, onEvent }: EventSenderOptions) {
    this.#dependencies = dependencies;
    this.#onEvent = onEvent;
    this.#send = createLeaderRequests(dependencies.api, mayWork);
    const { clock, schedule } = dependencies;
    const work = (key: string, signal: AbortSignal): Promise<WorkOutcome> => this.#work(key, signal);
    this.#queue = createRequestQueue({ work, mayWork, maxInFlight: MAX_IN_FLIGHT, rate: RATE, clock, schedule });
  }

  /** Events waiting to be written or being written. */
  get pending(): number {
    return this.#queue.size;
  }

  /** Has it written, in time. */
  emit(wish: EventWish): void {
    const { clock, wallClock, random } = this.#dependencies;
    const nowMs = wallClock();
    this.#sequence += 1;
    const name = eventName(wish.object, { nowMs, sequence: this.#sequence, random: random() });
    const full = this.#pending.size >= MAX_PENDING;
    const record = full ? null : this.#log.take(wish, { name, nowMs, monotonicMs: clock.now() });
    if (record === null) {
      this.#onEvent(wish.reason, 'dropped');
      return;
    }
    this.#pending.set(record.key, { record, tries: 0 });
    this.#queue.add(record.key);
  }

  /** Goes on with what waits, after `mayWork` has changed. */
  wake(): void {
    this.#queue.wake();
  }

  /** Gives up what waits. */
  clear(): void {
    this.#queue.clear();
    this.#pending.clear();
    this.#serverFailures = 0;
  }

  /** Ends for good. */
  async stop(): Promise<void> {
    this.clear();
    await this.#queue.stop();
  }

  async #work(key: string, signal: AbortSignal): Promise<WorkOutcome> {
    const pending = this.#pending.get(key);
    if (pending === undefined) return null;
    try {
      await this.#write(pending.record, signal);
      this.#end(key, pending, 'written');
      return null;
    } catch (error) {
      const failure = failureOf(error, signal);
      return failure === null ? null : this.#fail(key, pending, failure);
    }
  }

  async #write(record: EventRecord, signal: AbortSignal): Promise<void> {
    const namespace = eventNamespace(record.wish.object);
    const body = eventObject(record, this.#dependencies.nodeName);
    const create = { method: 'POST', path: resourcePath(EVENT, { namespace }), body, signal } as const;
    const path = resourcePath(EVENT, { namespace, name: record.name });
    const count = { method: 'PATCH', patch: 'merge', path, body: eventCountPatch(record), signal } as const;
    try {
      await this.#send(record.count === 1 ? create : count);
    } catch (error) {
      const code = failureOf(error, signal)?.code;
      // It is there: an earlier try was not answered.
      if (record.count === 1 && code === 'conflict') return;
      // Events live for an hour: the earlier one is gone.
      if (record.count === 1 || code !== 'notFound') throw error;
      await this.#send(create);
    }
  }

  #end(key: string, pending: Pending, outcome: 'written' | 'dropped'): void {
    this.#serverFailures = 0;
    this.#onEvent(pending.record.wish.reason, outcome);
    if (this.#pending.get(key) === pending) this.#pending.delete(key);
  }

  #fail(key: string, pending: Pending, error: KubeError): WorkOutcome {
    const tries = pending.tries + 1;
    const lost = error.code === 'forbidden' || error.code === 'invalid' || error.code === 'notFound';
    if (lost || tries >= MAX_TRIES) {
      const { object, reason } = pending.record.wish;
      const fields = { object: printRef(object), reason, error: error.message };
      this.#dependencies.logger.warn('cannot write an Event; it is dropped', fields);
      this.#end(key, pending, 'dropped');
      return null;
    }
    this.#serverFailures += 1;
    if (this.#pending.get(key) === pending) this.#pending.set(key, { ...pending, tries });
    return planRetry(error, { ofObject: tries, ofServer: this.#serverFailures }, this.#dependencies.random());
  }
}
