import { parseBoolean } from '../values/boolean.ts';
import { oneOf } from '../values/choice.ts';
import { parseCommonNamePattern } from '../values/commonNamePattern.ts';
import { integerBetween } from '../values/integer.ts';
import { parseRedirectUrl } from '../values/redirectUrl.ts';
import { parseSecretName, type SecretName } from '../values/secretName.ts';
import { annotation } from './row.ts';

const MAX_DEPTH = 100;

/** What `auth-tls-verify-client` says. */
export type VerifyClient = 'on' | 'off' | 'optional' | 'optional_no_ca';

/** Certificates of clients, for whole hosts. */
export const CLIENT_AUTH = {
  secret: annotation<SecretName | null>({
    name: 'auth-tls-secret',
    parse: parseSecretName,
    default: null,
    denyWhenInvalid: 'host',
    risk: 'medium',
    scope: 'host',
    documentation:
      'Secret of the same namespace with the authorities of client certificates (`ca.crt`) and, if wanted, revocation lists (`ca.crl`). The oldest Ingress of a host that has it decides for the whole host; a younger one that demands anything else of clients answers 503 on its paths there. While the Secret is missing or broken, every path of the host answers 503 (ingress-nginx: 403, and open without `ca.crt`).',
  }),
  verifyClient: annotation<VerifyClient>({
    name: 'auth-tls-verify-client',
    parse: oneOf(['on', 'off', 'optional', 'optional_no_ca']),
    default: 'on',
    denyWhenInvalid: 'host',
    risk: 'medium',
    scope: 'host',
    documentation:
      '`on`: requests without a valid certificate are answered 400. `optional`: those without any pass. `optional_no_ca`: all pass, and the backend judges. `off`: no certificate is asked for.',
  }),
  verifyDepth: annotation<number>({
    name: 'auth-tls-verify-depth',
    parse: integerBetween(0, MAX_DEPTH),
    default: 1,
    denyWhenInvalid: 'host',
    risk: 'medium',
    scope: 'host',
    documentation: 'Most intermediate certificates between that of the client and the authority; 0: none (in ingress-nginx: 1).',
  }),
  errorPage: annotation<string | null>({
    name: 'auth-tls-error-page',
    parse: parseRedirectUrl,
    default: null,
    risk: 'medium',
    scope: 'host',
    documentation:
      'Absolute URL to which clients without a valid certificate are sent (302), instead of the answer 400. Paths and named locations are not supported: they lie on the host that asks for the certificate.',
  }),
  passCertificate: annotation<boolean>({
    name: 'auth-tls-pass-certificate-to-upstream',
    parse: parseBoolean,
    default: false,
    risk: 'medium',
    scope: 'host',
    documentation: 'The backend gets the certificate as `ssl-client-cert` (PEM, percent-encoded).',
  }),
  matchCommonName: annotation<string | null>({
    name: 'auth-tls-match-cn',
    parse: parseCommonNamePattern,
    default: null,
    denyWhenInvalid: 'host',
    risk: 'medium',
    scope: 'host',
    documentation:
      '`CN=` and a pattern. A common name of the certificate must match it from its beginning, with `$` at its end to the end; else the answer is 403. RE2 syntax. ingress-nginx searches the whole subject, in PCRE.',
  }),
} as const;

/** TLS that is not ended here. */
export const PASSTHROUGH = {
  enabled: annotation<boolean>({
    name: 'ssl-passthrough',
    parse: parseBoolean,
    default: false,
    denyWhenInvalid: 'ingress',
    risk: 'medium',
    scope: 'host',
    documentation:
      "TLS connections for the host (by SNI) go unopened to the backend of the host's `/`, whatever else its Ingresses say; plain HTTP is served as on any other host. Counts in the oldest Ingress of the host only. Needs no flag. ingress-nginx passes no wildcard hosts through.",
  }),
} as const;
