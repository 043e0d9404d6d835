import type { Ingress } from '../../model/ingress.ts';
import { refOf } from '../../model/objects.ts';
import { PASSTHROUGH } from '../annotations/clientTlsRows.ts';
import { widerDenial, type Denial } from '../annotations/judgeUnsupported.ts';
import { readAnnotations, type AnnotationValues } from '../annotations/readAnnotations.ts';
import { REDIRECT } from '../annotations/routeRows.ts';
import type { IngressPlan } from '../ingressPlan.ts';
import { memoizeByObject } from '../memoize.ts';
import { expandRules } from './expandRules.ts';
import { planBackendPolicy } from './planBackendPolicy.ts';
import { planCanary } from './planCanary.ts';
import { planClientAuth } from './planClientAuth.ts';
import { planRoutePolicy } from './planRoutePolicy.ts';
import { planTransport } from './planTransport.ts';
import type { IngressDefaults } from './readSettings.ts';

const NO_HOSTS: IngressPlan['refusedHosts'] = new Map();

/** Everything one Ingress asks for. Remembered as long as Ingress and defaults are the same objects. */
export const planIngress: (ingress: Ingress, defaults: IngressDefaults) => IngressPlan = memoizeByObject(plan);

function plan(ingress: Ingress, defaults: IngressDefaults): IngressPlan {
  const { values, denial, problems } = readAnnotations(ingress);
  const rules = expandRules(ingress);
  const canary = planCanary(ingress, values);
  const policy = planRoutePolicy(values, defaults);
  const transport = planTransport(ingress, values);
  const clientAuth = planClientAuth(ingress, values);
  return {
    ingress,
    ref: refOf(ingress),
    hosts: rules.hosts,
    claims: rules.claims,
    policy,
    backendPolicy: planBackendPolicy(values, defaults.balance),
    transportWish: transport.wish,
    clientAuthWish: clientAuth.wish,
    passthroughField: values.get(PASSTHROUGH.enabled) ? values.fieldOf(PASSTHROUGH.enabled) : null,
    redirect: redirectOf(values, defaults),
    denial: widerDenial(widerDenial(denial, clientAuth.denial), denialOf(defaults)),
    refusedHosts: NO_HOSTS,
    canary: canary.canary,
    problems: [...problems, ...rules.problems, ...canary.problems, ...transport.problems, ...clientAuth.problems],
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
