import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { readRequest, valuesOf, type RawRequest } from '../support/rawRequest.ts';

/** How a backend reads requests and whether it keeps its connections. */
export type BackendKind = 'raw, closing' | 'raw, keep-alive' | 'node:http';

/** A backend that keeps every request it saw, and everything it saw that was none. */
export interface WatchfulBackend {
  readonly port: number;
  /** Address of the client, as the proxy told it → its requests in order. Complete ones only. */
  readonly requests: ReadonlyMap<string, readonly RawRequest[]>;
  /** Octets that are no request, and requests that do not come from the proxy. */
  readonly violations: readonly string[];
  close(): Promise<void>;
}

/** What an answer says, so that its reader knows whose it is. */
export interface Answer {
  readonly backend: string;
  readonly method: string;
  readonly target: string;
  readonly client: string;
}

/** Starts a backend on loopback. */
export async function startWatchfulBackend(name: string, kind: BackendKind): Promise<WatchfulBackend> {
  const watch = new Watch(name);
  const server = kind === 'node:http' ? nodeServer(watch) : rawServer(watch, kind === 'raw, closing');
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    requests: watch.requests,
    violations: watch.violations,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

class Watch {
  readonly requests = new Map<string, RawRequest[]>();
  readonly violations: string[] = [];
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /** Notes a request and returns the body of its answer. */
  saw(request: RawRequest): string {
    const [client = '', ...more] = valuesOf(request.fields, 'x-real-ip');
    if (client === '' || more.length > 0) this.violations.push(`not from the proxy: ${JSON.stringify(request)}`);
    const known = this.requests.get(client);
    if (known === undefined) this.requests.set(client, [request]);
    else known.push(request);
    return JSON.stringify({ backend: this.#name, method: request.method, target: request.target, client } satisfies Answer);
  }
}

function rawServer(watch: Watch, closing: boolean): Server {
  return createServer({ noDelay: true }, (socket) => {
    let octets = '';
    let tunnelled = false;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      if (tunnelled) return;
      octets += chunk.toString('latin1');
      for (;;) {
        const reading = readRequest(octets, { lenient: false });
        if (reading.type === 'incomplete') return;
        if (reading.type === 'violation') {
          watch.violations.push(reading.detail);
          socket.destroy();
          return;
        }
        octets = octets.slice(reading.bytes);
        tunnelled = isWebSocket(reading.request);
        const body = watch.saw(reading.request);
        socket.write(tunnelled ? SWITCHING : answerOf(reading.request, body, closing), 'latin1');
        if (tunnelled) return;
        if (closing) return void socket.end();
      }
    });
  });
}

const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

function answerOf({ method }: RawRequest, body: string, closing: boolean): string {
  const connection = closing ? 'Connection: close\r\n' : '';
  return `HTTP/1.1 200 OK\r\n${connection}Content-Length: ${body.length}\r\n\r\n${method === 'HEAD' ? '' : body}`;
}

function isWebSocket({ fields }: RawRequest): boolean {
  return valuesOf(fields, 'upgrade')[0] === 'websocket';
}

function nodeServer(watch: Watch): Server {
  const server = createHttpServer({ maxHeaderSize: 128 * 1024, keepAlive: true }, (request, response) => void answer(watch, request, response));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // The proxy may give a request up in its middle; only octets that are no request count.
    if (error.code !== 'ECONNRESET' && error.code !== 'HPE_INVALID_EOF_STATE') watch.violations.push(`${error.code}: ${error.message}`);
    socket.destroy();
  });
  return server;
}

async function answer(watch: Watch, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    return;
  }
  const { rawHeaders, rawTrailers, method = '', url = '' } = request;
  const body = Buffer.concat(chunks).toString('latin1');
  const said = watch.saw({ method, target: url, fields: pairsOf(rawHeaders), body, trailers: pairsOf(rawTrailers) });
  response.writeHead(200, { 'content-length': said.length });
  response.end(said);
}

function pairsOf(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[index * 2] ?? '', flat[index * 2 + 1] ?? '']);
}
