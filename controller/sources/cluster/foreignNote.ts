import type { FollowedKind } from './clusterKind.ts';
import type { ReflectorState } from './reflectorMachine.ts';
import type { Logger } from '../../../core/log/logger.ts';

/** Says of kinds that need not be installed when they are not, and when they come. */
export class ForeignNote {
  readonly #logger: Logger;
  /** Labels of those that were said not to be installed. */
  readonly #missing = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** How the following of one collection of the kind fares. */
  note({ label, whenMissing }: FollowedKind, { fault, synced }: ReflectorState): void {
    if (whenMissing !== null) return;
    if (fault?.type === 'missing') this.#gone(label);
    else if (fault === null && synced && this.#missing.delete(label)) this.#logger.info('a kind of another product is installed now and read', { kind: label });
  }

  #gone(label: string): void {
    if (this.#missing.has(label)) return;
    this.#missing.add(label);
    this.#logger.info('a kind of another product is not installed; looked for again every 10 s', { kind: label });
  }
}
