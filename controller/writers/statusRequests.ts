import { LRUCache } from 'lru-cache';
import { KubeError } from '../cluster/kubeApi.ts';
import { resourcePath } from '../cluster/resources.ts';
import { Contention } from './contention.ts';
import { createLeaderRequests, failureOf } from './leaderRequests.ts';
import { openWrite, type Settled } from './planWrites.ts';
import { createRequestQueue, type RequestQueue, type WorkOutcome } from './requestQueue.ts';
import { planRetry } from './retryPolicy.ts';
import { readStanding, type StandingStatus } from './standingStatus.ts';
import { statusPatch } from './statusPatch.ts';
import { wantedText, type StatusWrite } from './statusWrite.ts';
import { timeText } from './timeText.ts';
import type { TokenRate } from '../../core/time/tokenBucket.ts';
import type { WriteOutcome } from './writeCounts.ts';
import type { WriterDependencies } from './writerDependencies.ts';

/** Objects whose status is being written at the same time (ours). */
const MAX_IN_FLIGHT = 8;
/**
 * 500 at once, then 100 a second: a thousand Services are done about five seconds after a pool has changed. One process of the
 * cluster writes; API servers protect themselves besides (429 with Retry-After). client-go's 20 a second would take a minute.
 */
const RATE: TokenRate = { burst: 500, refillMs: 10 };
/** Refusals remembered, so that each is logged once. */
const MAX_TOLD = 4096;

/** What came of the last attempt. */
interface Failure {
  readonly count: number;
  /** Version that the refused patch was made for: for the same one the object must be read first. Null: that does not matter. */
  readonly version: string | null;
  /** True: a newer object or wish may succeed at once. */
  readonly endsOnChange: boolean;
}

/** Brings statuses into line with the newest plan. */
export class StatusRequests {
  readonly #dependencies: WriterDependencies;
  readonly #onWrite: (kind: string, outcome: WriteOutcome) => void;
  readonly #send;
  readonly #queue: RequestQueue;
  readonly #settled = new Map<string, Settled>();
  readonly #failures = new Map<string, Failure>();
  readonly #told = new LRUCache<string, true>({ max: MAX_TOLD });
  readonly #contention = new Contention();
  /** The newest plan, and what of it is open. */
  #plan: ReadonlyMap<string, StatusWrite> = new Map();
  readonly #open = new Map<string, StatusWrite>();
  #serverFailures = 0;

  constructor(dependencies: WriterDependencies, onWrite: (kind: string, outcome: WriteOutcome) => void) {
    this.#dependencies = dependencies;
    this.#onWrite = onWrite;
    const mayWork = (): boolean => dependencies.leadership.isLeader();
    this.#send = createLeaderRequests(dependencies.api, mayWork);
    const { clock, schedule } = dependencies;
    const work = (key: string, signal: AbortSignal): Promise<WorkOutcome> => this.#work(key, signal);
    this.#queue = createRequestQueue({ work, mayWork, maxInFlight: MAX_IN_FLIGHT, rate: RATE, clock, schedule });
  }

  /** Statuses waiting to be written or being written. */
  get pending(): number {
    return this.#queue.size;
  }

  /** What should be from now on. */
  replace(plan: ReadonlyMap<string, StatusWrite>): void {
    const before = this.#plan;
    this.#plan = plan;
    for (const key of before.keys()) if (!plan.has(key)) this.#forget(key);
    for (const key of plan.keys()) if (this.#review(key)) this.#queue.add(key);
    this.#queue.wake();
  }

  /** Forgets the plan and what was written, and gives up what is under way. */
  clear(): void {
    this.#queue.clear();
    this.#plan = new Map();
    this.#open.clear();
    this.#settled.clear();
    this.#failures.clear();
    this.#contention.clear();
    this.#serverFailures = 0;
  }

  /** Ends for good. */
  async stop(): Promise<void> {
    this.clear();
    await this.#queue.stop();
  }

  #forget(key: string): void {
    this.#queue.delete(key);
    this.#open.delete(key);
    this.#settled.delete(key);
    this.#failures.delete(key);
  }

  /** Looks again whether the object's status is open; true: it is to be written now rather than when it is due, if it is. */
  #review(key: string): boolean {
    const planned = this.#plan.get(key);
    const write = planned === undefined ? null : openWrite(planned, this.#settled.get(key));
    if (write === null) {
      this.#queue.delete(key);
      this.#open.delete(key);
      this.#failures.delete(key);
      return false;
    }
    const before = this.#open.get(key);
    this.#open.set(key, write);
    if (!this.#queue.has(key)) return true;
    return this.#failures.get(key)?.endsOnChange === true && before !== undefined && !sameWrite(before, write);
  }

  async #work(key: string, signal: AbortSignal): Promise<WorkOutcome> {
    const write = this.#open.get(key);
    if (write === undefined) return null;
    const isUndone = this.#isUndone(key, write);
    const waitMs = isUndone ? this.#contention.waitMs(key, this.#dependencies.clock.now()) : 0;
    if (waitMs > 0) return this.#giveWay(key, waitMs);
    try {
      const standing = await this.#bring(key, write, signal);
      if (isUndone) this.#contention.defended(key, this.#dependencies.clock.now());
      if (!signal.aborted) this.#settle(key, write, standing);
      return null;
    } catch (error) {
      const failure = failureOf(error, signal);
      return failure === null ? null : this.#fail(key, write, failure);
    }
  }

