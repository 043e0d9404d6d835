import { setTimeout as delay } from 'node:timers/promises';
import { BatchSender } from './batchSender.ts';
import { DEFAULT_KINDS, ownClusterKind, type ClusterKind, type FollowedKind } from './clusterKind.ts';
import { FollowedCollection, type CollectionHealth } from './followedCollection.ts';
import { createHolding } from './foreignHolding.ts';
import type { JointKind } from './foreignJoint.ts';
import { ForeignNote } from './foreignNote.ts';
import { NamedObjects, NAMED_OBJECT_LIMITS, type NamedHealth, type NamedObjectLimits } from './namedObjects.ts';
import { OutageLog } from './outageLog.ts';
import { runReflector, type Sleep } from './reflector.ts';
import type { ReflectorOutcome, ReflectorState } from './reflectorMachine.ts';
import { collectionTarget, namedTarget, type ReflectorTarget } from './reflectorTarget.ts';
import type { Random } from './retryDelay.ts';
import type { Source, SourceBatch } from '../source.ts';
import type { KubeApi } from '../../cluster/kubeApi.ts';
import type { Kind } from '../../model/objects.ts';
import type { ObjectRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import type { Logger } from '../../../core/log/logger.ts';
import { systemClock, type Clock } from '../../../core/time/clock.ts';

/** What is read of a cluster, and how. */
export interface ClusterSourceOptions {
  readonly api: KubeApi;
  /** Own kinds to follow; default DEFAULT_KINDS. Secret and ConfigMap are not among them: `secrets`, `want`. */
  readonly kinds?: readonly Kind[];
  /** Kinds of other products, after the own ones: of two definitions of an object that of the earlier kind counts. */
  readonly foreignKinds?: readonly (ClusterKind | JointKind)[];
  /** Namespaces of namespaced kinds; empty: all. */
  readonly namespaces: readonly string[];
  /** Gatehouse's own; its configuration is read there too when `namespaces` is not empty. Null: not known. */
  readonly ownNamespace: string | null;
  /** Where Services and their EndpointSlices are read besides `namespaces`: those of the publish Service and of our own Pods. */
  readonly serviceNamespaces?: readonly string[];
  /** `named`: only those that `want` names (get and watch). `polled`: the same by get alone. `all`: every one (list and watch). */
  readonly secrets: 'named' | 'polled' | 'all';
  readonly named?: Partial<NamedObjectLimits>;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly sleep?: Sleep;
}

/** How the source fares, for status and metrics. */
export interface ClusterHealth {
  /** Every collection was complete at one time: the first batch is out. */
  readonly synced: boolean;
  readonly collections: readonly CollectionHealth[];
  readonly named: NamedHealth;
}

/** A source of the objects in an API server. */
export interface ClusterSource extends Source {
  want(refs: readonly ObjectRef[]): Promise<void> | null;
  /**
   * Lists all objects of these kinds anew, whatever their watches have told: they may lag, or be dead without knowing. Resolves when
   * lists that began after the call are delivered, or at `stop`; while the API server is away it waits for it.
   */
  resync(kinds: readonly Kind[]): Promise<void>;
  health(): ClusterHealth;
}

/** A collection on its way: `stop` ends it, `listed` resolves with the first complete list. */
interface Following {
  readonly stop: AbortController;
  readonly listed: PromiseWithResolvers<void>;
  readonly done: Promise<void>;
}

/** How often it is said what a start waits for, ms. */
const WAITING_LOG_MS = 10_000;

/**
 * Makes the source; it asks nothing before `start`. That never rejects: it waits for the API server until `stop`, and for
 * every kind, as an address or a route that is only not known yet must not be withdrawn.
 */
export function createClusterSource(options: ClusterSourceOptions): ClusterSource {
  return new FollowedCluster(options);
}

class FollowedCluster implements ClusterSource {
  readonly #options: ClusterSourceOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #sleep: Sleep;
  readonly #sender: BatchSender;
  readonly #collections: readonly FollowedCollection[];
  readonly #named: NamedObjects;
  readonly #outages: OutageLog;
  readonly #absences: ForeignNote;
  readonly #stopped = new AbortController();
  /** Until all collections are synced. */
  readonly #waiting = new AbortController();
  readonly #synced = Promise.withResolvers<void>();
  #isSynced = false;
  readonly #followed = new Map<FollowedCollection, Following>();
  #waitingLog: Promise<void> | null = null;
  #resyncing: Promise<void> = Promise.resolve();
  #started: Promise<void> | null = null;

  constructor(options: ClusterSourceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#sleep = options.sleep ?? sleepUntilAborted;
    this.#outages = new OutageLog(options.logger, this.#clock);
    this.#absences = new ForeignNote(options.logger);
    const kinds = followedKinds(options);
    this.#sender = new BatchSender({ sharedKinds: sharedKinds(kinds), problems: () => this.#problems() });
    const hold = createHolding(this.#sender);
    this.#collections = kinds.flatMap((kind, rank) =>
      namespacesOf(kind, options).map((namespace) => new FollowedCollection(kind, namespace, hold(kind, rank))),
    );
    this.#named = this.#createNamed();
  }

  start(onBatch: (batch: SourceBatch) => void): Promise<void> {
    this.#started ??= this.#start(onBatch);
    return this.#started;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#endWaiting();
    this.#sender.close();
    for (const following of this.#followed.values()) end(following);
    const running = [...this.#followed.values()].map(({ done }) => done);
    await Promise.all([this.#started, this.#named.stop(), this.#waitingLog, ...running]);
  }

  resync(kinds: readonly Kind[]): Promise<void> {
    // One after another: whoever ends a list that another waits for would make it wait for nothing.
    this.#resyncing = this.#resyncing.then(async () => {
      const collections = this.#collections.filter(({ kind }) => kind.produces.some((produced) => kinds.includes(produced)));
      await Promise.all(collections.map((collection) => this.#readAnew(collection)));
      this.#sender.flush();
    });
    return this.#resyncing;
  }

  want(refs: readonly ObjectRef[]): Promise<void> | null {
    return this.#named.want(refs);
  }

  health(): ClusterHealth {
    return {
      synced: this.#isSynced,
      collections: this.#collections.map((collection) => collection.health()),
      named: this.#named.health(),
    };
  }

  async #start(onBatch: (batch: SourceBatch) => void): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    for (const collection of this.#collections) this.#follow(collection);
    this.#waitingLog = this.#sayWhatIsMissing();
    this.#checkSynced();
    await this.#synced.promise;
    if (this.#stopped.signal.aborted) return;
    this.#sender.open(onBatch);
  }

  #follow(collection: FollowedCollection): Following {
    const stop = new AbortController();
    const listed = Promise.withResolvers<void>();
    const done = runReflector({
      api: this.#options.api,
      target: targetOf(collection),
      sink: collection.held,
      known: { synced: collection.state.synced, fault: collection.state.fault },
      onStep: (state, outcome) => {
        this.#onStep(collection, state, outcome);
        if (hasAnswer(state, outcome)) listed.resolve();
      },
      clock: this.#clock,
      random: this.#random,
      sleep: this.#sleep,
    }, stop.signal);
    const following = { stop, listed, done };
    this.#followed.set(collection, following);
    return following;
  }

  async #readAnew(collection: FollowedCollection): Promise<void> {
    const before = this.#followed.get(collection);
    if (before === undefined) return;
    end(before);
    await before.done;
    if (!this.#stopped.signal.aborted) await this.#follow(collection).listed.promise;
  }

  #onStep(collection: FollowedCollection, state: ReflectorState, outcome: ReflectorOutcome): void {
    if (collection.step(state, outcome, this.#clock.now())) this.#sender.onProblems();
    const error = state.fault?.type === 'away' ? state.fault.error : null;
    this.#outages.note(collection.name, { failures: state.failures, error });
    this.#absences.note(collection.kind, state);
    if (state.synced) this.#checkSynced();
  }

  #checkSynced(): void {
    if (this.#isSynced || !this.#collections.every(({ state }) => state.synced)) return;
    this.#isSynced = true;
    this.#endWaiting();
  }

  #endWaiting(): void {
    this.#waiting.abort();
    this.#synced.resolve();
  }

  /** A start that waits says for what, until it waits no more. */
  async #sayWhatIsMissing(): Promise<void> {
    const { signal } = this.#waiting;
    while (!signal.aborted) {
      await this.#sleep(WAITING_LOG_MS, signal).catch(() => {});
      if (signal.aborted) return;
      const waiting = this.#collections.filter(({ state }) => !state.synced);
      const reasons = new Set(waiting.flatMap((collection) => reasonOf(collection)));
      this.#options.logger.warn('waiting for the API server: nothing is served before all kinds are known', {
        kinds: waiting.map(({ name }) => name),
        reasons: [...reasons].slice(0, 5),
      });
    }
  }

  #problems(): readonly Problem[] {
    const ofCollections = this.#collections.flatMap((collection) => collection.problem() ?? []);
    const ofObjects = this.#collections.flatMap(({ held }) => [...held.problems()]);
    return [...ofCollections, ...ofObjects, ...this.#named.problems()];
  }

  #createNamed(): NamedObjects {
    const { api, secrets, named } = this.#options;
    const kinds: readonly Kind[] = secrets === 'all' ? ['ConfigMap'] : ['Secret', 'ConfigMap'];
    return new NamedObjects({
      api,
      clock: this.#clock,
      random: this.#random,
      sleep: this.#sleep,
      listener: this.#sender,
      limits: { ...NAMED_OBJECT_LIMITS, ...named },
      kinds: new Map(kinds.map((kind) => [kind, ownClusterKind(kind)])),
      polledKinds: new Set(secrets === 'polled' ? ['Secret'] : []),
      flush: () => this.#sender.flush(),
      onFailure: (name, failure) => this.#outages.note(name, failure),
      onDropped: (name) => this.#outages.forget(name),
    });
  }
}

