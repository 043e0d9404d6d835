import { refOf, type Ingress } from '../../model/objects.ts';
import type { Denial } from '../annotations/judgeUnsupported.ts';
import { readAnnotations, type AnnotationValues } from '../annotations/readAnnotations.ts';
import { REDIRECT } from '../annotations/routeRows.ts';
import type { IngressPlan } from '../ingressPlan.ts';
import { memoizeByObject } from '../memoize.ts';
import { expandRules } from './expandRules.ts';
import { planBackendPolicy } from './planBackendPolicy.ts';
import { planCanary } from './planCanary.ts';
import { planRoutePolicy } from './planRoutePolicy.ts';
import type { IngressDefaults } from './readSettings.ts';

/** Everything one Ingress asks for. Remembered as long as Ingress and defaults are the same objects. */
export const planIngress: (ingress: Ingress, defaults: IngressDefaults) => IngressPlan = memoizeByObject(plan);

function plan(ingress: Ingress, defaults: IngressDefaults): IngressPlan {
  const { values, denial, problems } = readAnnotations(ingress);
  const rules = expandRules(ingress);
  const canary = planCanary(ingress, values);
  const policy = planRoutePolicy(values, defaults);
  return {
    ingress,
    ref: refOf(ingress),
    hosts: rules.hosts,
    claims: rules.claims,
    policy,
    backendPolicy: planBackendPolicy(values, defaults.balance),
    redirect: redirectOf(values, defaults),
    denial: denial ?? denialOf(defaults),
    canary: canary.canary,
    problems: [...problems, ...rules.problems, ...canary.problems],
  };
}

function denialOf(defaults: IngressDefaults): Denial | null {
  return defaults.denial === null ? null : { scope: 'ingress', reason: defaults.denial };
}

/** Each of the two annotations overrides its own ConfigMap key, the stronger redirect holds. */
function redirectOf(values: AnnotationValues, defaults: IngressDefaults): IngressPlan['redirect'] {
  if (values.get(REDIRECT.always) ?? defaults.redirect.always) return 'always';
  return (values.get(REDIRECT.withTls) ?? defaults.redirect.withTls) ? 'withTls' : 'never';
}
