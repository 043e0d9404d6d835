import { printRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import { compareText } from '../ingressAge.ts';

/** Problems of one object beyond this many are counted, not listed: one bad object must not fill views and logs. */
const MAX_PER_OBJECT = 100;

/** Problems by object, in a field order that does not depend on the order in which objects came. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  const keyed = problems.map((problem) => ({ problem, object: problem.object === null ? '' : printRef(problem.object) }));
  keyed.sort(
    (a, b) =>
      compareText(a.object, b.object) ||
      compareText(a.problem.field, b.problem.field) ||
      compareText(a.problem.rule, b.problem.rule) ||
      compareText(a.problem.value, b.problem.value),
  );
  const sorted: Problem[] = [];
  for (let start = 0; start < keyed.length; ) {
    let end = start;
    while (keyed[end]?.object === keyed[start]?.object && end < keyed.length) end += 1;
    sorted.push(...capped(keyed.slice(start, end).map(({ problem }) => problem)));
    start = end;
  }
  return sorted;
}

function capped(ofOneObject: readonly Problem[]): readonly Problem[] {
  const [first] = ofOneObject;
  if (ofOneObject.length <= MAX_PER_OBJECT || first === undefined) return ofOneObject;
  const errors = ofOneObject.filter((problem) => problem.severity === 'error');
  const rest: Problem = {
    ...first,
    severity: errors.length > 0 ? 'error' : 'warning',
    field: '',
    rule: `must have at most ${MAX_PER_OBJECT} problems to have all of them listed`,
    value: String(ofOneObject.length),
    effect: 'the other problems are not listed',
  };
  return [...ofOneObject.slice(0, MAX_PER_OBJECT), rest];
}
