import { X509Certificate } from 'node:crypto';
import { RE2JS } from 're2js';
import type { ClientAuth } from '../../core/ir/clientAuth.ts';
import { pemBlocks } from './pemBlocks.ts';

/** A `ClientAuth` made ready for handshakes and requests. */
export interface ClientAuthPolicy {
  readonly auth: ClientAuth;
  /** Read once; those that cannot be read trust nobody. */
  readonly authorities: () => readonly X509Certificate[];
  /** Whether the common name of a subject passes `matchCommonName`. A pattern that cannot be compiled lets none pass. */
  readonly allowsCommonName: (commonName: string) => boolean;
}

/** As for header patterns (proxy/route/headerRule.ts): a match costs at most this times the length of the name. */
const MAX_PATTERN_INSTRUCTIONS = 500;
/** Upper bound of a common name is 64 characters (X.520 ub-common-name); escapes make them longer. */
const MAX_NAME_CHARS = 1024;

/** Compiles a policy. Cheap until its authorities are asked for; never throws. */
export function compileClientAuth(auth: ClientAuth): ClientAuthPolicy {
  let authorities: readonly X509Certificate[] | null = null;
  return {
    auth,
    authorities: () => (authorities ??= readAuthorities(auth.authoritiesPem)),
    allowsCommonName: compilePattern(auth.matchCommonName),
  };
}

function readAuthorities(pem: string): readonly X509Certificate[] {
  return pemBlocks(pem, 'CERTIFICATE').flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      // OpenSSL did not take it either.
      return [];
    }
  });
}

/**
 * The pattern must match `CN=name` from its beginning, so that a name which only holds `CN=admin` is not taken for it; what
 * follows the match is free, as for nginx. RE2 takes time linear in the name, so that no pattern can stall a worker.
 */
function compilePattern(pattern: string | null): (commonName: string) => boolean {
  if (pattern === null) return () => true;
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch {
    // Reported where the annotation is read.
    return () => false;
  }
  if (compiled.programSize() > MAX_PATTERN_INSTRUCTIONS) return () => false;
  return (commonName) => commonName.length <= MAX_NAME_CHARS && compiled.matcher(`CN=${commonName}`).lookingAt();
}
