import { isIPv4 } from 'node:net';
import type { Certificate, CertificateKey } from '../../core/ir/certificate.ts';
import { applyMapDelta } from '../../core/ir/delta.ts';
import type { MapDelta } from '../../core/ir/snapshot.ts';
import { lookupHost, normalizeHostName, type HostPattern } from '../../core/net/hostPattern.ts';

/** A certificate as it stands in the table: another object for each version of it. */
export interface ServedCertificate {
  readonly certificate: Certificate;
  /** Counts changes: no two versions of any certificates share one. */
  readonly version: number;
}

export interface CertificateTableDependencies {
  /** Tells whether TLS can be served with this certificate; reports it if not. Asked for default certificates when they change. */
  readonly isUsable: (certificate: Certificate) => boolean;
  /** This version will not be selected any more. */
  readonly onRetired: (served: ServedCertificate) => void;
}

const DEFAULT_KEY = 'default' as CertificateKey;

/** The server name of a ClientHello in the form of look-ups; null for none, for addresses and for what is no host name. */
export function serverNameOf(sent: string | null): string | null {
  const name = sent === null ? null : normalizeHostName(sent);
  // RFC 6066 section 3: literal addresses are no server names. Some clients send them all the same.
  return name === null || isIPv4(name) ? null : name;
}

/** Which certificate a server name gets. */
export class CertificateTable {
  readonly #deps: CertificateTableDependencies;
  readonly #certificates = new Map<CertificateKey, ServedCertificate>();
  readonly #serverNames = new Map<HostPattern, CertificateKey>();
  /** Versions that cannot be used; not tried again on every handshake. */
  readonly #refused = new WeakSet<ServedCertificate>();
  #default: ServedCertificate | null = null;
  #version = 0;

  constructor(dependencies: CertificateTableDependencies) {
    this.#deps = dependencies;
  }

  /** Takes over changed certificates and names; what they leave alone keeps its version. Never throws for a bad certificate. */
  apply(certificates: MapDelta<CertificateKey, Certificate>, serverNames: MapDelta<HostPattern, CertificateKey>): void {
    for (const key of certificates.remove) this.#remove(key);
    for (const [key, certificate] of certificates.upsert) this.#set(key, certificate);
    applyMapDelta(this.#serverNames, serverNames);
  }

  /**
   * The certificate for a name of `serverNameOf`: exact, then one-label wildcard, then the default. Null before there is a
   * default: handshakes fail then.
   */
  select(name: string | null): ServedCertificate | null {
    const key = name === null ? undefined : lookupHost(this.#serverNames, name);
    const served = key === undefined || key === DEFAULT_KEY ? undefined : this.#certificates.get(key);
    return served === undefined || this.#refused.has(served) ? this.#default : served;
  }

  /** Never selects this version again; its names get the default. */
  refuse(served: ServedCertificate): void {
    this.#refused.add(served);
  }

  /**
   * Whether a connection that was given the certificate `key` may carry requests for `host`: it would have got the same
   * certificate, or one with the same leaf under another key (a wildcard certificate copied to several namespaces).
   */
  covers(key: CertificateKey, host: string): boolean {
    const best = this.select(normalizeHostName(host))?.certificate;
    if (best === undefined || best.key === key) return best !== undefined;
    const shown = key === DEFAULT_KEY ? this.#default : this.#certificates.get(key);
    return shown?.certificate.fingerprint === best.fingerprint;
  }

  #set(key: CertificateKey, certificate: Certificate): void {
    const old = this.#certificates.get(key);
    if (old !== undefined && isSameCertificate(old.certificate, certificate)) return;
    this.#version += 1;
    const served = { certificate, version: this.#version };
    this.#certificates.set(key, served);
    if (key !== DEFAULT_KEY) {
      if (old !== undefined) this.#deps.onRetired(old);
      return;
    }
    // One that is refused leaves the default before it in place.
    if (!this.#deps.isUsable(certificate)) return;
    if (this.#default !== null) this.#deps.onRetired(this.#default);
    this.#default = served;
  }

  /** A default that is removed goes on being served: there is nothing better. */
  #remove(key: CertificateKey): void {
    const old = this.#certificates.get(key);
    this.#certificates.delete(key);
    if (old !== undefined && key !== DEFAULT_KEY) this.#deps.onRetired(old);
  }
}

/** The fingerprint is the leaf's: a chain that gained a missing intermediate has changed as well. */
function isSameCertificate(before: Certificate, after: Certificate): boolean {
  return (
    before.fingerprint === after.fingerprint &&
    before.chainPem === after.chainPem &&
    before.privateKeyPem === after.privateKeyPem
  );
}
