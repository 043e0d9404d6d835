import { LRUCache } from 'lru-cache';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { TLS_PROTOCOL } from './tlsProtocol.ts';
import { applyMapDelta } from '../../core/ir/delta.ts';
import { lookupHost, normalizeHostName, type HostPattern } from '../../core/net/hostPattern.ts';
import type { Certificate, CertificateKey } from '../../core/ir/certificate.ts';
import type { MapDelta } from '../../core/ir/snapshot.ts';

export interface TlsContextsOptions {
  /** Contexts kept at once, about 30 KB each; the one not used for longest is dropped and made again when asked for. */
  readonly maxContexts: number;
}

/** A certificate OpenSSL did not take. Holds nothing of the key. */
export interface CertificateRefusal {
  readonly key: CertificateKey;
  readonly fingerprint: string;
  /** OpenSSL's error code, `ERR_SSL_EE_KEY_TOO_SMALL`. */
  readonly code: string;
}

export interface TlsContextsDependencies {
  /** Called once per version of a certificate that cannot be used; its names get the default certificate meanwhile. Must not throw. */
  readonly onRefused: (refusal: CertificateRefusal) => void;
}

const DEFAULT_KEY = 'default' as CertificateKey;

/**
 * The TLS contexts of one worker: which certificate a server name gets. Contexts are made on the first handshake that needs
 * them and made again only when their certificate changes. A connection keeps the context it was accepted with.
 */
export class TlsContexts {
  readonly #certificates = new Map<CertificateKey, Certificate>();
  readonly #serverNames = new Map<HostPattern, CertificateKey>();
  /** Certificates OpenSSL refused; not tried again on every handshake. */
  readonly #refused = new Set<CertificateKey>();
  readonly #contexts: LRUCache<CertificateKey, SecureContext>;
  readonly #onRefused: (refusal: CertificateRefusal) => void;
  readonly #defaultListeners = new Set<() => void>();
  /** What the default certificate is served with; without a certificate before the first one, so that handshakes fail. */
  #default: { readonly context: SecureContext; readonly options: SecureContextOptions };

  constructor(options: TlsContextsOptions, dependencies: TlsContextsDependencies) {
    this.#contexts = new LRUCache({ max: options.maxContexts });
    this.#onRefused = dependencies.onRefused;
    this.#default = { context: createSecureContext(TLS_PROTOCOL), options: TLS_PROTOCOL };
  }

  /** Takes over changed certificates and names; what they leave alone keeps its context. Never throws for a bad certificate. */
  apply(certificates: MapDelta<CertificateKey, Certificate>, serverNames: MapDelta<HostPattern, CertificateKey>): void {
    const before = this.#certificates.get(DEFAULT_KEY);
    for (const key of certificates.remove) this.#forget(key);
    for (const [key, certificate] of certificates.upsert) {
      const old = this.#certificates.get(key);
      if (old === undefined || !isSameCertificate(old, certificate)) this.#forget(key);
    }
    applyMapDelta(this.#certificates, certificates);
    applyMapDelta(this.#serverNames, serverNames);
    const after = this.#certificates.get(DEFAULT_KEY);
    if (after !== undefined && (before === undefined || !isSameCertificate(before, after))) this.#replaceDefault(after);
  }

  /**
   * The context for a TLS server name: exact, then one-label wildcard, then the default certificate. Anything that is no host
   * name (empty, over-long, NUL, non-ASCII, an address) gets the default. Case and one trailing dot do not matter. Never throws.
   */
  contextFor(serverName: string | undefined): SecureContext {
    const name = serverName === undefined ? null : normalizeHostName(serverName);
    const key = name === null ? undefined : lookupHost(this.#serverNames, name);
    if (key === undefined || key === DEFAULT_KEY) return this.#default.context;
    return this.#contexts.get(key) ?? this.#make(key) ?? this.#default.context;
  }

  /** What a listener must be made with so that clients who name no server get the default certificate. */
  get defaultOptions(): SecureContextOptions {
    return this.#default.options;
  }

  /** Calls `listener` after each change of `defaultOptions`, until the returned function is called. */
  onDefaultChanged(listener: () => void): () => void {
    this.#defaultListeners.add(listener);
    return () => this.#defaultListeners.delete(listener);
  }

  #make(key: CertificateKey): SecureContext | null {
    const certificate = this.#certificates.get(key);
    if (certificate === undefined || this.#refused.has(key)) return null;
    const context = this.#tryContext(key, certificate);
    if (context !== null) this.#contexts.set(key, context);
    return context;
  }

  /** A default certificate that is refused, or removed, leaves the one before in place. */
  #replaceDefault(certificate: Certificate): void {
    const context = this.#tryContext(DEFAULT_KEY, certificate);
    if (context === null) return;
    this.#default = { context, options: optionsOf(certificate) };
    for (const listener of this.#defaultListeners) listener();
  }

  #tryContext(key: CertificateKey, certificate: Certificate): SecureContext | null {
    try {
      return createSecureContext(optionsOf(certificate));
    } catch (error) {
      this.#refused.add(key);
      this.#onRefused({ key, fingerprint: certificate.fingerprint, code: codeOf(error) });
      return null;
    }
  }

  #forget(key: CertificateKey): void {
    this.#contexts.delete(key);
    this.#refused.delete(key);
  }
}

function optionsOf(certificate: Certificate): SecureContextOptions {
  return { ...TLS_PROTOCOL, cert: certificate.chainPem, key: certificate.privateKeyPem };
}

/** The fingerprint is the leaf's: a chain that gained a missing intermediate has changed as well. */
function isSameCertificate(before: Certificate, after: Certificate): boolean {
  return (
    before.fingerprint === after.fingerprint &&
    before.chainPem === after.chainPem &&
    before.privateKeyPem === after.privateKeyPem
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
