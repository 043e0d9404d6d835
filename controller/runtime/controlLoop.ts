import { diffSnapshots, isEmptyDelta } from '../../core/ir/delta.ts';
import type { Problem } from '../../core/ir/problem.ts';
import type { Snapshot, SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { Logger } from '../../core/log/logger.ts';
import type { Clock } from '../../core/time/clock.ts';
import { ObjectStore, type ObjectIndex } from '../model/store.ts';
import type { Source, SourceBatch } from '../sources/source.ts';
import type { IngressStatus, Translate, TranslateOptions, Translation } from '../translate/translation.ts';
import { createProblemLog } from './problemLog.ts';

/** Batches that come within this time of the first one share its translation. Ours: far below the 500 ms a change may take. */
const COALESCE_MS = 10;
/** Certificates expire without any object changing. */
const RETRANSLATE_MS = 3_600_000;

/** What the loop works with; nothing of it is looked up elsewhere. */
export interface ControlLoopOptions {
  readonly source: Source;
  readonly translate: Translate;
  /** Asked before each translation, so that `nowMs` is the present. */
  readonly translateOptions: () => TranslateOptions;
  /** Receives each change to be served, generations in order; deltas that change nothing are not published. */
  readonly publish: (delta: SnapshotDelta) => void;
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
  /** Of the source and of the last translation together. */
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
}

/** Makes the loop; does nothing until started. */
export function createControlLoop(options: ControlLoopOptions): ControlLoop {
  return new Loop(options);
}

class Loop implements ControlLoop {
  readonly #options: ControlLoopOptions;
  readonly #store = new ObjectStore();
  readonly #logProblems: (problems: readonly Problem[]) => void;
  #state: ControlState;
  #sourceProblems: readonly Problem[] = [];
  #translationProblems: readonly Problem[] = [];
  /** After a translation as much time is left to others, so that translating never takes more than half of it. */
  #restUntilMs = 0;
  #window: NodeJS.Timeout | null = null;
  #expiryTimer: NodeJS.Timeout | null = null;
  #phase: 'new' | 'starting' | 'running' | 'stopped' = 'new';

  constructor(options: ControlLoopOptions) {
    this.#options = options;
    this.#logProblems = createProblemLog(options.logger);
    this.#state = { generation: 0, snapshot: null, ingresses: [], problems: [], objects: this.#store };
  }

  async start(): Promise<void> {
    this.#phase = 'starting';
    await this.#options.source.start((batch) => this.#onBatch(batch));
    if (this.#isStopped()) return;
    this.#phase = 'running';
    this.#translateNow();
    this.#expiryTimer = setInterval(() => this.#schedule(), RETRANSLATE_MS);
  }

  async stop(): Promise<void> {
    if (this.#isStopped()) return;
    this.#phase = 'stopped';
    if (this.#window !== null) clearTimeout(this.#window);
    if (this.#expiryTimer !== null) clearInterval(this.#expiryTimer);
    await this.#options.source.stop();
  }

  state(): ControlState {
    return this.#state;
  }

  #isStopped(): boolean {
    return this.#phase === 'stopped';
  }

  #onBatch(batch: SourceBatch): void {
    if (this.#isStopped()) return;
    this.#store.apply(batch);
    this.#sourceProblems = batch.problems;
    // What arrives while the source starts is translated as one, when it says that it is complete.
    if (this.#phase === 'running') this.#schedule();
  }

  #schedule(): void {
    const restMs = this.#restUntilMs - this.#options.clock.now();
    this.#window ??= setTimeout(() => this.#translateNow(), Math.max(COALESCE_MS, restMs));
  }

  #translateNow(): void {
    this.#window = null;
    const startedMs = this.#options.clock.now();
    const translation = this.#tryTranslate();
    if (translation !== null) {
      this.#translationProblems = translation.problems;
      this.#state = { ...this.#state, ingresses: translation.ingresses };
      this.#publish(translation.snapshot);
    }
    const endedMs = this.#options.clock.now();
    this.#restUntilMs = endedMs + (endedMs - startedMs);
    this.#options.onTranslated(endedMs - startedMs);
    this.#state = { ...this.#state, problems: [...this.#sourceProblems, ...this.#translationProblems] };
    this.#logProblems(this.#state.problems);
  }

  /** Null when translation threw: a fault of ours, which must not take down what is being served. */
  #tryTranslate(): Translation | null {
    try {
      return this.#options.translate(this.#store, this.#options.translateOptions());
    } catch (error) {
      this.#options.logger.error('translation failed: a fault of Gatehouse, please report it', { error });
      this.#translationProblems = [translationFault(error)];
      return null;
    }
  }

  #publish(snapshot: Snapshot): void {
    const generation = this.#state.generation + 1;
    const delta = diffSnapshots(this.#state.snapshot, snapshot, generation);
    if (this.#state.snapshot !== null && isEmptyDelta(delta)) return;
    this.#state = { ...this.#state, generation, snapshot };
    this.#options.publish(delta);
  }
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
