import { createCurrentSnapshot, mergeDeltas, type CurrentSnapshot } from '../../core/ir/currentSnapshot.ts';
import type { SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { Logger } from '../../core/log/logger.ts';
import type { WorkerSlot } from './workerSlot.ts';

/** What a rollout needs of a slot. */
export type RolloutSlot = Pick<WorkerSlot, 'state' | 'generation' | 'apply'>;

interface Trial {
  readonly slot: RolloutSlot;
  readonly delta: SnapshotDelta;
}

/** Ours: a worker may die for another reason while it tries a delta; twice is no chance. */
const MAX_DEATHS = 2;

/**
 * Brings deltas to the workers: one worker tries a delta, and only when it serves it the others get it. A delta that ends
 * the worker that tries it is held back, joined with the next one, and tried again: a fault in the engine then costs
 * the news, not the service. The very first snapshot goes to all at once, as nothing is served before it.
 */
export class SnapshotRollout {
  /** The sum of all deltas that a worker has served: what a worker that starts is given. */
  readonly proven: CurrentSnapshot = createCurrentSnapshot();
  readonly #logger: Logger;
  #slots: readonly RolloutSlot[] = [];
  #held: SnapshotDelta | null = null;
  #trial: Trial | null = null;
  #deaths = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Names the workers; to be called once, before the first delta. */
  begin(slots: readonly RolloutSlot[]): void {
    this.#slots = slots;
  }

  apply(delta: SnapshotDelta): void {
    if (this.proven.generation() === 0) return this.#spread(delta, null);
    this.#held = this.#held === null ? delta : mergeDeltas(this.#held, delta);
    this.#deaths = 0;
    this.#next();
  }

  /** To be called after every change of a slot's state or generation. */
  changed(): void {
    const trial = this.#trial;
    if (trial === null) return this.#next();
    if (trial.slot.generation >= trial.delta.generation) {
      this.#trial = null;
      this.#deaths = 0;
      this.#spread(trial.delta, trial.slot);
      this.#next();
    } else if (trial.slot.state === 'down') this.#failed(trial.delta);
  }

  #next(): void {
    const delta = this.#held;
    if (delta === null || this.#trial !== null || this.#deaths === MAX_DEATHS) return;
    const slot = this.#slots.find((candidate) => candidate.state === 'serving');
    if (slot === undefined) return;
    this.#held = null;
    this.#trial = { slot, delta };
    slot.apply(delta);
  }

  #failed(delta: SnapshotDelta): void {
    this.#trial = null;
    this.#held = this.#held === null ? delta : mergeDeltas(delta, this.#held);
    this.#deaths += 1;
    if (this.#deaths === MAX_DEATHS) {
      const generations = { refused: delta.generation, served: this.proven.generation() };
      this.#logger.error('a snapshot ends the workers that try it: it is held back until the next change', generations);
    }
    this.#next();
  }

  #spread(delta: SnapshotDelta, except: RolloutSlot | null): void {
    this.proven.apply(delta);
    for (const slot of this.#slots) if (slot !== except) slot.apply(delta);
  }
}
