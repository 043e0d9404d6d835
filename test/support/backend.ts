import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an echo backend saw of a request, as it says in its answer. */
export interface EchoedRequest {
  readonly backend: string;
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  /** name, value, name, value, … as received. */
  readonly rawHeaders: readonly string[];
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A real HTTP server on loopback. */
export interface Backend {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly server: Server;
  /** Requests seen so far. */
  readonly requests: readonly EchoedRequest[];
  close(): Promise<void>;
}

/** Starts a backend on a free port that echoes each request as JSON with its own name, or answers by `listener`. */
export async function startBackend(name: string, listener?: RequestListener, port = 0): Promise<Backend> {
  const requests: EchoedRequest[] = [];
  const server = createServer(listener ?? ((request, response) => void echo(name, request, response, requests)));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    name,
    address: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    server,
    requests,
    async close() {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
}

async function echo(name: string, request: IncomingMessage, response: ServerResponse, seen: EchoedRequest[]): Promise<void> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    // The request broke off: an incomplete request is not one that was seen.
    return;
  }
  const echoed: EchoedRequest = {
    backend: name,
    method: request.method ?? '',
    url: request.url ?? '',
    httpVersion: request.httpVersion,
    rawHeaders: request.rawHeaders,
    headers: request.headers,
    body: Buffer.concat(chunks).toString('latin1'),
  };
  seen.push(echoed);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(echoed));
}
