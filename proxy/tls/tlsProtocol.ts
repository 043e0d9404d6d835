import { constants } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

/**
 * Mozilla's server side TLS guidelines, version 6.0, "intermediate": the suites of TLS 1.3, then the six of TLS 1.2 with
 * forward secrecy and authenticated encryption.
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
] as const;

/** Key exchange groups of the same guidelines, in their order. */
const GROUPS = ['X25519MLKEM768', 'X25519', 'P-256', 'P-384'] as const;

/** Renegotiation is refused: TLS 1.2 clients could make a worker do handshakes without end. */
const SECURE_OPTIONS = constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION;

/** What every TLS server of the proxy is made with. Early data is off in Node. */
export const TLS_PROTOCOL: SecureContextOptions = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: CIPHERS.join(':'),
  ecdhCurve: supportedGroups().join(':'),
  // All suites are strong; the client knows whether it has AES in hardware.
  honorCipherOrder: false,
  secureOptions: SECURE_OPTIONS,
  // Unless a policy names some: no trust anchors are loaded, and OpenSSL completes no chain from them.
  ca: [],
};

/** The groups this build of OpenSSL has: the post-quantum one came with 3.5. */
function supportedGroups(): readonly string[] {
  return GROUPS.filter((group) => {
    try {
      createSecureContext({ ecdhCurve: group, ca: [] });
      return true;
    } catch {
      return false;
    }
  });
}
