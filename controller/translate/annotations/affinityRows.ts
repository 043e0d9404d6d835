import { parseBoolean } from '../values/boolean.ts';
import { oneOf } from '../values/choice.ts';
import { parseCookieDomain, parseCookiePath } from '../values/cookieAttribute.ts';
import { parseInteger } from '../values/integer.ts';
import { parseCookieName } from '../values/token.ts';
import { annotation } from './row.ts';

/** What every row of this group shares but `affinity` itself. */
const COOKIE = { needs: 'affinity', risk: 'medium', scope: 'cluster' } as const;

/** Cookie stickiness. */
export const AFFINITY = {
  type: annotation<'cookie' | null>({
    name: 'affinity',
    parse: oneOf(['cookie']),
    default: null,
    risk: 'medium',
    scope: 'cluster',
    documentation:
      '`cookie`: a client stays with one endpoint. Holds for the paths of this Ingress only; in ingress-nginx it leaks to every Ingress that uses the same Service and port.',
  }),
  mode: annotation<'balanced' | 'persistent'>({
    ...COOKIE,
    name: 'affinity-mode',
    parse: oneOf(['balanced', 'persistent']),
    default: 'balanced',
    documentation:
      '`balanced`: some sessions move when endpoints are added. `persistent`: a session stays as long as its endpoint lives.',
  }),
  name: annotation<string>({
    ...COOKIE,
    name: 'session-cookie-name',
    parse: parseCookieName,
    default: 'INGRESSCOOKIE',
    documentation: 'Name of the cookie.',
  }),
  path: annotation<string | null>({
    ...COOKIE,
    name: 'session-cookie-path',
    parse: parseCookiePath,
    default: null,
    documentation: 'Path attribute; without it the path of the rule that matched.',
  }),
  domain: annotation<string | null>({
    ...COOKIE,
    name: 'session-cookie-domain',
    parse: parseCookieDomain,
    default: null,
    documentation: 'Domain attribute.',
  }),
  expires: annotation<number | null>({
    ...COOKIE,
    name: 'session-cookie-expires',
    parse: parseInteger,
    default: null,
    documentation: 'Seconds from now for the Expires attribute; may be negative.',
  }),
  maxAge: annotation<number | null>({
    ...COOKIE,
    name: 'session-cookie-max-age',
    parse: parseInteger,
    default: null,
    documentation: 'Seconds for the Max-Age attribute.',
  }),
  secure: annotation<boolean>({
    ...COOKIE,
    name: 'session-cookie-secure',
    parse: parseBoolean,
    default: false,
    documentation: '`true`: the Secure attribute also on plain HTTP; else on HTTPS only. HttpOnly is always set.',
  }),
  sameSite: annotation<'None' | 'Lax' | 'Strict' | null>({
    ...COOKIE,
    name: 'session-cookie-samesite',
    parse: oneOf(['None', 'Lax', 'Strict']),
    default: null,
    documentation: 'SameSite attribute.',
  }),
  conditionalSameSiteNone: annotation<boolean>({
    ...COOKIE,
    name: 'session-cookie-conditional-samesite-none',
    parse: parseBoolean,
    default: false,
    documentation: 'Leave `SameSite=None` out for user agents known to mishandle it.',
  }),
  changeOnFailure: annotation<boolean>({
    ...COOKIE,
    name: 'session-cookie-change-on-failure',
    parse: parseBoolean,
    default: false,
    documentation: 'After a failed try choose another endpoint and set the cookie again.',
  }),
} as const;
