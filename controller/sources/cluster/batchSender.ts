import { isDeepStrictEqual } from 'node:util';
import { ChangeSet } from './changeSet.ts';
import { ClaimTable, type ClaimChange, type Claimant } from './claimTable.ts';
import type { HeldListener } from './heldObjects.ts';
import type { SourceBatch } from '../source.ts';
import type { Kind } from '../../model/objects.ts';
import type { ObjectRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';

/** What a sender is told about. */
export interface BatchSenderOptions {
  /** Kinds that more than one foreign or own kind is decoded into. */
  readonly sharedKinds: ReadonlySet<Kind>;
  /** All that is wrong now, apart from two claims on one object. */
  readonly problems: () => readonly Problem[];
}

/** Gathers changes into batches: one first batch when told, then one per turn of the event loop in which something changed. */
export class BatchSender implements HeldListener {
  readonly #options: BatchSenderOptions;
  readonly #changes = new ChangeSet();
  readonly #claims = new ClaimTable();
  #problems: readonly Problem[] = [];
  #problemsChanged = false;
  #onBatch: ((batch: SourceBatch) => void) | null = null;
  #turn: NodeJS.Immediate | null = null;

  constructor(options: BatchSenderOptions) {
    this.#options = options;
  }

  onChange(ref: ObjectRef, claimant: Claimant, change: ClaimChange): void {
    const shared = this.#options.sharedKinds.has(ref.kind as Kind);
    if (shared) this.#problemsChanged = true;
    this.#changes.add(ref, shared ? this.#claims.change(ref, claimant, change.after) : change);
    this.#schedule();
  }

  onProblems(): void {
    this.#problemsChanged = true;
    this.#schedule();
  }

  /** Delivers everything so far, be it nothing, and from now on what changes. */
  open(onBatch: (batch: SourceBatch) => void): void {
    this.#problems = this.#listProblems();
    this.#problemsChanged = false;
    this.#onBatch = onBatch;
    onBatch({ ...this.#changes.take(), problems: this.#problems });
  }

  /** Delivers now what has changed, if anything has. */
  flush(): void {
    if (this.#turn !== null) clearImmediate(this.#turn);
    this.#turn = null;
    if (this.#onBatch === null) return;
    const problemsDiffer = this.#readProblems();
    if (this.#changes.isEmpty && !problemsDiffer) return;
    this.#onBatch({ ...this.#changes.take(), problems: this.#problems });
  }

  /** Nothing is delivered any more. */
  close(): void {
    if (this.#turn !== null) clearImmediate(this.#turn);
    this.#turn = null;
    this.#onBatch = null;
  }

  #schedule(): void {
    if (this.#onBatch === null) return;
    this.#turn ??= setImmediate(() => this.flush());
  }

  #readProblems(): boolean {
    if (!this.#problemsChanged) return false;
    this.#problemsChanged = false;
    const problems = this.#listProblems();
    if (isDeepStrictEqual(problems, this.#problems)) return false;
    this.#problems = problems;
    return true;
  }

  #listProblems(): readonly Problem[] {
    return [...this.#options.problems(), ...this.#claims.problems()];
  }
}
