import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { RawPeer, type RawMessage } from './rawPeer.ts';

/** A backend that does on each connection exactly what its script says. */
export interface RawBackend {
  readonly port: number;
  /** Connections accepted so far, in order. */
  readonly connections: readonly RawPeer[];
  /** Resolves with connection number `index` (from 0) once it has been accepted. */
  connection(index: number): Promise<RawPeer>;
  /** Stops listening, so that connects are refused; connections stay. */
  refuse(): Promise<void>;
  close(): Promise<void>;
}

/** Starts it; `script` is run for each connection, a connection that closes under it is no error. */
export async function startRawBackend(
  script: (peer: RawPeer, index: number) => Promise<void> | void = () => {},
): Promise<RawBackend> {
  const connections: RawPeer[] = [];
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const peer = new RawPeer(socket);
    connections.push(peer);
    server.emit('peer');
    void Promise.resolve(script(peer, connections.length - 1)).catch((error: unknown) => {
      if (!peer.closed) throw error;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const refuse = async (): Promise<void> => {
    const closed = server.listening ? new Promise((resolve) => server.once('close', resolve)) : Promise.resolve();
    server.close();
    if (connections.every((peer) => peer.closed)) await closed;
  };
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    connection: async (index) => {
      for (;;) {
        const peer = connections[index];
        if (peer !== undefined) return peer;
        await once(server, 'peer');
      }
    },
    refuse,
    close: async () => {
      for (const peer of connections) peer.socket.destroy();
      await Promise.all(connections.map((peer) => peer.untilClosed()));
      await refuse();
    },
  };
}

/** A response with Content-Length. */
export function response(body: string, status = '200 OK', fields = ''): string {
  return `HTTP/1.1 ${status}\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** A script that answers every request on every connection; `seen` collects what came. */
export function answering(
  answer: (request: RawMessage) => string,
  seen: RawMessage[] = [],
): (peer: RawPeer) => Promise<void> {
  return async (peer) => {
    for (;;) {
      const request = await peer.message();
      seen.push(request);
      peer.send(answer(request));
    }
  };
}
