import { isDeepStrictEqual } from 'node:util';
import { diffSnapshots, isEmptyDelta } from '../../core/ir/delta.ts';
import { l4Key, type L4Key } from '../../core/ir/l4.ts';
import type { Problem } from '../../core/ir/problem.ts';
import type { Snapshot, SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { ListenerAddress } from '../../core/ipc/messages.ts';
import type { Logger } from '../../core/log/logger.ts';
import type { Clock } from '../../core/time/clock.ts';
import type { AnnouncerWanted } from '../announcer/wanted.ts';
import type { Assignments } from '../allocator/assignment.ts';
import type { AssignmentChange } from '../allocator/assignmentChange.ts';
import type { PoolView } from '../allocator/poolView.ts';
import type { AllocationRefusal } from '../allocator/refusal.ts';
import type { AssignmentStore } from '../assignments/assignmentStore.ts';
import { ObjectStore, type ObjectIndex } from '../model/store.ts';
import type { ListenerOutcome } from '../processes/proxyListeners.ts';
import type { Source, SourceBatch } from '../sources/source.ts';
import type { HostTable } from '../translate/steps/resolveClaims.ts';
import type { IngressStatus, ServiceStatus, Translate, TranslateOptions, Translation } from '../translate/translation.ts';
import { listenerProblems, openKeys, withListenerProblems } from './listenerProblems.ts';
import { createProblemLog } from './problemLog.ts';
import { retainListeners } from './retainListeners.ts';

/** Batches that come within this time of the first one share its translation. Ours: far below the 500 ms a change may take. */
const COALESCE_MS = 10;
/**
 * Objects that are merely newer are told of so late: while a leader writes ten thousand statuses each comes back by itself, and
 * comparing them all takes 40 ms. Nobody but writers waits for that.
 */
const TELL_MS = 250;
/** How long a change may wait for a source to say what objects it refers to (ours): longer than a source itself takes to give up. */
const MAX_WAIT_FOR_REFERENCES_MS = 10_000;
/** Certificates expire without any object changing. */
const RETRANSLATE_MS = 3_600_000;

/** What the loop works with; nothing of it is looked up elsewhere. */
export interface ControlLoopOptions {
  readonly source: Source;
  readonly translate: Translate;
  /** Asked before each translation, so that `nowMs` is the present; `assignments` is what the last one gave. */
  readonly translateOptions: (assignments: Assignments) => TranslateOptions;
  /** What Services had when the last process ended, and where it is kept for the next. */
  readonly assignments: Pick<AssignmentStore, 'load' | 'save'>;
  /** Receives each change to be served, generations in order; deltas that change nothing are not published. */
  readonly publish: (delta: SnapshotDelta) => void;
  /** Told after each translation which ports are to be open, beside those of the start, from this generation on. */
  readonly wantListeners: (wanted: readonly ListenerAddress[], generation: number) => void;
  /** Told after each translation, and after objects were merely refreshed; absent: nobody wants to know. */
  readonly onState?: (state: ControlState) => void;
  /** Told after each translation how long it took with all that follows from it. */
  readonly onTranslated: (durationMs: number) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is known at one moment; a new object after each change. */
export interface ControlState {
  /** Generation of `snapshot`; 0 before the first translation. */
  readonly generation: number;
  readonly snapshot: Snapshot | null;
  readonly ingresses: readonly IngressStatus[];
  readonly services: readonly ServiceStatus[];
  readonly pools: readonly PoolView[];
  readonly refusals: readonly AllocationRefusal[];
  /** What the last translation changed. */
  readonly assignmentChanges: readonly AssignmentChange[];
  /** For this node's announcer; null before the first translation. */
  readonly announcer: AnnouncerWanted | null;
  /** Who has each host and path; null before the first translation. */
  readonly hosts: HostTable | null;
  /** Of the source, of the last translation, and of ports that could not be opened, together. */
  readonly problems: readonly Problem[];
  readonly objects: ObjectIndex;
}

/** The one loop that owns state: batches in, at most one translation per short window, changes out. */
export interface ControlLoop {
  /** Resolves once everything the source has is translated and published; rejects when the source cannot start. */
  start(): Promise<void>;
  /** Idempotent. The last state stays readable. */
  stop(): Promise<void>;
  state(): ControlState;
  /** Something other than an object has changed that translation looks at. */
  refresh(): void;
  /** What became of the ports that were wanted. */
  listened(outcomes: readonly ListenerOutcome[]): void;
}

/** Makes the loop; does nothing until started. */
export function createControlLoop(options: ControlLoopOptions): ControlLoop {
  return new Loop(options);
}

/** A translation, and the publish Service it was made for. */
type TakenTranslation = Translation & Pick<TranslateOptions, 'publishService'>;

class Loop implements ControlLoop {
  readonly #options: ControlLoopOptions;
  readonly #store = new ObjectStore();
  readonly #logProblems: (problems: readonly Problem[]) => void;
  #state: ControlState;
  #sourceProblems: readonly Problem[] = [];
  #translationProblems: readonly Problem[] = [];
  #assignments: Assignments = new Map();
  /** The last one that did not throw. */
  #translated: TakenTranslation | null = null;
  #outcomes: readonly ListenerOutcome[] = [];
  #open: ReadonlySet<L4Key> = new Set();
  /** After a translation as much time is left to others, so that translating never takes more than half of it. */
  #restUntilMs = 0;
  /** Since when a change waits for objects that it refers to; null: none does. */
  #waitingSinceMs: number | null = null;
  #window: NodeJS.Timeout | null = null;
  #telling: NodeJS.Timeout | null = null;
  #expiryTimer: NodeJS.Timeout | null = null;
  #phase: 'new' | 'starting' | 'running' | 'stopped' = 'new';

  constructor(options: ControlLoopOptions) {
    this.#options = options;
    this.#logProblems = createProblemLog(options.logger);
    this.#state = { generation: 0, snapshot: null, ingresses: [], services: [], pools: [], refusals: [], assignmentChanges: [], announcer: null, hosts: null, problems: [], objects: this.#store };
  }

  async start(): Promise<void> {
    this.#phase = 'starting';
    this.#assignments = this.#options.assignments.load();
    await this.#options.source.start((batch) => this.#onBatch(batch));
    if (this.#isStopped()) return;
    await this.#translateFirst();
    if (this.#isStopped()) return;
    this.#phase = 'running';
    this.#expiryTimer = setInterval(() => this.#schedule(), RETRANSLATE_MS);
  }

  async stop(): Promise<void> {
    if (this.#isStopped()) return;
    this.#phase = 'stopped';
    if (this.#window !== null) clearTimeout(this.#window);
    if (this.#telling !== null) clearTimeout(this.#telling);
    if (this.#expiryTimer !== null) clearInterval(this.#expiryTimer);
    await this.#options.source.stop();
  }

  state(): ControlState {
    return this.#state;
  }

  refresh(): void {
    if (this.#phase === 'running') this.#schedule();
  }

  listened(outcomes: readonly ListenerOutcome[]): void {
    if (this.#isStopped() || this.#translated === null) return;
    this.#outcomes = outcomes;
    this.#open = openKeys(outcomes);
    // What was served on ports until they closed may go now.
    this.#publish(this.#translated.snapshot);
    this.#report();
  }

  #isStopped(): boolean {
    return this.#phase === 'stopped';
  }

  #onBatch(batch: SourceBatch): void {
    if (this.#isStopped()) return;
    this.#store.apply(batch);
    const quiet = batch.upserts.length === 0 && batch.deletes.length === 0 && isDeepStrictEqual(batch.problems, this.#sourceProblems);
    this.#sourceProblems = batch.problems;
    // What arrives while the source starts is translated as one, when it says that it is complete.
    if (this.#phase !== 'running') return;
    if (quiet) this.#scheduleTelling();
    else this.#schedule();
  }

  #schedule(): void {
    const restMs = this.#restUntilMs - this.#options.clock.now();
    this.#window ??= setTimeout(() => this.#translateNow(), Math.max(COALESCE_MS, restMs));
  }

  /** Objects were merely refreshed. */
  #scheduleTelling(): void {
    this.#telling ??= setTimeout(() => this.#tell(), TELL_MS);
  }

  #tell(): void {
    if (this.#telling !== null) clearTimeout(this.#telling);
    this.#telling = null;
    this.#options.onState?.(this.#state);
  }

  /** Objects that the first translation refers to may name further ones; each round is one answer of the source. */
  async #translateFirst(): Promise<void> {
    const startedMs = this.#options.clock.now();
    let translation = this.#tryTranslate();
    while (translation !== null && !this.#isStopped()) {
      const missing = this.#options.source.want?.(translation.references) ?? null;
      if (missing === null || this.#options.clock.now() - startedMs > MAX_WAIT_FOR_REFERENCES_MS) break;
      await missing;
      translation = this.#tryTranslate();
    }
    if (this.#isStopped()) return;
    this.#finish(translation, startedMs);
  }

  /** True while objects that a change refers to are being fetched: half of it would be served, with the wrong certificate. */
  #waitsForReferences({ references }: Translation): boolean {
    const missing = this.#options.source.want?.(references) ?? null;
    if (missing === null) {
      this.#waitingSinceMs = null;
      return false;
    }
    const nowMs = this.#options.clock.now();
    this.#waitingSinceMs ??= nowMs;
    if (nowMs - this.#waitingSinceMs > MAX_WAIT_FOR_REFERENCES_MS) return false;
    void missing.then(() => this.refresh());
    return true;
  }

  #translateNow(): void {
    this.#window = null;
    const startedMs = this.#options.clock.now();
    const translation = this.#tryTranslate();
    if (translation !== null && this.#waitsForReferences(translation)) return;
    this.#finish(translation, startedMs);
  }

  #finish(translation: TakenTranslation | null, startedMs: number): void {
    if (translation !== null) this.#take(translation);
    const endedMs = this.#options.clock.now();
    this.#restUntilMs = endedMs + (endedMs - startedMs);
    this.#options.onTranslated(endedMs - startedMs);
    this.#report();
  }

  #take(translation: TakenTranslation): void {
    this.#translated = translation;
    const { problems, ingresses, pools, refusals, hosts, announcer, assignments, assignmentChanges } = translation;
    this.#translationProblems = problems;
    this.#logChanges(assignmentChanges);
    this.#assignments = assignments;
    this.#options.assignments.save(assignments);
    // The same object for the same content, so that nobody compares it once more.
    const isSame = isDeepStrictEqual(announcer, this.#state.announcer);
    this.#state = { ...this.#state, ingresses, pools, refusals, hosts, announcer: isSame ? this.#state.announcer : announcer, assignmentChanges };
    this.#publish(translation.snapshot, !isSame);
    this.#options.wantListeners(wantedListeners(translation), this.#state.generation);
  }

  /** Who does not lead reads everything from the statuses each time: what was so before is no news. */
  #logChanges(changes: readonly AssignmentChange[]): void {
    for (const change of changes) {
      const known = this.#assignments.get(change.service)?.addresses ?? [];
      if (!isDeepStrictEqual(known, change.after)) this.#options.logger.info('addresses of a Service change', { ...change });
    }
  }

  /** Brings the list of problems up to date. */
  #report(): void {
    const known = this.#translated;
    const ofListeners = known === null ? [] : listenerProblems(this.#outcomes, { translation: known, publishService: known.publishService, objects: this.#store });
    const problems = [...this.#sourceProblems, ...this.#translationProblems, ...ofListeners];
    const services = withListenerProblems(known?.services ?? [], { problems: ofListeners, outcomes: this.#outcomes });
    this.#state = { ...this.#state, services, problems };
    this.#logProblems(problems);
    this.#tell();
    this.#state = { ...this.#state, assignmentChanges: [] };
  }

  /** Null when translation threw: a fault of ours, which must not take down what is being served. */
  #tryTranslate(): TakenTranslation | null {
    try {
      const options = this.#options.translateOptions(this.#assignments);
      return { ...this.#options.translate(this.#store, options), publishService: options.publishService };
    } catch (error) {
      this.#options.logger.error('translation failed: a fault of Gatehouse, please report it', { error });
      this.#translationProblems = [translationFault(error)];
      return null;
    }
  }

  /** A generation is one of all that is served: also of what the proxy has no part in (`announces`). */
  #publish(translated: Snapshot, announces = false): void {
    const snapshot = retainListeners(translated, this.#state.snapshot, this.#open);
    const generation = this.#state.generation + 1;
    const delta = diffSnapshots(this.#state.snapshot, snapshot, generation);
    if (this.#state.snapshot !== null && isEmptyDelta(delta) && !announces) return;
    this.#state = { ...this.#state, generation, snapshot };
    this.#options.publish(delta);
  }
}

function wantedListeners({ snapshot, vipListeners, announcer }: Translation): readonly ListenerAddress[] {
  const ofRoutes = [...snapshot.l4Listeners.values()].map(({ protocol, address, port }) => ({ protocol, address, port }));
  return [...vipListeners, ...ofRoutes].map((listener): ListenerAddress => {
    const key = l4Key(listener.protocol === 'udp' ? 'udp' : 'tcp', listener.address, listener.port);
    return announcer.ports.get(key)?.to.type === 'proxy' ? { ...listener, transparent: true } : listener;
  });
}

function translationFault(error: unknown): Problem {
  return {
    severity: 'error',
    object: null,
    position: null,
    field: '',
    rule: `translation failed: ${error instanceof Error ? error.message : String(error)}`,
    value: '',
    effect: 'what was served before stays as it was, and changes wait',
  };
}