/** A complete list, or the word of the server that there is none to be had: nothing newer is to be known of the collection. */
function hasAnswer({ fault }: ReflectorState, outcome: ReflectorOutcome): boolean {
  if (outcome.type === 'page') return outcome.continueToken === '';
  return outcome.type === 'failed' && (fault?.type === 'missing' || fault?.type === 'refused');
}

function end({ stop, listed }: Following): void {
  stop.abort();
  // Nobody is to wait for a list that is given up.
  listed.resolve();
}

function followedKinds({ kinds = DEFAULT_KINDS, foreignKinds = [], secrets }: ClusterSourceOptions): readonly (ClusterKind | JointKind)[] {
  const own = kinds.filter((kind) => kind !== 'Secret' && kind !== 'ConfigMap').map((kind) => ownClusterKind(kind));
  return [...own, ...(secrets === 'all' ? [ownClusterKind('Secret')] : []), ...foreignKinds];
}

/** Kinds whose objects may come from more than one place. */
function sharedKinds(kinds: readonly FollowedKind[]): ReadonlySet<Kind> {
  const seen = new Set<Kind>();
  const shared = new Set<Kind>();
  for (const kind of kinds.flatMap(({ produces }) => produces)) {
    if (seen.has(kind)) shared.add(kind);
    seen.add(kind);
  }
  return shared;
}

/** Kinds that say where a Service leads. */
const OF_SERVICES: ReadonlySet<string> = new Set<Kind>(['Service', 'EndpointSlice', 'Endpoints']);

function namespacesOf(kind: FollowedKind, { namespaces, ownNamespace, serviceNamespaces = [] }: ClusterSourceOptions): readonly string[] {
  if (kind.only !== undefined) return [kind.only.namespace];
  if (!kind.resource.namespaced || namespaces.length === 0) return [''];
  const own = kind.configures && ownNamespace !== null ? [ownNamespace] : [];
  const home = kind.home === undefined ? [] : [kind.home];
  const further = OF_SERVICES.has(kind.label) ? serviceNamespaces : [];
  return [...new Set([...namespaces, ...own, ...home, ...further])];
}

function targetOf({ kind: { resource, only }, namespace }: FollowedCollection): ReflectorTarget {
  return only === undefined ? collectionTarget(resource, namespace) : namedTarget(resource, only);
}

function reasonOf({ state: { fault } }: FollowedCollection): string | readonly string[] {
  return fault === null || fault.type === 'missing' ? [] : fault.error.message;
}

async function sleepUntilAborted(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal });
}
