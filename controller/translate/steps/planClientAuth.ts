import type { ClientAuth } from '../../../core/ir/clientAuth.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import type { Ingress } from '../../model/ingress.ts';
import { CLIENT_AUTH, type VerifyClient } from '../annotations/clientTlsRows.ts';
import { denialEffect, type Denial } from '../annotations/judgeUnsupported.ts';
import type { AnnotationValues } from '../annotations/readAnnotations.ts';
import type { ClientAuthWish } from '../clientAuthWish.ts';
import { problemOf } from '../problemOf.ts';

const MODES = { on: 'required', optional: 'optional', optional_no_ca: 'optionalNoCa' } as const satisfies Record<
  Exclude<VerifyClient, 'off'>,
  ClientAuth['mode']
>;

/** What was found out about the certificates of an Ingress's clients. */
export interface PlannedClientAuth {
  /** Null: the Ingress says nothing about them, or nothing that can be used. */
  readonly wish: ClientAuthWish | null;
  readonly denial: Denial | null;
  readonly problems: readonly Problem[];
}

const NOTHING: PlannedClientAuth = { wish: null, denial: null, problems: [] };

/**
 * Reads the `auth-tls-*` annotations. Any of them without the Secret is taken as a host that was meant to be protected, and
 * denies it; ingress-nginx serves it without protection.
 */
export function planClientAuth(ingress: Ingress, values: AnnotationValues): PlannedClientAuth {
  const verify = values.get(CLIENT_AUTH.verifyClient);
  if (verify === 'off') {
    return { ...NOTHING, wish: { type: 'off', field: values.fieldOf(CLIENT_AUTH.verifyClient) } };
  }
  const secret = values.get(CLIENT_AUTH.secret);
  if (secret === null) return values.isWritten(CLIENT_AUTH.secret) ? NOTHING : withoutSecret(ingress, values);
  const wish: ClientAuthWish = {
    type: 'asked',
    field: values.fieldOf(CLIENT_AUTH.secret),
    secret,
    mode: MODES[verify],
    depth: values.get(CLIENT_AUTH.verifyDepth),
    passCertificate: values.get(CLIENT_AUTH.passCertificate),
    errorPage: values.get(CLIENT_AUTH.errorPage),
    matchCommonName: values.get(CLIENT_AUTH.matchCommonName),
  };
  return { ...NOTHING, wish };
}

function withoutSecret(ingress: Ingress, values: AnnotationValues): PlannedClientAuth {
  const asking = Object.values(CLIENT_AUTH).find((row) => values.isWritten(row) && !asksForNothing(row, values));
  if (asking === undefined) return NOTHING;
  const rule = 'takes effect only together with auth-tls-secret';
  const effect = denialEffect('host');
  return {
    wish: null,
    denial: { scope: 'host', reason: `annotation ${asking.name} is set without auth-tls-secret` },
    problems: [problemOf(ingress, { severity: 'error', field: values.fieldOf(asking), rule, effect })],
  };
}

/** `auth-tls-pass-certificate-to-upstream: "false"` is what holds anyway. */
function asksForNothing(row: { readonly name: string }, values: AnnotationValues): boolean {
  return row.name === CLIENT_AUTH.passCertificate.name && !values.get(CLIENT_AUTH.passCertificate);
}
