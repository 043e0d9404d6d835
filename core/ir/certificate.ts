/** `namespace/secret`, or `default` for the certificate made at start. */
export type CertificateKey = string & { readonly brand: 'CertificateKey' };

/** A certificate chain with its private key, checked to belong together. */
export interface Certificate {
  readonly key: CertificateKey;
  /** Leaf first, PEM. */
  readonly chainPem: string;
  /** Secret: redacted in every print, never logged. */
  readonly privateKeyPem: string;
  /** SHA-256 of the leaf, hex: tells a changed certificate from an unchanged one. */
  readonly fingerprint: string;
  /** ms since the epoch. */
  readonly notAfterMs: number;
}
