import type { Logger } from '../../core/log/logger.ts';
import type { LossReason } from './electionState.ts';

/** What has happened to one candidate since its start. */
export interface ElectionCounts {
  /** How often it became the leader. */
  readonly acquisitions: number;
  /** How often it stopped being it, by reason. */
  readonly losses: Readonly<Record<LossReason, number>>;
  /** Requests that failed or had no answer in time; conflicts are none. */
  readonly failures: number;
}

/** Counts and logs what happens to one candidate. */
export class ElectionTally {
  readonly #logger: Logger;
  readonly #office: string;
  readonly #losses: Record<LossReason, number> = { lapsed: 0, taken: 0, erased: 0, stopped: 0 };
  #acquisitions = 0;
  #failures = 0;
  /** Message of the failure that was logged last; empty after a success. A Lease that cannot be had fails every 2 s. */
  #lastFailure = '';

  /** `office`: what the holder of the Lease is, such as `the leader`. */
  constructor(logger: Logger, office: string) {
    this.#logger = logger;
    this.#office = office;
  }

  won(transitions: number): void {
    this.#acquisitions += 1;
    this.#logger.info(`this process is ${this.#office} now`, { leaseTransitions: transitions });
  }

  lost(reason: LossReason): void {
    this.#losses[reason] += 1;
    const fields = { reason };
    const message = `this process is ${this.#office} no more`;
    if (reason === 'stopped') this.#logger.info(message, fields);
    else this.#logger.warn(message, fields);
  }

  holderChanged(holder: string | null): void {
    this.#logger.info(holder === null ? 'nobody holds the Lease' : 'the holder of the Lease has changed', { holder });
  }

  answered(): void {
    this.#lastFailure = '';
  }

  failed(verb: 'read' | 'write', error: unknown): void {
    this.#failures += 1;
    const message = `${verb}: ${error instanceof Error ? error.message : String(error)}`;
    if (message === this.#lastFailure) return;
    this.#lastFailure = message;
    this.#logger.warn(`the Lease cannot be ${verb === 'read' ? 'read' : 'written'}`, { error });
  }

  stopped(hasReleased: boolean): void {
    if (hasReleased) this.#logger.info('the Lease is released');
  }

  counts(): ElectionCounts {
    return { acquisitions: this.#acquisitions, losses: { ...this.#losses }, failures: this.#failures };
  }
}