  /** True when the very wish stood already: somebody else has written since. */
  #isUndone(key: string, { uid, wanted }: StatusWrite): boolean {
    const settled = this.#settled.get(key);
    return settled?.uid === uid && settled.wanted === wantedText(wanted);
  }

  /** Another wish need not wait. */
  #giveWay(key: string, waitMs: number): WorkOutcome {
    this.#failures.set(key, { count: 0, version: null, endsOnChange: true });
    const told = `${key} contested`;
    if (!this.#told.has(told)) {
      this.#told.set(told, true);
      const message = 'another controller keeps changing the status of an object that is ours; it is written once a minute from now on';
      this.#dependencies.logger.warn(message, { object: key });
    }
    return { againInMs: waitMs, pauseAll: false };
  }

  /** Makes the status as wanted; what it is then, or null when the object is another one now. */
  async #bring(key: string, write: StatusWrite, signal: AbortSignal): Promise<StandingStatus | null> {
    const failed = this.#failures.get(key);
    const { namespace, name, kind } = write.ref;
    const mustRead = write.standing === null || (failed !== undefined && failed.version === write.standing.resourceVersion);
    const standing = mustRead
      ? readStanding(await this.#send({ method: 'GET', path: resourcePath(write.resource, { namespace, name }), signal }))
      : write.standing;
    if (standing.uid !== write.uid) return null;
    const operations = statusPatch(write.wanted, standing, timeText(this.#dependencies.wallClock()));
    if (operations.length === 0) return standing;
    const path = resourcePath(write.resource, { namespace, name, subresource: 'status' });
    const answer = await this.#send({ method: 'PATCH', patch: 'json', path, body: operations, signal });
    this.#onWrite(kind, 'written');
    return readStanding(answer);
  }

  #settle(key: string, write: StatusWrite, standing: StandingStatus | null): void {
    this.#serverFailures = 0;
    this.#failures.delete(key);
    this.#open.delete(key);
    if (standing === null || this.#plan.get(key)?.uid !== write.uid) return;
    const { ref, uid, resourceVersion, wanted } = write;
    this.#settled.set(key, { ref, uid, wanted: wantedText(wanted), baseVersion: resourceVersion, standing });
    // What was wanted meanwhile is done next.
    this.#review(key);
    if (this.#open.has(key)) this.#queue.add(key);
  }

  #fail(key: string, write: StatusWrite, error: KubeError): WorkOutcome {
    this.#onWrite(write.ref.kind, error.code);
    if (error.code === 'notFound') {
      this.#settle(key, write, { ...GONE, uid: write.uid, resourceVersion: write.resourceVersion });
      return null;
    }
    const refused = error.code === 'conflict' || error.code === 'invalid' || error.code === 'forbidden';
    // A refusal is an answer: the server is there.
    this.#serverFailures = refused ? 0 : this.#serverFailures + 1;
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    const version = refused ? (write.standing?.resourceVersion ?? null) : null;
    this.#failures.set(key, { count, version, endsOnChange: refused });
    this.#tell(key, error);
    const open = this.#open.get(key);
    if (open === undefined) return null;
    if (refused && !sameWrite(open, write)) return { againInMs: 0, pauseAll: false };
    // The patch may be wrong because of what was read: once it is made anew of the object itself.
    const readAgain = error.code === 'invalid' && count === 1 && write.standing !== null;
    const counts = { ofObject: count, ofServer: this.#serverFailures };
    return planRetry(readAgain ? CONFLICT : error, counts, this.#dependencies.random());
  }

  /** Refusals are told once for each object; a server that is away, or fails, once until it does what it is asked. */
  #tell(key: string, error: KubeError): void {
    if (error.code === 'conflict') return;
    const told = `${key} ${error.code}`;
    if (this.#serverFailures === 0 ? this.#told.has(told) : this.#serverFailures > 1) return;
    if (this.#serverFailures === 0) this.#told.set(told, true);
    const fields = { object: key, code: error.code, error: error.message };
    this.#dependencies.logger.warn('cannot write the status of an object; it is tried again', fields);
  }
}

/** As long to wait as after a conflict. */
const CONFLICT = new KubeError('conflict', 'to be read again');

const GONE = { present: false, ingress: [], conditions: [], usage: null } as const;

function sameWrite(left: StatusWrite, right: StatusWrite): boolean {
  if (left.resourceVersion !== right.resourceVersion || left.uid !== right.uid) return false;
  return left.standing?.resourceVersion === right.standing?.resourceVersion && wantedText(left.wanted) === wantedText(right.wanted);
}
