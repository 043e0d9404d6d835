import { resourcePath, RESOURCES } from '../cluster/resources.ts';
import type { ServiceVIPStatus } from '../model/service.ts';
import type { ObjectIndex } from '../model/store.ts';
import { createLeaderRequests, failureOf } from './leaderRequests.ts';
import { createRequestQueue, type RequestQueue, type WorkOutcome } from './requestQueue.ts';
import { planRetry } from './retryPolicy.ts';
import type { TokenRate } from '../../core/time/tokenBucket.ts';
import type { WriteOutcome } from './writeCounts.ts';
import type { WriterDependencies } from './writerDependencies.ts';

/** There is no hurry: a node takes its objects with it once (ours). */
const RATE: TokenRate = { burst: 20, refillMs: 50 };
const MAX_IN_FLIGHT = 2;

/** Says of a node's name whether that Node is gone. Without any Node nothing is known about nodes, and none is gone. */
export function lostNodes(objects: ObjectIndex): (node: string) => boolean {
  const nodes = new Set<string>();
  for (const { metadata } of objects.list('Node')) nodes.add(metadata.name);
  return (node) => nodes.size > 0 && !nodes.has(node);
}

/** ServiceVIPStatus objects whose Node is gone. Pure. */
export function lostVipStatuses(objects: ObjectIndex): ReadonlyMap<string, ServiceVIPStatus> {
  const isLost = lostNodes(objects);
  const lost = new Map<string, ServiceVIPStatus>();
  for (const object of objects.list('ServiceVIPStatus')) {
    // Not written yet: nobody knows whose it is.
    if (object.node !== '' && isLost(object.node)) lost.set(object.metadata.uid, object);
  }
  return lost;
}

/** Deletes what nodes that are gone have said of themselves: they cannot do so any more. */
export class LostNodeCleanup {
  readonly #dependencies: WriterDependencies;
  readonly #onWrite: (kind: string, outcome: WriteOutcome) => void;
  readonly #send;
  readonly #queue: RequestQueue;
  /** uid → object. */
  #lost: ReadonlyMap<string, ServiceVIPStatus> = new Map();
  /** uids that are deleted, though the last reading still had them. */
  #deleted: ReadonlySet<string> = new Set();
  #failures = 0;

  constructor(dependencies: WriterDependencies, onWrite: (kind: string, outcome: WriteOutcome) => void) {
    this.#dependencies = dependencies;
    this.#onWrite = onWrite;
    const mayWork = (): boolean => dependencies.leadership.isLeader();
    this.#send = createLeaderRequests(dependencies.api, mayWork);
    const { clock, schedule } = dependencies;
    const work = (uid: string, signal: AbortSignal): Promise<WorkOutcome> => this.#work(uid, signal);
    this.#queue = createRequestQueue({ work, mayWork, maxInFlight: MAX_IN_FLIGHT, rate: RATE, clock, schedule });
  }

  get pending(): number {
    return this.#queue.size;
  }

  /** Deletes what is lost as of now. */
  update(objects: ObjectIndex): void {
    const before = this.#lost;
    this.#lost = lostVipStatuses(objects);
    this.#deleted = new Set([...this.#deleted].filter((uid) => this.#lost.has(uid)));
    for (const uid of before.keys()) if (!this.#lost.has(uid)) this.#queue.delete(uid);
    for (const uid of this.#lost.keys()) if (!this.#deleted.has(uid) && !this.#queue.has(uid)) this.#queue.add(uid);
    this.#queue.wake();
  }

  clear(): void {
    this.#queue.clear();
    this.#lost = new Map();
    this.#deleted = new Set();
  }

  async stop(): Promise<void> {
    this.clear();
    await this.#queue.stop();
  }

  async #work(uid: string, signal: AbortSignal): Promise<WorkOutcome> {
    const object = this.#lost.get(uid);
    if (object === undefined) return null;
    const { namespace, name } = object.metadata;
    const path = resourcePath(RESOURCES.ServiceVIPStatus, { namespace, name });
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } };
    try {
      await this.#send({ method: 'DELETE', path, body, signal });
      this.#onWrite('ServiceVIPStatus', 'written');
    } catch (error) {
      const failure = failureOf(error, signal);
      if (failure === null) return null;
      // Another object has its name now.
      if (failure.code !== 'notFound' && failure.code !== 'conflict') return this.#fail(failure, uid);
    }
    this.#failures = 0;
    this.#deleted = new Set([...this.#deleted, uid]);
    return null;
  }

  #fail(error: Parameters<typeof planRetry>[0], uid: string): WorkOutcome {
    this.#onWrite('ServiceVIPStatus', error.code);
    this.#failures += 1;
    if (this.#failures === 1) {
      const fields = { uid, code: error.code, error: error.message };
      this.#dependencies.logger.warn('cannot delete what a node that is gone has left; it is tried again', fields);
    }
    return planRetry(error, { ofObject: this.#failures, ofServer: this.#failures }, this.#dependencies.random());
  }
}
