import { X509Certificate } from 'node:crypto';
import type { Server } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from '../../core/log/logger.ts';
import { systemClock, type Clock } from '../../core/time/clock.ts';
import type { ListenAddress } from '../runtime/listenAddress.ts';
import { printAdmissionReview, readAdmissionReview, type AdmissionRequest } from './admissionReview.ts';
import { createBodyBudget, type BodyBudget } from './bodyBudget.ts';
import type { ServingSource } from './certificates/servingPair.ts';
import { ALLOWED, type Review, type ReviewRequest } from './reviewInput.ts';
import { printDenial, printWarnings } from './reviewText.ts';
import type { WebhookMetrics, WebhookOutcome } from './webhookMetrics.ts';

/** What the server needs. */
export interface WebhookServerOptions {
  readonly listen: ListenAddress;
  /** Read at the start and after each change; started and stopped by whoever made it. */
  readonly certificates: Pick<ServingSource, 'current' | 'onChange'>;
  /** PEM of the authorities that callers' certificates must come from (the API server's client CA); null: none is asked for. */
  readonly clientAuthorities: string | null;
  /** Judges one change; pure. Null: nothing to judge against yet. */
  readonly review: (request: ReviewRequest) => Review | null;
  readonly metrics: WebhookMetrics;
  readonly logger: Logger;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** For head and body of one request to arrive; default 10 s, which is what API servers wait themselves. */
  readonly requestTimeoutMs?: number;
}

/** The admission webhook on one address. */
export interface WebhookServer {
  /** Rejects when the address cannot be listened on. Until there is a certificate, handshakes fail. */
  start(): Promise<ListenAddress>;
  /** Cuts open requests. Idempotent. */
  stop(): Promise<void>;
}

/** Where reviews are sent; there is nothing else. */
export const REVIEW_PATH = '/validate';
const NOTHING_HERE = `there is nothing here but POST ${REVIEW_PATH}`;

/** An UPDATE holds two objects, each as large as an API server lets clients send (3 MiB), and says who asked for what. */
const MAX_BODY_BYTES = 7 * 1024 * 1024;
/** Bodies of all requests under way (ours). */
const MAX_BODIES_BYTES = 64 * 1024 * 1024;
/** A few connections of a few API servers are usual. */
const MAX_CONNECTIONS = 128;
const REQUEST_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 5_000;
const HANDSHAKE_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_TIMEOUT_MS = 60_000;
const MAX_HEADER_BYTES = 16 * 1024;
/** How often Node.js looks for requests that are late. */
const LATE_CHECK_MS = 1_000;
/** A request that has waited longer for its turn is allowed unjudged: the webhook must not be what holds a cluster up. */
const REVIEW_DEADLINE_MS = 2_000;

/** Makes the server; it listens once started. It reads and answers, and nothing it is sent is executed, stored or passed on. */
export function createWebhookServer(options: WebhookServerOptions): WebhookServer {
  const requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const app = fastify({
    https: {
      ...contextOf(options),
      requestCert: options.clientAuthorities !== null,
      rejectUnauthorized: options.clientAuthorities !== null,
      minVersion: 'TLSv1.2',
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
      connectionsCheckingInterval: LATE_CHECK_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: true,
  });
  const server = app.server as Server;
  server.maxConnections = MAX_CONNECTIONS;
  // A peer that speaks no TLS or shows no certificate: a port scanner's doing, at most worth a line for somebody who looks for it.
  server.on('tlsClientError', (error) => options.logger.debug('webhook TLS handshake failed', { error }));
  addBodyGuard(app, createBodyBudget(MAX_BODIES_BYTES));
  addReview(app, options);
  addFailures(app, options);
  let unsubscribe = (): void => {};
  return {
    async start() {
      const show = (): void => showCertificate(server, options);
      unsubscribe = options.certificates.onChange(show);
      show();
      await app.listen({ host: options.listen.address, port: options.listen.port });
      const bound = app.server.address();
      return typeof bound === 'object' && bound !== null ? { address: bound.address, port: bound.port } : options.listen;
    },
    async stop() {
      unsubscribe();
      await app.close();
    },
  };
}

/** New connections get the new certificate; open ones go on. */
function showCertificate(server: Server, options: WebhookServerOptions): void {
  const pair = options.certificates.current();
  if (pair === null) return;
  try {
    server.setSecureContext(contextOf(options));
    const { validToDate, subject } = new X509Certificate(pair.certificatePem);
    options.metrics.setCertificateExpiry(validToDate.getTime());
    options.logger.info('the webhook shows a new certificate', { subject, notAfter: validToDate.toISOString() });
  } catch (error) {
    options.logger.error('a webhook certificate cannot be used; the one before stays', { cause: error instanceof Error ? error.message : '' });
  }
}

function contextOf({ certificates, clientAuthorities }: WebhookServerOptions): SecureContextOptions {
  const pair = certificates.current();
  return {
    ...(pair === null ? {} : { cert: pair.certificatePem, key: pair.keyPem }),
    ...(clientAuthorities === null ? {} : { ca: clientAuthorities }),
  };
}

/** Bodies are announced by their length, as every API server does, and have room or are not read at all. */
function addBodyGuard(app: FastifyInstance, budget: BodyBudget): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) return refuse(reply, 404, NOTHING_HERE);
    const octets = Number(request.headers['content-length']);
    if (!Number.isSafeInteger(octets)) return refuse(reply, 411, 'the length of the body must be announced');
    if (octets > MAX_BODY_BYTES) return refuse(reply, 413, `the body must have at most ${MAX_BODY_BYTES} octets`);
    if (!budget.take(octets)) return refuse(reply.header('retry-after', '1'), 503, 'too many requests are under way');
    reply.raw.once('close', () => budget.giveBack(octets));
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

