/** What a virtual host asks of its clients' certificates (ingress-nginx `auth-tls-*`). Holds for the whole host name. */
export interface ClientAuth {
  /** Names the policy by its content: TLS sessions resume, and connections serve requests, within one policy only. */
  readonly identity: string;
  /** PEM authorities, also offered to clients as acceptable issuers. */
  readonly authoritiesPem: string;
  /** PEM revocation lists; null: none. */
  readonly crlPem: string | null;
  /** `optionalNoCa`: a certificate is asked for but not verified; the backend judges it. */
  readonly mode: 'required' | 'optional' | 'optionalNoCa';
  /** Most intermediate certificates of the chain. */
  readonly depth: number;
  /** Give the backend the certificate itself (`ssl-client-cert`). */
  readonly passCertificate: boolean;
  /** Where a client without a valid certificate is sent (302); null: answered 400 with a page. */
  readonly errorPage: string | null;
  /** RE2 pattern the subject's `CN=...` must match; null: any. */
  readonly matchCommonName: string | null;
}
