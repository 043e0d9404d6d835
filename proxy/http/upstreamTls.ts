import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext, type ConnectionOptions, type SecureContext, type TLSSocket } from 'node:tls';
import { LRUCache } from 'lru-cache';
import type { Certificate, CertificateKey } from '../../core/ir/certificate.ts';
import type { Transport, UpstreamTls } from '../../core/ir/transport.ts';
import { intermediatesOf } from './certificatePath.ts';

/** Identities whose contexts are kept at once; one costs some 100 KB with a large bundle of authorities. */
const MAX_CONTEXTS = 1000;
/** Sessions kept for resumption, one per endpoint and identity; some 2 KB each. */
const MAX_SESSIONS = 2000;
/** A certificate is looked at anew at least so often, though its session would live on. */
const SESSION_TTL_MS = 600_000;
/** `UpstreamTls.ciphers` speaks of TLS 1.2 and below, and Node takes a list without these as a ban on TLS 1.3. */
const TLS13_CIPHERS = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256';
/** A host name as certificates carry it (RFC 9525 section 6.3). A leading dot would stand for every name below. */
const HOST_NAME = /^[a-z0-9_][a-z0-9_.-]{0,252}$/i;
/** Whole labels only, one label per wildcard, and never the common name (RFC 9525 section 6.3). */
const NAME_RULES = { subject: 'never', partialWildcards: false, multiLabelWildcards: false } as const;

export interface UpstreamTlsDependencies {
  /** Certificate to show to backends; undefined: the snapshot has none of that key. */
  readonly certificate: (key: CertificateKey) => Certificate | undefined;
}

/** The TLS identities of one worker, each with its context. Made when first needed. */
export class UpstreamTlsIdentities {
  readonly #dependencies: UpstreamTlsDependencies;
  /** `UpstreamTlsIdentity.key` → the identity, or why it cannot be used. */
  readonly #known = new LRUCache<string, UpstreamTlsIdentity | string>({ max: MAX_CONTEXTS });
  /** `identity endpoint` → last session. */
  readonly #sessions = new LRUCache<string, Buffer>({ max: MAX_SESSIONS, ttl: SESSION_TTL_MS });

  constructor(dependencies: UpstreamTlsDependencies) {
    this.#dependencies = dependencies;
  }

