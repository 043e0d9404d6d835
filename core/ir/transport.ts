import type { CertificateKey } from './certificate.ts';

/** TLS as a client of a backend (ingress-nginx `proxy-ssl-*`). */
export interface UpstreamTls {
  /** PEM authorities the backend's certificate must lead to; null: the certificate is not verified. */
  readonly authoritiesPem: string | null;
  /** Most intermediate certificates of the chain. */
  readonly verifyDepth: number;
  /** Sent as SNI; null: none is sent. */
  readonly serverName: string | null;
  /** Name the certificate must carry when it is verified. */
  readonly verifyName: string;
  /** Certificate shown to a backend that asks for one; null: none. */
  readonly clientCertificate: CertificateKey | null;
  readonly minVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL cipher list for TLS 1.2 and below; null: Node's. */
  readonly ciphers: string | null;
}

/** How requests are carried to the endpoints of a cluster (ingress-nginx `backend-protocol`). */
export interface Transport {
  /** `http2` without TLS is HTTP/2 with prior knowledge. */
  readonly protocol: 'http1' | 'http2';
  /** Null: in clear text. */
  readonly tls: UpstreamTls | null;
  /** `asClient`: TLS only for requests that came over TLS (AUTO_HTTP). */
  readonly tlsWhen: 'always' | 'asClient';
  /** Names all of the above in short: connections are shared between equal identities only. */
  readonly identity: string;
}