function addReview(app: FastifyInstance, options: WebhookServerOptions): void {
  const clock = options.clock ?? systemClock;
  const arrivals = new WeakMap<FastifyRequest, number>();
  app.addHook('onRequest', (request, _reply, done) => {
    arrivals.set(request, clock.now());
    done();
  });
  app.post(REVIEW_PATH, (request, reply) => {
    const arrivedMs = arrivals.get(request) ?? clock.now();
    const reading = readAdmissionReview(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
    if (!reading.ok) {
      options.metrics.observe('', 'refused', clock.now() - arrivedMs);
      return refuse(reply, 400, `the body ${reading.rule}`);
    }
    const overdue = clock.now() - arrivedMs > REVIEW_DEADLINE_MS;
    const { outcome, answer } = overdue ? unjudged('unjudged', 'the answer would have come too late') : judge(reading.request, options);
    options.metrics.observe(reading.request.kind, outcome, clock.now() - arrivedMs);
    return reply.type('application/json').send(printAdmissionReview({ uid: reading.request.uid, ...answer }));
  });
}

interface Judgement {
  readonly outcome: WebhookOutcome;
  readonly answer: { readonly allowed: boolean; readonly message: string; readonly warnings: readonly string[] };
}

/** A fault of ours lets the change pass, and says so: translation judges the object once more. */
function judge(request: AdmissionRequest, { review, logger }: WebhookServerOptions): Judgement {
  try {
    const verdict = review(request);
    if (verdict === null) return unjudged('unjudged', 'Gatehouse is still starting');
    return judgementOf(verdict);
  } catch (error) {
    logger.error('a review failed; the change is allowed', { kind: request.kind, operation: request.operation, error });
    return unjudged('failed', 'an internal error, see the log');
  }
}

function judgementOf(verdict: Review): Judgement {
  const { allowed, problems, warnings } = verdict;
  if (!allowed) return { outcome: 'denied', answer: { allowed, message: printDenial(problems, verdict.ref), warnings: [] } };
  const outcome = warnings.length > 0 ? 'warned' : 'allowed';
  return { outcome, answer: { allowed, message: '', warnings: printWarnings(warnings, verdict.ref) } };
}

function unjudged(outcome: WebhookOutcome, reason: string): Judgement {
  return { outcome, answer: { ...ALLOWED, message: '', warnings: [`gatehouse has not judged this object: ${reason}`] } };
}

function addFailures(app: FastifyInstance, { logger, metrics }: WebhookServerOptions): void {
  app.setErrorHandler(async (error: { readonly statusCode?: number; readonly message: string }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) logger.error('webhook request failed', { error });
    metrics.observe('', 'refused', 0);
    return refuse(reply, status, status >= 500 ? 'internal error; see the log' : error.message);
  });
}

/** What is left of a body that nobody wants is read and dropped, within the time that a request has: else the answer could be lost. */
function refuse(reply: FastifyReply, status: number, error: string): FastifyReply {
  return reply.code(status).send({ error });
}
