import { printRef, type ObjectRef } from './objectRef.ts';

/** Where in a file an object or a field stands. `line` counts from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
}

/**
 * Something wrong with one object, in the form every view prints it: which object and field, the rule that is broken,
 * the value that broke it, and what Gatehouse does instead.
 */
export interface Problem {
  /** `error`: something the user asked for is not served. `warning`: it is served, but not quite as written. */
  readonly severity: 'error' | 'warning';
  /** Null when the text could not be read far enough to know which object it is. */
  readonly object: ObjectRef | null;
  /** Null when the object came from an API server. */
  readonly position: SourcePosition | null;
  /** Path of the field as kubectl prints it, `spec.rules[0].http.paths[1].path`; empty when the whole object is meant. */
  readonly field: string;
  /** The rule in words: `must begin with "/"`. */
  readonly rule: string;
  /** The offending value, cut to a printable length; never a secret. */
  readonly value: string;
  /** What happens instead: `the rule is left out`, `the default 60s is used`. */
  readonly effect: string;
}

const MAX_VALUE_CHARS = 120;
/** What JSON leaves as it is and a terminal obeys: controls beyond ASCII, marks that turn the direction of text, line separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** A value in printable form for `Problem.value`: JSON, one line, at most 120 characters. */
export function printValue(value: unknown): string {
  const text = (JSON.stringify(value) ?? 'undefined').replace(UNPRINTABLE, escape);
  return text.length <= MAX_VALUE_CHARS ? text : `${text.slice(0, MAX_VALUE_CHARS - 1)}…`;
}

function escape(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}

/** One line for a terminal or a log: `file:line: error: Ingress shop/web: spec.x: rule (value) → effect`. */
export function printProblem(problem: Problem): string {
  const where = problem.position === null ? '' : `${problem.position.file}:${problem.position.line}: `;
  const subject = problem.object === null ? '' : `${printRef(problem.object)}: `;
  const field = problem.field === '' ? '' : `${problem.field}: `;
  const value = problem.value === '' ? '' : ` (got ${problem.value})`;
  return `${where}${problem.severity}: ${subject}${field}${problem.rule}${value}; ${problem.effect}`;
}
