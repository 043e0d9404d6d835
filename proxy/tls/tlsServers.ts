import { LRUCache } from 'lru-cache';
import { createSecureContext, type Server, type TLSSocket } from 'node:tls';
import type { Certificate, CertificateKey } from '../../core/ir/certificate.ts';
import type { ClientAuthPolicy } from './clientAuthPolicy.ts';
import { CertificateTable, type ServedCertificate } from './certificateTable.ts';
import { deriveTicketKeys, ticketEpoch } from './ticketKeys.ts';
import { certificateOptions, createTlsServer } from './tlsServer.ts';

export interface TlsServersOptions {
  /** Servers kept at once, about 30 KB each; the one not used for longest is dropped and made again when asked for. */
  readonly maxServers: number;
  /** Present settings; a change holds for the next connection. */
  readonly settings: () => TlsSettings;
  /** Ticket keys are derived from it. Never logged. */
  readonly ticketSecret: Buffer;
}

export interface TlsSettings {
  /** From the ClientHello to the end of the handshake. */
  readonly handshakeTimeoutMs: number;
  /** Most wanted first. */
  readonly alpnProtocols: readonly string[];
  readonly sessionTickets: boolean;
}

/** A certificate or a client-authentication policy OpenSSL did not take. Holds nothing of the key. */
export interface CertificateRefusal {
  readonly key: CertificateKey;
  readonly fingerprint: string;
  /** `ClientAuth.identity` where the certificate is good and the policy is not; null: the certificate itself. */
  readonly clientAuth: string | null;
  /** OpenSSL's error code, `ERR_SSL_EE_KEY_TOO_SMALL`. */
  readonly code: string;
}

/** Why a connection never became a TLS connection: an error code such as `ERR_SSL_NO_SHARED_CIPHER` or `ECONNRESET`. */
export interface HandshakeFailure {
  readonly code: string;
}

/** What a handshake is made under. */
export interface TlsChoice {
  readonly server: Server;
  /** Null: handshakes fail. */
  readonly certificate: CertificateKey | null;
  readonly policy: ClientAuthPolicy | null;
}

export interface TlsServersDependencies {
  /** Milliseconds since the epoch: chooses the ticket keys. */
  readonly wallClock: () => number;
  /** Called once per version of what cannot be used. A certificate's names get the default one; a policy's hosts are refused. */
  readonly onRefused: (refusal: CertificateRefusal) => void;
  /** A handshake is done. */
  readonly onSecure: (socket: TLSSocket, choice: TlsChoice) => void;
  /** Called once per failed handshake; the connection is closed already. */
  readonly onFailure: (failure: HandshakeFailure) => void;
}

interface Kept {
  readonly choice: TlsChoice;
  readonly served: ServedCertificate;
  /** Of the ticket keys; null: sessions are not resumed. */
  ticketEpoch: number | null;
}

/**
 * The TLS servers of one worker: one for each certificate, client-authentication policy and protocol list, made by the first
 * handshake that needs it. A connection keeps the server it was given, whatever happens to the entry.
 *
 * Sessions resume within one certificate only, on every worker and after restarts, as ticket keys are derived from the run's
 * secret. They never resume where client certificates are asked for: depth, expiry and revocation are judged anew for each
 * connection (a resumed session lacks the chain), and no session of another policy can be offered there.
 */
export class TlsServers {
  readonly certificates: CertificateTable;
  readonly #options: TlsServersOptions;
  readonly #deps: TlsServersDependencies;
  readonly #kept: LRUCache<string, Kept>;
  /** version of a certificate → its keys in `#kept`. */
  readonly #keysByVersion = new Map<number, Set<string>>();
  #failing: Server | null = null;

  constructor(options: TlsServersOptions, dependencies: TlsServersDependencies) {
    this.#options = options;
    this.#deps = dependencies;
    this.#kept = new LRUCache({ max: options.maxServers, dispose: (kept, key) => this.#dropped(kept, key) });
    this.certificates = new CertificateTable({
      isUsable: (certificate) => this.#isUsable(certificate),
      onRetired: (served) => this.#retire(served),
    });
  }

