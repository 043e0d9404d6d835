import { printRef } from '../../core/ir/objectRef.ts';
import type { Problem } from '../../core/ir/problem.ts';
import type { Findings } from './reviewInput.ts';

/**
 * Splits problems into those that a change brings and those that were there before it. The place in a list does not tell
 * problems apart: an entry that moves because another is added keeps its fault.
 */
export function splitFaults({ now, before }: Findings): { readonly added: readonly Problem[]; readonly kept: readonly Problem[] } {
  const left = new Map<string, number>();
  for (const problem of before) left.set(keyOf(problem), (left.get(keyOf(problem)) ?? 0) + 1);
  const added: Problem[] = [];
  const kept: Problem[] = [];
  for (const problem of now) {
    const count = left.get(keyOf(problem)) ?? 0;
    left.set(keyOf(problem), count - 1);
    (count > 0 ? kept : added).push(problem);
  }
  return { added, kept };
}

function keyOf({ severity, object, field, rule, value }: Problem): string {
  const place = field.replaceAll(/\[\d{1,9}\]/g, '[]');
  return JSON.stringify([severity, object === null ? '' : printRef(object), place, rule.replaceAll(/\[\d{1,9}\]/g, '[]'), value]);
}
