import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { WebSocketServer } from 'ws';
import type { DemoCertificate } from './demoCertificates.ts';
import { startGrpcEcho, startTcpEcho, startUdpEcho, startVault, type RunningServer } from './echoServers.ts';

/** Ports on 127.0.0.1 of one Service's backends. */
export interface DemoService {
  /** The Service's name in examples/shop. */
  readonly service: string;
  /** Name of its port there. */
  readonly portName: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly ports: readonly number[];
}

/** The shop's embedded backends while they run. */
export interface DemoBackends {
  readonly services: readonly DemoService[];
  /** Ends every connection. Idempotent. */
  stop(): Promise<void>;
}

const PRODUCTS = ['lantern', 'key ring', 'drawbridge chain'];

/** One HTTP server to start: which Service it belongs to, and what it answers. */
interface Backend {
  readonly service: string;
  readonly listener: RequestListener;
  readonly webSocket?: boolean;
}

const BACKENDS: readonly Backend[] = [
  { service: 'front', listener: text((target) => `Welcome to the shop. You asked for ${target}.`) },
  { service: 'cart', listener: text(() => 'Your cart is empty. (cart 1)') },
  { service: 'cart', listener: text(() => 'Your cart is empty. (cart 2)') },
  { service: 'api-v1', listener: json({ version: 'v1', products: PRODUCTS.slice(0, 2) }) },
  { service: 'api-v2', listener: json({ version: 'v2', products: PRODUCTS }) },
  { service: 'chat', listener: text(() => 'Say something over a WebSocket.'), webSocket: true },
  { service: 'checkout', listener: text(() => 'Pay here, safely.') },
];

/** Starts every backend on a free port of 127.0.0.1; `vault` is the certificate of the one that speaks TLS itself. */
export async function startDemoBackends(vault: DemoCertificate): Promise<DemoBackends> {
  const stops: (() => Promise<void>)[] = [];
  const services = new Map<string, DemoService>();
  const add = (service: Omit<DemoService, 'ports'>, server: RunningServer): void => {
    stops.push(() => server.stop());
    const ports = services.get(service.service)?.ports ?? [];
    services.set(service.service, { ...service, ports: [...ports, server.port] });
  };
  for (const backend of BACKENDS) add({ service: backend.service, portName: 'http', protocol: 'TCP' }, await startHttp(backend));
  add({ service: 'orders', portName: 'orders', protocol: 'TCP' }, await startTcpEcho());
  add({ service: 'telemetry', portName: 'telemetry', protocol: 'UDP' }, await startUdpEcho());
  add({ service: 'quotes', portName: 'grpc', protocol: 'TCP' }, await startGrpcEcho());
  add({ service: 'vault', portName: 'https', protocol: 'TCP' }, await startVault(vault));
  return {
    services: [...services.values()],
    stop: async () => {
      await Promise.all(stops.map((stop) => stop()));
    },
  };
}

async function startHttp(backend: Backend): Promise<RunningServer> {
  const server = createServer(backend.listener);
  const sockets = backend.webSocket === true ? echo(server) : null;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, stop: () => stopServer(server, sockets) };
}

/** Sends every WebSocket message back as it came. */
function echo(server: Server): WebSocketServer {
  const sockets = new WebSocketServer({ server, maxPayload: 1024 * 1024 });
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    // A client that breaks the protocol loses its connection, nothing else.
    socket.on('error', () => socket.terminate());
  });
  return sockets;
}

async function stopServer(server: Server, sockets: WebSocketServer | null): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  // Upgraded connections are no longer the HTTP server's to close.
  for (const socket of sockets?.clients ?? []) socket.terminate();
  await closed;
}

function text(body: (target: string) => string): RequestListener {
  return (request, response) => {
    response.setHeader('content-type', 'text/plain; charset=utf-8');
    response.end(`${body(request.url ?? '/')}\n`);
  };
}

function json(body: object): RequestListener {
  return (_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(`${JSON.stringify(body)}\n`);
  };
}