  /** What a connection with this name (from `serverNameOf`) and policy is served with. Never throws. */
  choose(name: string | null, policy: ClientAuthPolicy | null): TlsChoice {
    const served = this.certificates.select(name);
    if (served === null) return this.failing();
    const settings = this.#options.settings();
    const key = keyOf(served, policy, settings);
    const kept = this.#kept.get(key);
    if (kept !== undefined) return this.#current(kept);
    if (!this.#isUsable(served.certificate)) {
      this.certificates.refuse(served);
      // A default has been tried before it was taken, so that this ends.
      return this.choose(null, policy);
    }
    const made = this.#make(served, policy, settings);
    this.#keep(key, made);
    return made.choice;
  }

  /** A server that completes no handshake: it sends what alert is due. */
  failing(): TlsChoice {
    const { handshakeTimeoutMs } = this.#options.settings();
    this.#failing ??= this.#listen(
      createTlsServer({ certificate: null, policy: null, alpnProtocols: [], handshakeTimeoutMs, ticketKeys: null }),
    );
    return { server: this.#failing, certificate: null, policy: null };
  }

  /** A policy that cannot be used lets nobody in. */
  #make(served: ServedCertificate, policy: ClientAuthPolicy | null, settings: TlsSettings): Kept {
    const { certificate } = served;
    const epoch = settings.sessionTickets && policy === null ? ticketEpoch(this.#deps.wallClock()) : null;
    try {
      const server = createTlsServer({ ...settings, certificate, policy, ticketKeys: epoch === null ? null : this.#ticketKeys(certificate, epoch) });
      const choice: TlsChoice = { server: this.#listen(server), certificate: certificate.key, policy };
      server.on('secureConnection', (socket) => this.#deps.onSecure(socket, choice));
      return { choice, served, ticketEpoch: epoch };
    } catch (error) {
      this.#deps.onRefused({ ...namesOf(certificate), clientAuth: policy?.auth.identity ?? null, code: codeOf(error) });
      return { choice: this.failing(), served, ticketEpoch: null };
    }
  }

  #listen(server: Server): Server {
    // Node leaves the socket open after a handshake timeout unless somebody listens here.
    server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      socket.destroy();
      this.#deps.onFailure({ code: codeOf(error) });
    });
    return server;
  }

  /** Brings the ticket keys to the present half day. */
  #current(kept: Kept): TlsChoice {
    const epoch = ticketEpoch(this.#deps.wallClock());
    if (kept.ticketEpoch !== null && kept.ticketEpoch !== epoch) {
      kept.ticketEpoch = epoch;
      kept.choice.server.setTicketKeys(this.#ticketKeys(kept.served.certificate, epoch));
    }
    return kept.choice;
  }

  #ticketKeys({ fingerprint }: Certificate, epoch: number): Buffer {
    return deriveTicketKeys(this.#options.ticketSecret, { fingerprint, epoch });
  }

  #keep(key: string, made: Kept): void {
    const { version } = made.served;
    const keys = this.#keysByVersion.get(version) ?? new Set();
    this.#keysByVersion.set(version, keys.add(key));
    this.#kept.set(key, made);
  }

  #dropped({ served }: Kept, key: string): void {
    const keys = this.#keysByVersion.get(served.version);
    keys?.delete(key);
    if (keys?.size === 0) this.#keysByVersion.delete(served.version);
  }

  #retire({ version }: ServedCertificate): void {
    for (const key of this.#keysByVersion.get(version) ?? []) this.#kept.delete(key);
  }

  #isUsable(certificate: Certificate): boolean {
    try {
      createSecureContext(certificateOptions(certificate));
      return true;
    } catch (error) {
      this.#deps.onRefused({ ...namesOf(certificate), clientAuth: null, code: codeOf(error) });
      return false;
    }
  }
}

/** JSON keeps the parts apart: identities and protocols are texts of others. */
function keyOf({ version }: ServedCertificate, policy: ClientAuthPolicy | null, settings: TlsSettings): string {
  const { handshakeTimeoutMs, alpnProtocols, sessionTickets } = settings;
  return JSON.stringify([version, handshakeTimeoutMs, sessionTickets, alpnProtocols, policy?.auth.identity]);
}

function namesOf({ key, fingerprint }: Certificate): Pick<CertificateRefusal, 'key' | 'fingerprint'> {
  return { key, fingerprint };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
