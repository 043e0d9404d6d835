import type { Problem } from '../../../core/ir/problem.ts';
import type { Ingress } from '../../model/ingress.ts';
import { CANARY, SMALLEST_WEIGHT_TOTAL } from '../annotations/canaryRows.ts';
import type { AnnotationValues } from '../annotations/readAnnotations.ts';
import type { CanaryRule } from '../ingressPlan.ts';
import { problemOf } from '../problemOf.ts';

/** Annotations that mean a canary, and are lost on an Ingress that is not marked as one. */
const CANARY_ONLY = [CANARY.header, CANARY.headerValue, CANARY.headerPattern, CANARY.cookie, CANARY.weight, CANARY.weightTotal];

/** When the Ingress takes requests as a canary; null for an ordinary Ingress. */
export function planCanary(
  ingress: Ingress,
  values: AnnotationValues,
): { readonly canary: CanaryRule | null; readonly problems: readonly Problem[] } {
  if (!values.get(CANARY.enabled)) return { canary: null, problems: strayProblems(ingress, values) };
  const weightTotal = Math.max(values.get(CANARY.weightTotal), SMALLEST_WEIGHT_TOTAL);
  const canary: CanaryRule = {
    header: headerOf(values),
    cookie: values.get(CANARY.cookie),
    weight: Math.min(Math.max(values.get(CANARY.weight), 0), weightTotal),
    weightTotal,
    affinity: values.get(CANARY.affinity),
  };
  return { canary, problems: ignoredPatternProblems(ingress, values) };
}

/** The exact value goes before the pattern; without either, `always` and `never` count. */
function headerOf(values: AnnotationValues): CanaryRule['header'] {
  const name = values.get(CANARY.header);
  if (name === null) return null;
  const value = values.get(CANARY.headerValue);
  if (value !== null) return { name, rule: { type: 'value', value } };
  return { name, rule: values.get(CANARY.headerPattern) ?? { type: 'alwaysNever' } };
}

function ignoredPatternProblems(ingress: Ingress, values: AnnotationValues): Problem[] {
  if (!values.has(CANARY.headerPattern) || !values.has(CANARY.headerValue)) return [];
  return [
    problemOf(ingress, {
      severity: 'warning',
      field: values.fieldOf(CANARY.headerPattern),
      rule: `must not stand beside ${CANARY.headerValue.name}`,
      effect: 'the pattern has no effect',
    }),
  ];
}

function strayProblems(ingress: Ingress, values: AnnotationValues): Problem[] {
  const stray = CANARY_ONLY.find((row) => values.has(row));
  if (stray === undefined) return [];
  return [
    problemOf(ingress, {
      severity: 'error',
      field: values.fieldOf(stray),
      rule: `takes effect only together with ${CANARY.enabled.name}: "true"`,
      effect: 'the Ingress is served as an ordinary one',
    }),
  ];
}
