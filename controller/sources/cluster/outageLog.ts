import type { KubeError } from '../../cluster/kubeApi.ts';
import type { Logger } from '../../../core/log/logger.ts';
import type { Clock } from '../../../core/time/clock.ts';

/** Failures in a row before a line is written: a watch that was cut is nothing to speak of. */
const MIN_FAILURES = 3;

/** Says once that the API server cannot be reached, and once that it can be again, however many collections notice. */
export class OutageLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** Names of those that fail. */
  readonly #away = new Set<string>();
  #sinceMs: number | null = null;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** How one of those that ask fares. */
  note(name: string, { failures, error }: { readonly failures: number; readonly error: KubeError | null }): void {
    if (error !== null) this.#failed(name, failures, error);
    else if (this.#away.delete(name) && this.#away.size === 0) this.#ended();
  }

  /** It is not followed any more. */
  forget(name: string): void {
    this.#away.delete(name);
  }

  #failed(name: string, failures: number, error: KubeError): void {
    if (failures < MIN_FAILURES) return;
    this.#away.add(name);
    if (this.#sinceMs !== null) return;
    this.#sinceMs = this.#clock.now();
    this.#logger.warn('the API server does not answer: what is known, if anything, stays in use', { code: error.code, reason: error.message });
  }

  #ended(): void {
    const awayMs = this.#clock.now() - (this.#sinceMs ?? this.#clock.now());
    this.#sinceMs = null;
    this.#logger.info('the API server answers again', { afterMs: Math.round(awayMs) });
  }
}
