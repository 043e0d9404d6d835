import { isDeepStrictEqual } from 'node:util';
import type { BalancePolicy, CookieAffinity } from '../../../core/ir/cluster.ts';
import { AFFINITY } from '../annotations/affinityRows.ts';
import { BALANCE } from '../annotations/balanceRows.ts';
import type { AnnotationValues } from '../annotations/readAnnotations.ts';
import type { BackendPolicy } from '../ingressPlan.ts';

/**
 * How the endpoints of one Ingress are chosen: hashing before the algorithm, as ingress-nginx; stickiness beside either. How
 * they are spoken to is not known before Secrets are (`resolveTransports`).
 */
export function planBackendPolicy(values: AnnotationValues, defaultBalance: BalancePolicy): BackendPolicy {
  const balance = balanceOf(values) ?? defaultBalance;
  const affinity = affinityOf(values);
  return { balance, affinity, hasDefaultBalance: isDeepStrictEqual(balance, defaultBalance), transport: null };
}

function balanceOf(values: AnnotationValues): BalancePolicy | null {
  const key = values.get(BALANCE.hashBy);
  if (key === null) return values.get(BALANCE.algorithm);
  return { type: 'maglev', key, subsetSize: values.get(BALANCE.subset) ? values.get(BALANCE.subsetSize) : 1 };
}

function affinityOf(values: AnnotationValues): CookieAffinity | null {
  if (values.get(AFFINITY.type) === null) return null;
  return {
    name: values.get(AFFINITY.name),
    mode: values.get(AFFINITY.mode),
    path: values.get(AFFINITY.path),
    domain: values.get(AFFINITY.domain),
    expiresSeconds: values.get(AFFINITY.expires),
    maxAgeSeconds: values.get(AFFINITY.maxAge),
    secure: values.get(AFFINITY.secure) ? 'always' : 'auto',
    sameSite: values.get(AFFINITY.sameSite),
    conditionalSameSiteNone: values.get(AFFINITY.conditionalSameSiteNone),
    changeOnFailure: values.get(AFFINITY.changeOnFailure),
  };
}
