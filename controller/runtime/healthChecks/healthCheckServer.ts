import { createServer, type RequestListener, type Server } from 'node:http';
import type { HealthCheck } from './healthCheck.ts';

/** An open health check node port. */
export interface HealthCheckServer {
  /** Cuts what is open. */
  close(): Promise<void>;
}

/** Connections of all health check node ports together. */
export interface ConnectionBudget {
  left: number;
}

/** How one port is opened. */
export interface HealthCheckServerOptions {
  readonly port: number;
  readonly answer: RequestListener;
  readonly budget: ConnectionBudget;
  /** For a request to arrive, and for its answer to be taken; default TIMEOUT_MS. */
  readonly timeoutMs?: number;
}

/** Ours: a check takes milliseconds, and nobody waits longer than this for one. */
const TIMEOUT_MS = 5_000;
/** Ours: a few load balancers ask every few seconds, each by a connection of its own. */
const MAX_CONNECTIONS = 32;
const MAX_HEADER_BYTES = 8 * 1024;

/** Listens on all addresses of the machine, as kube-proxy does. Rejects with the system's error when the port cannot be had. */
export async function openHealthCheckServer({ port, answer, budget, timeoutMs = TIMEOUT_MS }: HealthCheckServerOptions): Promise<HealthCheckServer> {
  const limits = { headersTimeout: timeoutMs, requestTimeout: timeoutMs, connectionsCheckingInterval: timeoutMs, maxHeaderSize: MAX_HEADER_BYTES };
  const server = createServer(limits, answer);
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = timeoutMs;
  keepWithin(budget, server);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // One that comes once it listens costs the connection that could not be accepted, no more.
  server.on('error', reject);
  server.listen(port, resolve);
  await promise;
  return {
    close: () =>
      new Promise((resolved) => {
        server.close(() => resolved());
        server.closeAllConnections();
      }),
  };
}

/** Answers any request about a Service, whatever its method and path, in kube-proxy's words. */
export function answerHealthCheck(current: () => HealthCheck): RequestListener {
  return (_request, response) => {
    const { service, localEndpoints, carries } = current();
    const serviceProxyHealthy = carries();
    const { namespace, name } = service;
    response.writeHead(localEndpoints > 0 && serviceProxyHealthy ? 200 : 503, {
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      'x-load-balancing-endpoint-weight': String(localEndpoints),
      connection: 'close',
    });
    response.end(JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }, null, '\t'));
  };
}

function keepWithin(budget: ConnectionBudget, server: Server): void {
  server.on('connection', (socket) => {
    if (budget.left === 0) {
      socket.destroy();
      return;
    }
    budget.left -= 1;
    socket.once('close', () => {
      budget.left += 1;
    });
  });
}
