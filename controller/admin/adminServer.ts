import { fastify, type FastifyInstance } from 'fastify';
import type { Logger } from '../../core/log/logger.ts';
import type { ListenAddress } from '../runtime/listenAddress.ts';
import type { AdminViews } from './adminViews.ts';
import { addApiRoutes } from './apiRoutes.ts';
import { isLocalHost, isLoopback } from './hostCheck.ts';
import { addPageRoutes } from './pageRoutes.ts';

/** What the admin server needs. */
export interface AdminServerOptions {
  readonly listen: ListenAddress;
  readonly views: AdminViews;
  readonly logger: Logger;
}

/** The admin API and page on one address. */
export interface AdminServer {
  /** Rejects when the address cannot be listened on. Resolves to where it listens, the port chosen for 0 included. */
  start(): Promise<ListenAddress>;
  /** Cuts open requests. Idempotent. */
  stop(): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 10_000;
const NO_BODY_BYTES = 1024;

/** Makes the server; it listens once started. It only reads: no path changes anything. */
export function createAdminServer(options: AdminServerOptions): AdminServer {
  const app = fastify({
    requestTimeout: REQUEST_TIMEOUT_MS,
    bodyLimit: NO_BODY_BYTES,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true },
  });
  const paths: string[] = [];
  app.addHook('onRoute', (route) => {
    if (route.method === 'GET') paths.push(route.url);
  });
  addGuards(app, options);
  addFailures(app, paths, options.logger);
  return {
    async start() {
      addApiRoutes(app, options.views);
      await addPageRoutes(app);
      await app.listen({ host: options.listen.address, port: options.listen.port });
      return boundAddress(app, options.listen);
    },
    async stop() {
      await app.close();
    },
  };
}

function addGuards(app: FastifyInstance, options: AdminServerOptions): void {
  const checksHost = isLoopback(options.listen.address);
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store', 'cross-origin-resource-policy': 'same-origin' });
    if (checksHost && !isLocalHost(request.headers.host)) {
      return reply.code(421).send({ error: 'the Host header must be localhost or an IP address' });
    }
  });
}

function addFailures(app: FastifyInstance, paths: readonly string[], logger: Logger): void {
  app.setNotFoundHandler(async (_request, reply) => {
    return reply.code(404).send({ error: 'there is nothing at this path for this method', paths: [...new Set(paths)].toSorted() });
  });
  app.setErrorHandler(async (error: { readonly statusCode?: number; readonly message: string }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) logger.error('admin request failed', { path: request.routeOptions.url ?? '', error });
    return reply.code(status).send({ error: status >= 500 ? 'internal error; see the log' : error.message });
  });
}

function boundAddress(app: FastifyInstance, asked: ListenAddress): ListenAddress {
  const bound = app.server.address();
  return typeof bound === 'object' && bound !== null ? { address: bound.address, port: bound.port } : asked;
}
