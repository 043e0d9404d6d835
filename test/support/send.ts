import { request as httpRequest, type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';

/** A request to loopback; `host` goes into the Host field (and SNI), never into name resolution. */
export interface Sent {
  readonly port: number;
  readonly host: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  /** TLS when given; its options are passed on. */
  readonly tls?: RequestOptions;
  /** Keeps connections; default: each request has a connection of its own. */
  readonly agent?: Agent;
}

export interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends one request, on a connection of its own unless there is an agent, and reads the whole answer. */
export function send({ port, host, path, method, headers, body, tls, agent }: Sent): Promise<Received> {
  const { promise, resolve, reject } = Promise.withResolvers<Received>();
  const options = { host: '127.0.0.1', port, path: path ?? '/', method: method ?? 'GET', headers: { host, ...headers }, agent: agent ?? false };
  const request = tls === undefined ? httpRequest(options) : httpsRequest({ servername: host, ...options, ...tls });
  request.on('error', reject);
  request.on('response', (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString('latin1') });
    });
  });
  request.end(body);
  return promise;
}
