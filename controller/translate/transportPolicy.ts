import type { CertificateKey } from '../../core/ir/certificate.ts';
import type { Transport, UpstreamTls } from '../../core/ir/transport.ts';
import { digestOf } from './digest.ts';
import type { SecretName } from './values/secretName.ts';
import type { TlsVersions } from './values/tlsVersions.ts';

/** TLS towards backends as annotations ask for it, before its Secret is looked at. */
export interface BackendTlsWish {
  readonly secret: SecretName | null;
  /** Field path of the annotation that names the Secret. */
  readonly secretField: string;
  readonly verify: boolean;
  readonly verifyField: string;
  readonly verifyDepth: number;
  /** Null: the name of the Service. */
  readonly name: string | null;
  readonly sendsName: boolean;
  readonly versions: TlsVersions;
  readonly ciphers: string | null;
}

/** How an Ingress wants its backends to be spoken to. */
export interface TransportWish {
  readonly protocol: Transport['protocol'];
  readonly tlsWhen: Transport['tlsWhen'];
  /** Null: in clear text. */
  readonly tls: BackendTlsWish | null;
}

/** The same with what the Secret holds; all but the name, which depends on the Service. */
export interface TransportPolicy {
  readonly protocol: Transport['protocol'];
  readonly tlsWhen: Transport['tlsWhen'];
  readonly tls: BackendTlsPolicy | null;
  /** Names all of it, the content of the Secret included. */
  readonly digest: string;
}

/** TLS towards backends; fields as in `UpstreamTls`. */
export interface BackendTlsPolicy extends Pick<UpstreamTls, 'authoritiesPem' | 'verifyDepth' | 'ciphers'> {
  readonly name: string | null;
  readonly sendsName: boolean;
  readonly clientCertificate: CertificateKey | null;
  readonly versions: TlsVersions;
}

/** Connections of equal identities are shared, so no two may ever be equal by chance. */
const IDENTITY_CHARS = 32;

/** Short name of a policy for `TransportPolicy.digest`; certificates are told apart by fingerprint and digest, not by their PEM. */
export function digestTransport(content: readonly unknown[]): string {
  return digestOf(content, IDENTITY_CHARS);
}

/** The transport of one Service; `serviceName` is the DNS name its endpoints stand for. */
export function transportTo(policy: TransportPolicy, serviceName: string): Transport {
  const { protocol, tlsWhen, tls, digest } = policy;
  if (tls === null) return { protocol, tlsWhen, tls: null, identity: digest };
  const name = tls.name ?? serviceName;
  return {
    protocol,
    tlsWhen,
    tls: {
      authoritiesPem: tls.authoritiesPem,
      verifyDepth: tls.verifyDepth,
      serverName: tls.sendsName ? name : null,
      verifyName: name,
      clientCertificate: tls.clientCertificate,
      minVersion: tls.versions.min,
      maxVersion: tls.versions.max,
      ciphers: tls.ciphers,
    },
    identity: digestOf([digest, name], IDENTITY_CHARS),
  };
}
