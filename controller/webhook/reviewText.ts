import { printRef, type ObjectRef } from '../../core/ir/objectRef.ts';
import type { Problem } from '../../core/ir/problem.ts';

/** Kubernetes asks for warnings of at most 120 characters; clients may cut longer ones. */
const MAX_WARNING_CHARS = 120;
/** Warnings of one answer (ours); the API server drops what exceeds 4 KB together. */
const MAX_WARNINGS = 20;
/** Problems that a denial lists (ours). */
const MAX_LISTED = 20;

/** Every problem on a line of its own, as `field: rule (got value); effect`; of another object with its name in front. */
export function printDenial(problems: readonly Problem[], ref: ObjectRef | null): string {
  const lines = problems.slice(0, MAX_LISTED).map((problem) => printWhole(problem, ref));
  const [only] = lines;
  if (only !== undefined && problems.length === 1) return only;
  if (problems.length > MAX_LISTED) lines.push(`and ${problems.length - MAX_LISTED} more`);
  return [`${problems.length} problems:`, ...lines].join('\n- ');
}

/** Problems as warnings of an answer. */
export function printWarnings(problems: readonly Problem[], ref: ObjectRef | null): readonly string[] {
  const texts = problems.slice(0, MAX_WARNINGS).map((problem) => printWarning(problem, ref));
  const listed = [...new Set(texts)];
  return problems.length > MAX_WARNINGS ? [...listed, `gatehouse: and ${problems.length - MAX_WARNINGS} more problems`] : listed;
}

/** As much as fits: the effect goes first, then the value. */
function printWarning(problem: Problem, ref: ObjectRef | null): string {
  const forms = [printWhole(problem, ref), printRule(problem, ref), printRule({ ...problem, value: '' }, ref)];
  const fitting = forms.find((text) => text.length <= MAX_WARNING_CHARS);
  return fitting ?? `${(forms.at(-1) ?? '').slice(0, MAX_WARNING_CHARS - 1)}…`;
}

function printWhole(problem: Problem, ref: ObjectRef | null): string {
  return `${printRule(problem, ref)}; ${withoutControls(problem.effect)}`;
}

function printRule({ object, field, rule, value }: Problem, ref: ObjectRef | null): string {
  const isOther = object !== null && ref !== null && printRef(object) !== printRef(ref);
  const subject = isOther ? `${printRef(object)}: ` : '';
  return withoutControls(`${subject}${field === '' ? '' : `${field}: `}${rule}${value === '' ? '' : ` (got ${value})`}`);
}

/** Warnings travel in a header, denials to terminals. */
function withoutControls(text: string): string {
  return text.replaceAll(/\p{C}/gu, '?').toWellFormed();
}
