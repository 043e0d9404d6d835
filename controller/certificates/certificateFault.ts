/** Something wrong with a TLS Secret: the parts of a Problem that do not depend on who asks. Never holds key material. */
export interface CertificateFault {
  /** `error`: clients will not get this certificate or will refuse it. `warning`: it is served and works. */
  readonly severity: 'error' | 'warning';
  /** `type`, `data[tls.crt]` or `data[tls.key]`. */
  readonly field: string;
  readonly rule: string;
  readonly value: string;
  readonly effect: string;
}

export const CHAIN_FIELD = 'data[tls.crt]';
export const KEY_FIELD = 'data[tls.key]';

const NOT_USED = 'the certificate is not used, its hosts get the default certificate';

/** A fault that keeps the certificate from being served. */
export function refusal(field: string, rule: string, value: string): CertificateFault {
  return { severity: 'error', field, rule, value, effect: NOT_USED };
}

/** A fault that does not. */
export function warning(field: string, rule: string, value: string, effect: string): CertificateFault {
  return { severity: 'warning', field, rule, value, effect };
}
