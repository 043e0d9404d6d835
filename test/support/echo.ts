import { spawn } from 'node:child_process';
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';

/** A TCP backend that says its name, then sends back what it gets. */
export async function startTcpEcho(t: TestContext, name: string): Promise<{ readonly port: number; readonly sockets: ReadonlySet<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.write(`${name}:`);
    socket.pipe(socket);
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

/** The same as a process of its own, where one process may not have descriptors enough for both ends. It says `one:`. */
export async function startTcpEchoProcess(t: TestContext): Promise<{ readonly port: number }> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'echoMain.ts')], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { port: Number(line.toString()) };
}

/** A UDP backend that puts its name in front of each datagram and sends it back. */
export async function startUdpEcho(t: TestContext, name: string): Promise<{ readonly port: number; readonly peers: ReadonlySet<string> }> {
  const peers = new Set<string>();
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 22 });
  socket.on('message', (datagram, { port, address }) => {
    peers.add(`${address}:${port}`);
    socket.send(Buffer.concat([Buffer.from(`${name}:`), datagram]), port, address, () => {});
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  return { port: socket.address().port, peers };
}

/** Sends `message`, ends that half, and gives all that came back. */
export async function askTcp(address: string, port: number, message: string | Buffer, from?: string): Promise<Buffer> {
  const socket = connect({ host: address, port, allowHalfOpen: true, ...(from === undefined ? {} : { localAddress: from }) });
  await once(socket, 'connect');
  socket.end(message);
  return buffer(socket);
}

/** A UDP client: one socket, and so one session. */
export interface UdpClient {
  readonly socket: DatagramSocket;
  /** Sends `message` once and waits for a datagram; rejects when `signal` says that it was long enough. */
  ask(message: string, signal?: AbortSignal): Promise<string>;
}

/** A UDP client that waits for each answer; `from` is its own address. */
export async function openUdp(t: TestContext, address: string, port: number, from?: string): Promise<UdpClient> {
  const socket = createSocket('udp4');
  if (from !== undefined) {
    socket.bind(0, from);
    await once(socket, 'listening');
  }
  socket.connect(port, address);
  await once(socket, 'connect');
  let open = true;
  socket.on('close', () => (open = false));
  t.after(() => { if (open) socket.close(); });
  return {
    socket,
    ask: async (message, signal) => {
      const answer = once(socket, 'message', signal === undefined ? {} : { signal });
      socket.send(message);
      const [datagram] = (await answer) as [Buffer];
      return datagram.toString();
    },
  };
}
