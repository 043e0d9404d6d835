import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { KubeConnection } from '../kubeConnection.ts';

/** A server that answers as the test says; `calls` counts from 0. */
export interface ScriptedServer {
  readonly url: URL;
  /** `METHOD target` of every request, in order. */
  readonly requests: readonly string[];
  /** How many connections were accepted. */
  readonly connections: () => number;
}

/** What answers one request. */
export type Script = (request: IncomingMessage, response: ServerResponse, call: number) => unknown;

/** Starts a server on loopback that ends with the test, with every connection. */
export async function startScriptedServer(t: TestContext, script: Script): Promise<ScriptedServer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = http.createServer({ keepAliveTimeout: 0 }, (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void script(request, response, requests.length - 1);
  });
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`http://127.0.0.1:${port}`), requests, connections: () => connections };
}

/** A connection that proves who asks by one token. */
export function tokenConnection(server: URL, token = 'token'): KubeConnection {
  return {
    server,
    namespace: null,
    description: 'test',
    settings: () => Promise.resolve({ headers: { Authorization: `Bearer ${token}` }, tls: { rejectUnauthorized: true }, proxyAgent: null }),
    renew: () => Promise.resolve(),
  };
}

/** Answers with JSON. */
export function answerJson(response: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
