import http, { type IncomingMessage } from 'node:http';
import https, { type RequestOptions } from 'node:https';
import type { Socket } from 'node:net';
import { AgentPool } from './connectionAgents.ts';
import { KubeError, type KubeRequest } from './kubeApi.ts';
import type { RequestSettings } from './kubeConnection.ts';

/** How to send one request. */
export interface Sending {
  readonly settings: RequestSettings;
  readonly signal: AbortSignal;
  /** Over a kept connection, or one of its own. */
  readonly kind: 'pooled' | 'single';
}

/** Requests over HTTP/1.1, to the head of the answer. */
export interface Transport {
  /** The head of the answer, whatever its status. Rejects with the socket's error. */
  send(request: KubeRequest, sending: Sending): Promise<IncomingMessage>;
  close(): void;
}

/** Names the client and bounds the wait for a TCP connection, ms. */
export interface TransportOptions {
  readonly userAgent: string;
  readonly connectTimeoutMs: number;
}

/** A dead peer is found after this and ten probes, one each second; ours, as its silence is all there is to notice. */
const TCP_KEEPALIVE_MS = 10_000;

/** Opens nothing until the first request. */
export function createTransport(server: URL, options: TransportOptions): Transport {
  const secure = server.protocol === 'https:';
  const agents = new AgentPool(secure);
  const send = async (request: KubeRequest, sending: Sending): Promise<IncomingMessage> => {
    const { settings, kind } = sending;
    const agent = settings.proxyAgent ?? agents.for(settings.tls)[kind];
    const body = request.body === undefined ? null : Buffer.from(JSON.stringify(request.body));
    const target: RequestOptions = {
      agent,
      hostname: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port === '' ? (secure ? 443 : 80) : Number(server.port),
      path: targetOf(server, request),
      method: request.method,
      headers: { ...headersOf(request, { body, kind }), 'User-Agent': options.userAgent, ...settings.headers },
      signal: sending.signal,
    };
    const start = (): Promise<IncomingMessage> =>
      exchange((secure ? https : http).request(target), { body, connectTimeoutMs: settings.proxyAgent === null ? options.connectTimeoutMs : null });
    try {
      return await start();
    } catch (error) {
      // The server closed a kept connection just as it was used: it has seen nothing of a request that is safe to repeat.
      if (error instanceof StaleConnection && request.method === 'GET') return start();
      throw error instanceof StaleConnection ? error.cause : error;
    }
  };
  return { send, close: () => agents.close() };
}

class StaleConnection extends Error {}

function exchange(
  request: http.ClientRequest,
  { body, connectTimeoutMs }: { readonly body: Buffer | null; readonly connectTimeoutMs: number | null },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    // Stays for the life of the request: errors after the head are the answer's, but an event nobody takes ends the process.
    request.on('error', (error) => reject(isStale(request, error) ? new StaleConnection('', { cause: error }) : error));
    request.once('socket', (socket) => {
      socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
      socket.setNoDelay(true);
      if (connectTimeoutMs !== null) limitConnecting(request, socket, connectTimeoutMs);
    });
    request.end(body ?? undefined);
  });
}

function isStale(request: http.ClientRequest, error: NodeJS.ErrnoException): boolean {
  return request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

function limitConnecting(request: http.ClientRequest, socket: Socket, timeoutMs: number): void {
  if (!socket.connecting) return;
  const timer = setTimeout(
    () => request.destroy(new KubeError('unreachable', `no connection to the API server within ${timeoutMs} ms`)),
    timeoutMs,
  );
  const clear = (): void => clearTimeout(timer);
  socket.once('connect', clear);
  socket.once('close', clear);
}

function targetOf(server: URL, { path, query }: KubeRequest): string {
  const search = query === undefined ? '' : new URLSearchParams(query).toString();
  return `${server.pathname.replace(/\/$/, '')}${path}${search === '' ? '' : `?${search}`}`;
}

function headersOf(
  { method, patch }: KubeRequest,
  { body, kind }: { readonly body: Buffer | null; readonly kind: Sending['kind'] },
): Record<string, string> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  // A watch is many small texts that are to arrive at once.
  if (method === 'GET' && kind === 'pooled') headers['Accept-Encoding'] = 'gzip';
  if (body === null) return headers;
  headers['Content-Length'] = String(body.length);
  headers['Content-Type'] = method === 'PATCH' ? PATCH_TYPES[patch ?? 'merge'] : 'application/json';
  return headers;
}

const PATCH_TYPES = { merge: 'application/merge-patch+json', json: 'application/json-patch+json' } as const;
