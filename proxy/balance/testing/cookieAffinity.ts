import type { CookieAffinity } from '../../../core/ir/cluster.ts';

/** Session affinity as the annotation `affinity: cookie` alone asks for it. */
export const COOKIE_AFFINITY: CookieAffinity = {
  name: 'INGRESSCOOKIE',
  mode: 'balanced',
  path: null,
  domain: null,
  expiresSeconds: null,
  maxAgeSeconds: null,
  secure: 'auto',
  sameSite: null,
  conditionalSameSiteNone: false,
  changeOnFailure: false,
};
