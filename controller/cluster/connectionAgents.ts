import http from 'node:http';
import https from 'node:https';
import type { TlsSettings } from './kubeConnection.ts';

/** Where connections to the API server come from. */
export interface ConnectionAgents {
  /** Kept connections, for requests. */
  readonly pooled: http.Agent;
  /** A connection of its own each, for watches. */
  readonly single: http.Agent;
}

/** Ours: lists of all kinds at once, and the writers; what is more waits. */
const MAX_REQUEST_CONNECTIONS = 16;
/** Ours: below the 90 s after which API servers close idle connections, which else cost the next request its answer. */
const IDLE_CONNECTION_MS = 45_000;

/** Agents for the TLS settings of the moment; new ones when a certificate changes. */
export class AgentPool {
  readonly #secure: boolean;
  #settings: TlsSettings | null = null;
  #agents: ConnectionAgents | null = null;

  constructor(secure: boolean) {
    this.#secure = secure;
  }

  /** The agents for these settings. Connections of earlier ones end with what they carry. */
  for(settings: TlsSettings): ConnectionAgents {
    if (this.#agents !== null && this.#settings !== null && isSame(this.#settings, settings)) return this.#agents;
    this.#settings = settings;
    this.#agents = this.#secure ? secureAgents(settings) : plainAgents();
    return this.#agents;
  }

  /** Closes all connections of the last agents. */
  close(): void {
    this.#agents?.pooled.destroy();
    this.#agents?.single.destroy();
    this.#agents = null;
  }
}

const POOLED = {
  keepAlive: true,
  maxSockets: MAX_REQUEST_CONNECTIONS,
  maxFreeSockets: MAX_REQUEST_CONNECTIONS,
  timeout: IDLE_CONNECTION_MS,
  scheduling: 'lifo',
} as const;

function secureAgents(settings: TlsSettings): ConnectionAgents {
  // Watch and request connections are HTTP/1.1: a watch that stalls must not hold up others.
  const tls = { ...settings, ALPNProtocols: ['http/1.1'] };
  return { pooled: new https.Agent({ ...POOLED, ...tls }), single: new https.Agent(tls) };
}

function plainAgents(): ConnectionAgents {
  return { pooled: new http.Agent(POOLED), single: new http.Agent({}) };
}

function isSame(one: TlsSettings, other: TlsSettings): boolean {
  if (one.servername !== other.servername || one.rejectUnauthorized !== other.rejectUnauthorized) return false;
  return isSameText(one.ca, other.ca) && isSameText(one.cert, other.cert) && isSameText(one.key, other.key);
}

function isSameText(one: string | Buffer | undefined, other: string | Buffer | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return Buffer.from(one).equals(Buffer.from(other));
}
