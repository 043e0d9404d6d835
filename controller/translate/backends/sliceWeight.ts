import type { Problem } from '../../../core/ir/problem.ts';
import type { EndpointSlice } from '../../model/endpoints.ts';
import { annotationField, OWN_PREFIX } from '../annotations/readAnnotations.ts';
import { problemOf } from '../problemOf.ts';
import { integerBetween } from '../values/integer.ts';

const ANNOTATION = `${OWN_PREFIX}weight`;
const DEFAULT_WEIGHT = 1;
const parseWeight = integerBetween(1, 1000);

/** Weight of the endpoints of a slice: annotation `gatehouse.dev/weight`, 1 to 1000, else 1. */
export function sliceWeight(slice: EndpointSlice): { readonly weight: number; readonly problem: Problem | null } {
  const text = slice.metadata.annotations.get(ANNOTATION) ?? '';
  if (text === '') return { weight: DEFAULT_WEIGHT, problem: null };
  const parsed = parseWeight(text);
  if (parsed.ok) return { weight: parsed.value, problem: null };
  const effect = `the default ${DEFAULT_WEIGHT} is used`;
  const field = annotationField(ANNOTATION);
  const problem = problemOf(slice, { severity: 'error', field, rule: parsed.rule, value: text, effect });
  return { weight: DEFAULT_WEIGHT, problem };
}
