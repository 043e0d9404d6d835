import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterKind } from './clusterKind.ts';
import { createConcurrencyGate } from './concurrencyGate.ts';
import { NamedObject, type NamedObjectContext } from './namedObject.ts';
import type { KubeApi } from '../../cluster/kubeApi.ts';
import { printRef, type ObjectRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';

/** Limits and times of objects that are read by name. Times are ms; all ours. */
export interface NamedObjectLimits {
  /** Watches at once, each a connection; objects beyond are asked for every `pollMs`. Default 256. */
  readonly maxWatches: number;
  /** Default 30 s; more when there are so many that it would be more than 50 requests a second. */
  readonly pollMs: number;
  /** An object that nobody names any more is kept this long, as an Ingress may come back. Default 5 s. */
  readonly graceMs: number;
  /** `want` waits for answers this long after the last one. Default 5 s. */
  readonly patienceMs: number;
}

export const NAMED_OBJECT_LIMITS: NamedObjectLimits = { maxWatches: 256, pollMs: 30_000, graceMs: 5_000, patienceMs: 5_000 };

/** Reads under way at once: a start with thousands of Secrets must not be one burst. */
const MAX_READS = 16;
/** Polling never asks more often than this for any object. */
const MIN_POLL_SPACING_MS = 20;

/** RFC 1123 subdomain, near enough: what is none is no object's name, and must not get into a path. */
const NAME = /^[a-z0-9][a-z0-9.-]{0,252}$/;

/** What the named objects work with. */
export type NamedObjectsContext = Omit<NamedObjectContext, 'onKnown' | 'pollMs'> & {
  readonly limits: NamedObjectLimits;
  /** Which kinds are read by name, by kind. */
  readonly kinds: ReadonlyMap<string, ClusterKind>;
  /** Those that are only ever asked for: a right to watch is a right to see all of them. */
  readonly polledKinds: ReadonlySet<string>;
  /** Delivers what has changed so far. */
  readonly flush: () => void;
  /** An object is dropped: nothing more is heard of it. */
  readonly onDropped: (name: string) => void;
};

/** How many objects are read by name, and how. */
export interface NamedHealth {
  readonly watched: number;
  readonly polled: number;
  /** Not answered yet. */
  readonly unknown: number;
}

/** The Secrets and ConfigMaps that something names, read one by one. */
export class NamedObjects {
  readonly #context: NamedObjectsContext;
  readonly #objectContext: NamedObjectContext;
  /** printed reference → object. */
  readonly #objects = new Map<string, NamedObject>();
  /** printed reference → when it is dropped. */
  readonly #leaving = new Map<string, NodeJS.Timeout>();
  readonly #dropping = new Set<Promise<void>>();
  readonly #onKnown = new Set<() => void>();
  readonly #stopped = new AbortController();
  #watched = 0;

  constructor(context: NamedObjectsContext) {
    this.#context = context;
    this.#objectContext = {
      ...context,
      api: gated(context.api),
      onKnown: () => {
        for (const tell of this.#onKnown) tell();
      },
      pollMs: () => Math.max(context.limits.pollMs, (this.#objects.size - this.#watched) * MIN_POLL_SPACING_MS),
    };
  }

  /** As Source.want, for the kinds that are read by name. */
  want(refs: readonly ObjectRef[]): Promise<void> | null {
    if (this.#stopped.signal.aborted) return null;
    const wanted = new Map<string, ObjectRef>();
    for (const ref of refs) if (this.#isReadable(ref)) wanted.set(printRef(ref), ref);
    for (const [key, ref] of wanted) this.#keep(key, ref);
    for (const key of this.#objects.keys()) if (!wanted.has(key)) this.#leave(key);
    const unknown = [...wanted.keys()].flatMap((key) => this.#objects.get(key) ?? []).filter(({ known }) => !known);
    return unknown.length === 0 ? null : this.#untilKnown(unknown);
  }

  health(): NamedHealth {
    const objects = [...this.#objects.values()];
    const unknown = objects.filter(({ known }) => !known).length;
    return { watched: this.#watched, polled: objects.length - this.#watched, unknown };
  }

  *problems(): Generator<Problem> {
    for (const object of this.#objects.values()) yield* object.problems();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const timer of this.#leaving.values()) clearTimeout(timer);
    for (const tell of this.#onKnown) tell();
    await Promise.all([...this.#dropping, ...[...this.#objects.values()].map((object) => object.stop())]);
  }

  #isReadable(ref: ObjectRef): boolean {
    return this.#context.kinds.has(ref.kind) && NAME.test(ref.name) && NAME.test(ref.namespace);
  }

  #keep(key: string, ref: ObjectRef): void {
    clearTimeout(this.#leaving.get(key));
    this.#leaving.delete(key);
    const kind = this.#context.kinds.get(ref.kind);
    if (this.#objects.has(key) || kind === undefined) return;
    const object = new NamedObject(ref, kind, this.#objectContext);
    this.#objects.set(key, object);
    this.#follow(object);
  }

  #leave(key: string): void {
    if (this.#leaving.has(key)) return;
    this.#leaving.set(key, setTimeout(() => this.#drop(key), this.#context.limits.graceMs));
  }

  #drop(key: string): void {
    this.#leaving.delete(key);
    const object = this.#objects.get(key);
    if (object === undefined) return;
    this.#objects.delete(key);
    this.#context.onDropped(key);
    const dropped = object.drop();
    this.#dropping.add(dropped);
    void dropped.finally(() => this.#dropping.delete(dropped));
    if (object.mode !== 'watch') return;
    this.#watched -= 1;
    this.#promote();
  }

  #follow(object: NamedObject): void {
    const isFree = this.#mayWatch(object) && this.#watched < this.#context.limits.maxWatches;
    if (isFree) this.#watched += 1;
    object.follow(isFree ? 'watch' : 'poll');
  }

  /** A watch is free: the object that is asked for longest gets it. */
  #promote(): void {
    for (const object of this.#objects.values()) {
      if (object.mode === 'poll' && this.#mayWatch(object)) return this.#follow(object);
    }
  }

  #mayWatch({ ref }: NamedObject): boolean {
    return !this.#context.polledKinds.has(ref.kind);
  }

  /** Resolves once all are known, or when no answer has come for some time; the answers are delivered before. */
  async #untilKnown(objects: readonly NamedObject[]): Promise<void> {
    const { patienceMs } = this.#context.limits;
    while (!this.#stopped.signal.aborted && objects.some(({ known }) => !known)) {
      if (!(await this.#nextAnswer(patienceMs))) for (const object of objects) object.giveUpWaiting();
    }
    this.#context.flush();
  }

  /** True when an object became known in that time. */
  async #nextAnswer(withinMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const tell = (): void => resolve(true);
    const timer = new AbortController();
    this.#onKnown.add(tell);
    const late = delay(withinMs, false, { signal: timer.signal }).catch(() => true);
    try {
      return await Promise.race([promise, late]);
    } finally {
      this.#onKnown.delete(tell);
      timer.abort();
    }
  }
}

function gated(api: KubeApi): KubeApi {
  const gate = createConcurrencyGate(MAX_READS);
  return { request: (request) => gate(() => api.request(request)), watch: (request) => api.watch(request), close: () => {} };
}
