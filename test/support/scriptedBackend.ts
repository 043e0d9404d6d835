import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { readRequest } from './rawRequest.ts';

/** What happens behind the scripted octets: the connection waits for more, ends, is reset, or is flooded with field lines. */
export type Act = 'keep' | 'end' | 'reset' | 'flood';

export interface Script {
  /** Latin1. */
  readonly octets: string;
  readonly act: Act;
}

/** A backend that answers each target with octets of the test's choice, others with their own target as the body. */
export interface ScriptedBackend {
  readonly port: number;
  /** Octets that were no request. */
  readonly violations: readonly string[];
  script(target: string, script: Script): void;
  /** The same, played as soon as the head of the request is there. */
  scriptHead(target: string, script: Script): void;
  /** Connections that have answered everything they were asked. */
  idleSockets(): Socket[];
  close(): Promise<void>;
}

const FLOOD_LINE = `X-Flood: ${'a'.repeat(1000)}\r\n`.repeat(16);

export async function startScriptedBackend(): Promise<ScriptedBackend> {
  const scripts = new Map<string, Script>();
  const headScripts = new Map<string, Script>();
  const violations: string[] = [];
  /** Socket → octets of a request that is not complete. */
  const sockets = new Map<Socket, string>();
  /** Sockets on which the request under way has been answered. */
  const answered = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.set(socket, '');
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      sockets.set(socket, takeRequests(socket, `${sockets.get(socket) ?? ''}${chunk.toString('latin1')}`));
    });
  });

  function takeRequests(socket: Socket, octets: string): string {
    let rest = octets;
    for (;;) {
      const early = headScripts.get(/^[A-Z]+ (\S+) HTTP\/1\.1\r\n[^]*\r\n\r\n/.exec(rest.slice(0, 4000))?.[1] ?? '');
      if (early !== undefined && !answered.has(socket)) {
        answered.add(socket);
        play(socket, early);
      }
      const reading = readRequest(rest, { lenient: false });
      if (reading.type === 'incomplete') return rest;
      if (reading.type === 'violation') {
        violations.push(reading.detail);
        socket.destroy();
        return '';
      }
      rest = rest.slice(reading.bytes);
      if (answered.delete(socket)) continue;
      const { target } = reading.request;
      play(socket, scripts.get(target) ?? { octets: `HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`, act: 'keep' });
    }
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    violations,
    script: (target, script) => void scripts.set(target, script),
    scriptHead: (target, script) => void headScripts.set(target, script),
    idleSockets: () => [...sockets].filter(([socket, octets]) => octets === '' && !socket.destroyed).map(([socket]) => socket),
    async close() {
      for (const socket of sockets.keys()) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function play(socket: Socket, { octets, act }: Script): void {
  switch (act) {
    case 'keep':
      socket.write(octets, 'latin1');
      return;
    case 'end':
      socket.end(octets, 'latin1');
      return;
    case 'reset':
      if (octets === '') socket.resetAndDestroy();
      else socket.write(octets, 'latin1', () => socket.resetAndDestroy());
      return;
    case 'flood':
      socket.write(octets, 'latin1');
      flood(socket);
  }
}

/** Sends field lines as long as anybody takes them. */
function flood(socket: Socket): void {
  socket.on('drain', () => flood(socket));
  while (!socket.destroyed && socket.write(FLOOD_LINE));
}
