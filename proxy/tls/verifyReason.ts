/** Node's code of an X.509 verification error → OpenSSL's words for it, which are nginx's. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['UNABLE_TO_GET_ISSUER_CERT', 'unable to get issuer certificate'],
  ['UNABLE_TO_GET_CRL', 'unable to get certificate CRL'],
  ['CERT_SIGNATURE_FAILURE', 'certificate signature failure'],
  ['CRL_SIGNATURE_FAILURE', 'CRL signature failure'],
  ['CERT_NOT_YET_VALID', 'certificate is not yet valid'],
  ['CERT_HAS_EXPIRED', 'certificate has expired'],
  ['CRL_NOT_YET_VALID', 'CRL is not yet valid'],
  ['CRL_HAS_EXPIRED', 'CRL has expired'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unable to get local issuer certificate'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify the first certificate'],
  ['CERT_CHAIN_TOO_LONG', 'certificate chain too long'],
  ['CERT_REVOKED', 'certificate revoked'],
  ['INVALID_CA', 'invalid CA certificate'],
  ['PATH_LENGTH_EXCEEDED', 'path length constraint exceeded'],
  ['INVALID_PURPOSE', 'unsuitable certificate purpose'],
  ['CERT_UNTRUSTED', 'certificate not trusted'],
  ['CERT_REJECTED', 'certificate rejected'],
]);

/** The reason in nginx's `$ssl_client_verify` for Node's verification code; a code without words stands for itself. */
export function verifyReason(code: string): string {
  return REASONS.get(code) ?? code;
}
