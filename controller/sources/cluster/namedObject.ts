import type { ClusterKind } from './clusterKind.ts';
import { HeldObjects, type HeldListener } from './heldObjects.ts';
import { runReflector, type ReflectorOptions, type Sleep } from './reflector.ts';
import type { ReflectorState } from './reflectorMachine.ts';
import { namedTarget, type ReflectorTarget } from './reflectorTarget.ts';
import { retryDelayMs, type Random } from './retryDelay.ts';
import { KubeError, type KubeApi } from '../../cluster/kubeApi.ts';
import { printRef, type ObjectRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import type { Clock } from '../../../core/time/clock.ts';

/** What named objects are read with. */
export interface NamedObjectContext {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
  readonly listener: HeldListener;
  /** Told when an object is known or refused for the first time. */
  readonly onKnown: () => void;
  /** How long until objects that are only asked for are asked for again, ms. */
  readonly pollMs: () => number;
  /** Told of failures (null: none) with their count. */
  readonly onFailure: (name: string, failure: { readonly failures: number; readonly error: KubeError | null }) => void;
}

/** One object that is read because something names it. */
export class NamedObject {
  readonly ref: ObjectRef;
  readonly #context: NamedObjectContext;
  readonly #held: HeldObjects;
  readonly #target: ReflectorTarget;
  #run: { readonly mode: 'watch' | 'poll'; readonly abort: AbortController; readonly done: Promise<void> } | null = null;
  #known = false;
  #refusal: KubeError | null = null;

  constructor(ref: ObjectRef, kind: ClusterKind, context: NamedObjectContext) {
    this.ref = ref;
    this.#context = context;
    this.#held = new HeldObjects(kind, 0, context.listener);
    this.#target = namedTarget(kind.resource, ref);
  }

  /** It was read, found absent, or it is clear that it cannot be read now. */
  get known(): boolean {
    return this.#known;
  }

  get mode(): 'watch' | 'poll' | null {
    return this.#run?.mode ?? null;
  }

  /** Follows it, by a watch or by asking time and again; what is known stays when that changes. */
  follow(mode: 'watch' | 'poll'): void {
    this.#run?.abort.abort();
    const abort = new AbortController();
    const done = mode === 'watch' ? runReflector(this.#reflector(), abort.signal) : this.#poll(abort.signal);
    this.#run = { mode, abort, done };
  }

  /** The caller waits no longer. */
  giveUpWaiting(): void {
    this.#known = true;
  }

  /** Nobody names it any more: it counts as deleted. */
  async drop(): Promise<void> {
    await this.stop();
    this.#held.clear();
  }

  async stop(): Promise<void> {
    this.#run?.abort.abort();
    await this.#run?.done;
  }

  *problems(): Generator<Problem> {
    if (this.#refusal !== null) yield refusedProblem(this.ref, this.#refusal, this.mode === 'poll' ? 'get' : 'get and watch');
    yield* this.#held.problems();
  }

  #reflector(): ReflectorOptions {
    const { api, clock, random, sleep } = this.#context;
    return { api, clock, random, sleep, target: this.#target, sink: this.#held, onStep: (state) => this.#onStep(state) };
  }

  #onStep(state: ReflectorState): void {
    this.#noteFault(state.fault?.type === 'missing' ? null : (state.fault?.error ?? null), state.failures);
    if (state.synced) this.#becomeKnown();
  }

  async #poll(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      const error = await this.#read(signal);
      if (signal.aborted) return;
      failures = error === null ? 0 : failures + 1;
      this.#noteFault(error, failures);
      if (error === null) this.#becomeKnown();
      const { random, sleep, pollMs } = this.#context;
      const waitMs = error === null ? pollMs() * (0.75 + random() / 2) : retryDelayMs(error, failures, random);
      await sleep(Math.round(waitMs), signal).catch(() => {});
    }
  }

  /** Reads it once; what went wrong, or null. */
  async #read(signal: AbortSignal): Promise<KubeError | null> {
    try {
      const page = await this.#target.read(this.#context.api, '', signal);
      if (signal.aborted) return null;
      this.#held.begin();
      for (const item of page.items) this.#held.upsert(item);
      this.#held.complete();
      return null;
    } catch (error) {
      return error instanceof KubeError ? error : new KubeError('server', String(error), { cause: error });
    }
  }

  #noteFault(error: KubeError | null, failures: number): void {
    const refused = error !== null && (error.code === 'forbidden' || error.code === 'invalid' || error.code === 'unauthorized');
    const refusal = refused ? error : null;
    if (refusal?.message !== this.#refusal?.message) this.#context.listener.onProblems();
    this.#refusal = refusal;
    this.#context.onFailure(printRef(this.ref), { failures, error: refused ? null : error });
    if (refused) this.#becomeKnown();
  }

  #becomeKnown(): void {
    if (this.#known) return;
    this.#known = true;
    this.#context.onKnown();
  }
}

function refusedProblem(ref: ObjectRef, error: KubeError, verbs: string): Problem {
  const plural = `${ref.kind.toLowerCase()}s`;
  return {
    severity: 'error',
    object: ref,
    position: null,
    field: '',
    rule: `the ServiceAccount of Gatehouse must be allowed to ${verbs} ${plural} in namespace ${ref.namespace}: ${error.message}`,
    value: '',
    effect: 'it counts as absent, or stays as it was last seen',
  };
}
