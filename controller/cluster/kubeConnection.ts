import type { Agent } from 'node:http';

/** What one request needs to reach the API server as somebody: headers that prove who asks, and TLS settings. */
export interface RequestSettings {
  /** Authorization, Impersonate-User and the like. Never logged. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsSettings;
  /** An agent that goes through a proxy (kubeconfig `proxy-url`); null: connect directly. */
  readonly proxyAgent: Agent | null;
}

/** TLS towards the API server; what is absent is Node's default. */
export interface TlsSettings {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

/** Which API server, and as whom. */
export interface KubeConnection {
  /** Its path, if any, stands before every request's own. */
  readonly server: URL;
  /** Namespace of the context or of the Pod's ServiceAccount; null when neither says. */
  readonly namespace: string | null;
  /** For logs: `context "kind" of /home/ann/.kube/config`, `in-cluster ServiceAccount`. */
  readonly description: string;
  /** Asked before each request, as tokens rotate. Rejects when credentials cannot be had. */
  settings(): Promise<RequestSettings>;
  /** The API server said 401: read credentials anew where they come from. Never rejects. */
  renew(): Promise<void>;
}

/** The settings that lead to the API server cannot be used; the message says what to do. */
export class KubeConfigError extends Error {
  override readonly name = 'KubeConfigError';
}
