import type { FastifyInstance } from 'fastify';
import type { AdminViews } from './adminViews.ts';
import { decodeExplainQuery } from './explainQuery.ts';
import { BGP_PEERS_SCHEMA, BGP_ROUTES_SCHEMA } from './bgpSchemas.ts';
import { ANNOUNCEMENTS_SCHEMA, ENDPOINTS_SCHEMA, OWNERS_SCHEMA, ERROR_SCHEMA, EXPLANATION_SCHEMA, POOLS_SCHEMA, STATUS_SCHEMA } from './schemas.ts';

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Adds health, metrics and everything below /api/v1/. */
export function addApiRoutes(app: FastifyInstance, views: AdminViews): void {
  addHealth(app, views);
  app.get('/metrics', async (_request, reply) => reply.type(METRICS_TYPE).send(await views.metrics()));
  app.get('/api/v1/status', { schema: { response: { 200: STATUS_SCHEMA } } }, () => views.status());
  app.get('/api/v1/snapshot', async (_request, reply) => {
    const snapshot = views.snapshot();
    if (snapshot === null) return reply.code(503).send({ error: 'there is no snapshot yet' });
    return reply.type('application/json').send(JSON.stringify(snapshot));
  });
  app.get('/api/v1/pools', { schema: { response: { 200: POOLS_SCHEMA } } }, () => ({ pools: views.pools() }));
  app.get('/api/v1/announcements', { schema: { response: { 200: ANNOUNCEMENTS_SCHEMA } } }, () => views.announcements());
  app.get('/api/v1/l2/owners', { schema: { response: { 200: OWNERS_SCHEMA } } }, () => ({ owners: views.announcements().vips }));
  addBgp(app, views);
  addExplain(app, views);
  app.get('/api/v1/endpoints', { schema: { response: { 200: ENDPOINTS_SCHEMA, 503: ERROR_SCHEMA } } }, async (_request, reply) => {
    const endpoints = await views.endpoints();
    return endpoints === null ? reply.code(503).send(NO_PROXY) : reply.send({ endpoints });
  });
}

/** What is wrong with the speaker as a whole is told with the peers. */
function addBgp(app: FastifyInstance, views: AdminViews): void {
  app.get('/api/v1/bgp/peers', { schema: { response: { 200: BGP_PEERS_SCHEMA } } }, () => {
    const { peers, problems } = views.bgp();
    return { peers, problems };
  });
  app.get('/api/v1/bgp/routes', { schema: { response: { 200: BGP_ROUTES_SCHEMA } } }, () => ({ routes: views.bgp().routes }));
}

const NO_PROXY = { error: 'the proxy process does not answer; it may be starting again' } as const;

function addHealth(app: FastifyInstance, views: AdminViews): void {
  // That this is answered at all says it: the controller lives, and a proxy that died is started again by it.
  app.get('/healthz', () => ({ healthy: true }));
  app.get('/readyz', async (_request, reply) => reply.code(views.ready() ? 200 : 503).send({ ready: views.ready() }));
}

function addExplain(app: FastifyInstance, views: AdminViews): void {
  const response = { 200: EXPLANATION_SCHEMA, 400: ERROR_SCHEMA, 503: ERROR_SCHEMA };
  app.get('/api/v1/explain', { schema: { response } }, async (request, reply) => {
    const query = decodeExplainQuery(request.query);
    if (!query.ok) return reply.code(400).send({ error: `${query.parameter}: ${query.message}`, parameter: query.parameter });
    const explanation = await views.explain(query.request);
    return explanation === null ? reply.code(503).send(NO_PROXY) : reply.send(explanation);
  });
}
