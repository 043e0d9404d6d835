import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { ADMIN, callerOf } from './access/accounts.ts';
import { makeCertificate, type KeyAndCertificate } from './access/serverCertificate.ts';
import { adminOf, type AdminClient } from './admin.ts';
import { admitByWebhooks } from './admission/webhooks.ts';
import { bootstrap } from './bootstrap.ts';
import { CORE } from './builtins/core.ts';
import { EVENTS } from './builtins/event.ts';
import { NETWORKING } from './builtins/networking.ts';
import { OTHER } from './builtins/other.ts';
import { DEFAULT_RANGES, type ServiceRanges } from './builtins/service/serviceAddresses.ts';
import { serviceType } from './builtins/service/serviceType.ts';
import { followDeletions } from './controllers/garbageCollector.ts';
import { CRD_TYPE } from './crd/crdType.ts';
import { followDefinitions } from './crd/crdController.ts';
import { reservePort } from '../support/reservePort.ts';
import { createFaults, type Faults } from './faults.ts';
import { handleRequest, type LoggedRequest } from './http/apiHandler.ts';
import type { OpenWatch } from './http/watchStream.ts';
import { kubeconfigText } from './kubeconfig.ts';
import { createRegistry } from './registry.ts';
import { createStorage, type Storage } from './storage/storage.ts';
import type { Caller, Engine } from './verbs/engine.ts';

/** How a server is to be. */
export interface ApiServerOptions {
  /** HTTPS with a certificate of its own authority; default true. */
  readonly tls?: boolean;
  /** 0, the default: any free one. */
  readonly port?: number;
  /** RBAC is enforced; default: everybody may do everything. */
  readonly rbac?: boolean;
  /** How often watches that allow it get a bookmark; default 60 s, as the real one. */
  readonly bookmarkIntervalMs?: number;
  /** Changes kept per kind, at least; what is older is compacted. Default 100,000. */
  readonly historyLimit?: number;
  /** Garbage collection and the end of Namespaces, which kube-controller-manager does; default true. */
  readonly controllers?: boolean;
  readonly serviceRanges?: ServiceRanges;
  /** Where webhooks that name a Service are reached: `namespace/name` → `host:port`. */
  readonly webhookServices?: ReadonlyMap<string, string>;
  /** ms since the epoch. */
  readonly now?: () => number;
}

/** A running server. */
export interface TestApiServer extends AdminClient {
  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  /** PEM of who signed its certificate; null without TLS. */
  readonly authorityPem: string | null;
  /** Text of a kubeconfig file; default: an administrator. A service account is `system:serviceaccount:NAMESPACE:NAME`. */
  kubeconfig(options?: { readonly user?: string; readonly groups?: readonly string[] }): string;
  /** A bearer token of that user. */
  token(user: string, groups?: readonly string[]): string;
  /** Stops listening and breaks every connection; the state stays. Idempotent. */
  pause(): Promise<void>;
  /** Listens again on the same port. Idempotent. */
  resume(): Promise<void>;
  /** Ends everything. Idempotent. */
  stop(): Promise<void>;
  readonly faults: Faults;
  /** What was asked so far, oldest first; at most the last 100,000. */
  readonly requests: LoggedRequest[];
  readonly storage: Storage;
}

const MAX_LOGGED = 100_000;
let authority: { readonly root: KeyAndCertificate; readonly server: KeyAndCertificate } | null = null;

function certificates(): { readonly root: KeyAndCertificate; readonly server: KeyAndCertificate } {
  if (authority === null) {
    const root = makeCertificate({ commonName: 'test-apiserver-ca', issuer: null });
    const server = makeCertificate({ commonName: 'kube-apiserver', dnsNames: ['localhost', 'kubernetes.default.svc'], addresses: ['127.0.0.1'], issuer: root });
    authority = { root, server };
  }
  return authority;
}

/** An API server of a fresh cluster on loopback. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<TestApiServer> {
  const ranges = options.serviceRanges ?? DEFAULT_RANGES;
  const registry = createRegistry([...CORE, serviceType(ranges), ...EVENTS, ...NETWORKING, ...OTHER, CRD_TYPE]);
  const storage = createStorage(options.historyLimit ?? 100_000);
  const now = options.now ?? Date.now;
  const engine: Engine = {
    storage, registry, now, admit: (request) => admitByWebhooks(storage, options.webhookServices ?? new Map<string, string>(), request),
  };
  followDefinitions(engine);
  if (options.controllers !== false) {
    const follow = followDeletions(engine);
    storage.subscribe(CRD_TYPE.table, () => registry.all().forEach(follow));
  }
  await bootstrap(engine, ranges);
  const tokens = new Map<string, Caller>();
  const requests: LoggedRequest[] = [];
  const open = new Set<OpenWatch>();
  const faults = createFaults({
    cutWatches: () => open.forEach((watch) => watch.cut()), expireWatches: () => open.forEach((watch) => watch.expire()), compact: () => storage.compact(),
  });
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    void handleRequest({
      engine, faults, tokens, rbac: options.rbac ?? false,
      streams: { open, bookmarkIntervalMs: options.bookmarkIntervalMs ?? 60_000, delayMs: faults.watchDelayMs, goneByStatus: faults.goneByStatus },
      log(line) {
        requests.push(line);
        if (requests.length > MAX_LOGGED) requests.splice(0, MAX_LOGGED / 10);
      },
    }, request, response);
  };
  const secure = options.tls ?? true;
  const listener = listenerOf(secure, handler);
  await listener.listen(options.port ?? 0);
  const { port } = listener.server.address() as AddressInfo;
  // Clients go on asking during a pause: nobody else may listen there then.
  let release = reservePort(port);
  const url = `${secure ? 'https' : 'http'}://127.0.0.1:${port}`;
  const token = (user: string, groups: readonly string[] = []): string => {
    const value = `${encodeURIComponent(user)}-${randomUUID()}`;
    tokens.set(value, user === ADMIN.name ? ADMIN : callerOf(user, groups));
    return value;
  };
  const authorityPem = secure ? certificates().root.certificatePem : null;
  return {
    ...adminOf(engine), url, authorityPem, token, faults, requests, storage,
    kubeconfig({ user = ADMIN.name, groups = [] } = {}) {
      return kubeconfigText(url, authorityPem, user, { token: token(user, groups) });
    },
    pause: () => listener.close(),
    resume: () => listener.listen(port),
    async stop() {
      faults.clear();
      await listener.close();
      release();
      release = (): void => {};
    },
  };
}

function listenerOf(secure: boolean, handler: (request: IncomingMessage, response: ServerResponse) => void): {
  readonly server: ReturnType<typeof createHttpServer>; listen(port: number): Promise<void>; close(): Promise<void>;
} {
  const limits = { keepAliveTimeout: 60_000, requestTimeout: 0 };
  const server = secure
    ? createHttpsServer({ key: certificates().server.privateKeyPem, cert: certificates().server.certificatePem, ...limits }, handler)
    : createHttpServer(limits, handler);
  // Connections that have not finished their TLS handshake are not known to closeAllConnections.
  const sockets = new Set<{ destroy(): unknown }>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  return {
    server,
    async listen(port) {
      if (server.listening) return;
      server.listen({ port, host: '127.0.0.1', reusePort: true });
      await once(server, 'listening');
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
