import { printValue, type Problem } from '../../core/ir/problem.ts';
import { refOf, type KubeObject } from '../model/objects.ts';

/** What is wrong with one field of an object. */
export interface Finding {
  readonly severity: Problem['severity'];
  readonly field: string;
  readonly rule: string;
  /** The offending value as read; undefined prints nothing. Never a secret. */
  readonly value?: unknown;
  readonly effect: string;
}

/** Most of a text that is handed to `printValue`, which quotes all of it before it cuts. */
const MAX_TEXT_CHARS = 200;

/** The problem that names an object, its field and, where known, the line. */
export function problemOf(object: KubeObject, finding: Finding): Problem {
  return {
    severity: finding.severity,
    object: refOf(object),
    position: object.origin?.locate(finding.field) ?? null,
    field: finding.field,
    rule: finding.rule,
    value: printFinding(finding.value),
    effect: finding.effect,
  };
}

function printFinding(value: unknown): string {
  if (value === undefined) return '';
  return printValue(typeof value === 'string' ? value.slice(0, MAX_TEXT_CHARS) : value);
}
