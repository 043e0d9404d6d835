import { printValue, type Problem } from '../../core/ir/problem.ts';
import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { Origin } from '../model/objectBase.ts';

/** One fault as a decoder states it; object and position are added by the collector. */
export interface Fault {
  /** Default: error. */
  readonly severity?: 'error' | 'warning';
  /** Field path, `spec.rules[0].host`. */
  readonly field: string;
  readonly rule: string;
  /** The offending value as it was parsed; leave it out when there is none (a missing field). */
  readonly value?: unknown;
  readonly effect: string;
}

/** What a collector knows about the object whose faults it gathers. */
export interface ProblemSubject {
  readonly object: ObjectRef | null;
  readonly origin: Origin | null;
  /** Never print a value: the object is a Secret. */
  readonly redact: boolean;
}

/** Faults of one object beyond this many are counted, not listed (ours): one bad object must not fill memory or logs. */
export const MAX_PROBLEMS_PER_OBJECT = 100;

/** Gathers the problems of one object. */
export class ProblemCollector {
  readonly #subject: ProblemSubject;
  readonly #problems: Problem[] = [];
  #uncounted = 0;

  constructor(subject: ProblemSubject) {
    this.#subject = subject;
  }

  add(fault: Fault): void {
    if (this.#problems.length >= MAX_PROBLEMS_PER_OBJECT) {
      this.#uncounted += 1;
      return;
    }
    this.#problems.push(this.#problem(fault));
  }

  /** All problems so far; the last one says how many were not listed. */
  list(): readonly Problem[] {
    if (this.#uncounted === 0) return this.#problems;
    const rule = `must have fewer than ${MAX_PROBLEMS_PER_OBJECT} faults to have all of them listed`;
    const value = this.#problems.length + this.#uncounted;
    return [...this.#problems, this.#problem({ field: '', rule, value, effect: 'the other faults are not listed' })];
  }

  #problem(fault: Fault): Problem {
    const { object, origin, redact } = this.#subject;
    return {
      severity: fault.severity ?? 'error',
      object,
      position: origin === null ? null : origin.locate(fault.field),
      field: fault.field,
      rule: fault.rule,
      value: redact || fault.value === undefined ? '' : printBriefly(fault.value),
      effect: fault.effect,
    };
  }
}

/** Most that is handed to `printValue`: it quotes the whole text before it cuts it. */
const MAX_TEXT_CHARS = 200;

/** A scalar in printable form; of maps and lists only that they are one, as printing them may cost any amount of memory. */
export function printBriefly(value: unknown): string {
  if (typeof value === 'string') return printValue(value.slice(0, MAX_TEXT_CHARS));
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'a map' : String(value);
}
