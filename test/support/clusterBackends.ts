import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { TestContext } from 'node:test';
import type { BackendAddress } from './manifests.ts';
import { lacksWhen } from './requirement.ts';

/** An address of this machine that an API server takes in an EndpointSlice: none of loopback; null: there is none. */
const OWN_ADDRESS = firstAddress();

/** Why backends of a cluster cannot be on this machine; false: they can. */
export const LACKS_OWN_ADDRESS = lacksWhen(OWN_ADDRESS === null, 'this machine has no IPv4 address but loopback');

function firstAddress(): string | null {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.find(({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('169.254.'))?.address ?? null;
}

function ownAddress(): string {
  if (OWN_ADDRESS === null) throw new Error('this machine has no IPv4 address but loopback');
  return OWN_ADDRESS;
}

/** An HTTP backend that answers its name. */
export async function startClusterBackend(t: TestContext, name: string): Promise<BackendAddress> {
  const address = ownAddress();
  const server = createServer((_request, response) => response.end(name));
  server.listen(0, address);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { address, port: (server.address() as AddressInfo).port };
}

/** A TCP backend that says its name, then sends back what it gets. */
export async function startClusterTcpEcho(t: TestContext, name: string): Promise<BackendAddress> {
  const address = ownAddress();
  const sockets = new Set<Socket>();
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    socket.write(`${name}:`);
    socket.pipe(socket);
  });
  server.listen(0, address);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { address, port: (server.address() as AddressInfo).port };
}

/** A UDP backend that puts its name in front of each datagram and sends it back. */
export async function startClusterUdpEcho(t: TestContext, name: string): Promise<BackendAddress> {
  const address = ownAddress();
  const socket = createSocket('udp4');
  socket.on('message', (datagram, peer) => socket.send(Buffer.concat([Buffer.from(`${name}:`), datagram]), peer.port, peer.address, () => {}));
  socket.bind(0, address);
  await once(socket, 'listening');
  t.after(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  return { address, port: socket.address().port };
}