  /** What connections of this transport are made with; a text: why there can be none. */
  find(identity: Transport['identity'], tls: UpstreamTls): UpstreamTlsIdentity | string {
    let certificate: Certificate | undefined;
    let key: string = identity;
    if (tls.clientCertificate !== null) {
      certificate = this.#dependencies.certificate(tls.clientCertificate);
      if (certificate === undefined) return `no client certificate ${tls.clientCertificate}`;
      // A certificate of other content is somebody else, and gets connections of its own.
      key = `${identity}#${certificate.fingerprint}`;
    }
    let known = this.#known.get(key);
    if (known === undefined) {
      known = makeIdentity(key, tls, { certificate, sessions: this.#sessions });
      this.#known.set(key, known);
    }
    return known;
  }
}

function makeIdentity(key: string, tls: UpstreamTls, own: OwnParts): UpstreamTlsIdentity | string {
  try {
    return new UpstreamTlsIdentity(key, tls, own);
  } catch (error) {
    return `these TLS settings cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  }
}

interface OwnParts {
  readonly certificate: Certificate | undefined;
  readonly sessions: LRUCache<string, Buffer>;
}

/** Who the proxy is towards a backend, and whom it takes the backend for. Connections belong to one identity. */
export class UpstreamTlsIdentity {
  /** Equal for equal identities only, content of the client certificate included. */
  readonly key: string;
  readonly #tls: UpstreamTls;
  readonly #context: SecureContext;
  readonly #authorities: readonly X509Certificate[];
  readonly #sessions: LRUCache<string, Buffer>;

  /** Throws what OpenSSL says of settings it cannot take. */
  constructor(key: string, tls: UpstreamTls, { certificate, sessions }: OwnParts) {
    this.key = key;
    this.#tls = tls;
    this.#sessions = sessions;
    this.#authorities = tls.authoritiesPem === null ? [] : parseCertificates(tls.authoritiesPem);
    this.#context = createSecureContext({
      minVersion: tls.minVersion,
      maxVersion: tls.maxVersion,
      ...(tls.authoritiesPem === null ? {} : { ca: tls.authoritiesPem }),
      ...(tls.ciphers === null ? {} : { ciphers: `${tls.ciphers}:${TLS13_CIPHERS}` }),
      ...(certificate === undefined ? {} : { cert: certificate.chainPem, key: certificate.privateKeyPem }),
    });
  }

  /** TLS part of the options to connect to an endpoint with; `endpointKey` as the function of that name makes it. */
  options(endpointKey: string, alpnProtocol: 'http/1.1' | 'h2'): ConnectionOptions {
    const session = this.#sessions.get(this.#sessionKey(endpointKey, alpnProtocol));
    return {
      secureContext: this.#context,
      // Empty: none is sent; left out, Node would send the host it connects to.
      servername: this.#tls.serverName ?? '',
      ALPNProtocols: [alpnProtocol],
      // Judged by `prepare`, which sees more than Node's own check and never what crashes it.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(session === undefined ? {} : { session }),
    };
  }

  /**
   * Takes a socket that has just been made with `options`, and calls back once when its handshake is over: null when the
   * backend may be spoken to, else why not. Until then, and after a refusal, nothing must be written.
   */
  prepare(socket: TLSSocket, endpointKey: string, done: (refusal: string | null) => void): void {
    // Node hands the whole certificate to checkServerIdentity as an object, and crashes while making it from some curves.
    Reflect.set(socket, 'getPeerCertificate', () => ({}));
    let accepted = false;
    let sessionKey = '';
    socket.once('secureConnect', () => {
      sessionKey = this.#sessionKey(endpointKey, socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1');
      const refusal = this.#judge(socket);
      accepted = refusal === null;
      if (!accepted) this.#sessions.delete(sessionKey);
      done(refusal);
    });
    socket.on('session', (session: Buffer) => {
      // What a resumed session leads to is no younger than the handshake in which the certificate was looked at.
      const resumed = socket.isSessionReused();
      if (accepted && (!resumed || this.#sessions.has(sessionKey))) this.#sessions.set(sessionKey, session, { noUpdateTTL: resumed });
    });
  }

  #sessionKey(endpointKey: string, alpnProtocol: string): string {
    return `${this.key} ${endpointKey} ${alpnProtocol}`;
  }

  #judge(socket: TLSSocket): string | null {
    const { authoritiesPem, verifyName, verifyDepth } = this.#tls;
    if (authoritiesPem === null) return null;
    if (!socket.authorized) return `the backend's certificate is refused: ${describe(socket.authorizationError)}`;
    // A resumed session brings no certificate along; its first handshake was judged, under this same identity.
    if (socket.isSessionReused()) return null;
    const leaf = socket.getPeerX509Certificate();
    if (leaf === undefined) return 'the backend showed no certificate';
    if (!namesHost(leaf, verifyName)) return `the backend's certificate does not name ${verifyName}`;
    const intermediates = intermediatesOf(leaf, this.#authorities);
    if (intermediates > verifyDepth) return `more than ${verifyDepth} intermediate certificates`;
    return null;
  }
}

function namesHost(leaf: X509Certificate, name: string): boolean {
  if (isIP(name) !== 0) return leaf.checkIP(name) !== undefined;
  const absolute = name.endsWith('.') ? name.slice(0, -1) : name;
  return HOST_NAME.test(absolute) && leaf.checkHost(absolute, NAME_RULES) !== undefined;
}

/** Node types it as an Error and gives OpenSSL's code as a text. */
function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const PEM_END = '-----END CERTIFICATE-----';

function parseCertificates(pem: string): X509Certificate[] {
  const parts = pem.split(PEM_END).slice(0, -1);
  return parts.map((part) => new X509Certificate(part.slice(part.indexOf('-----BEGIN')) + PEM_END));
}
