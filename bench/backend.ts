import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, isInstalled, startPinned, whenListening } from './child.ts';

/** A backend that all servers of a row share. */
export interface Backend {
  readonly port: number;
  readonly process: ChildProcess;
}

export type BackendKind = 'web' | 'iperf' | 'udpEcho';

/** Starts the backend of a kind on loopback. */
export async function startBackend(kind: BackendKind, folder: string, cores: string): Promise<Backend> {
  switch (kind) {
    case 'web':
      return startWeb(folder, cores);
    case 'iperf': {
      const port = await freePort();
      // Silent on standard output; whether it listens shows when it is first used.
      return { port, process: startPinned(cores, ['iperf3', '-s', '-B', '127.0.0.1', '-p', String(port), '--logfile', '/dev/null'], '/dev/null') };
    }
    case 'udpEcho': {
      const port = await freePort();
      const entry = join(import.meta.dirname, 'reference/udpEcho.ts');
      return { port, process: startPinned(cores, [process.execPath, entry, String(port)], '/dev/null') };
    }
  }
}

/** Where a backend is. */
interface BackendPlace {
  readonly folder: string;
  readonly cores: string;
  readonly port: number;
}

/**
 * The same in a network namespace, on all its addresses; `within` is the command that leads there. Whether it listens, its caller has to
 * find out.
 */
export async function startBackendWithin(within: readonly string[], kind: Exclude<BackendKind, 'udpEcho'>, place: BackendPlace): Promise<ChildProcess> {
  if (kind === 'web') return startWebServer({ ...place, within, address: '0.0.0.0' });
  return startPinned(place.cores, [...within, 'iperf3', '-s', '-p', String(place.port), '--logfile', '/dev/null'], '/dev/null');
}

async function startWeb(folder: string, cores: string): Promise<Backend> {
  const port = await freePort();
  const process = await startWebServer({ folder, cores, port, within: [], address: '127.0.0.1' });
  await whenListening(port, process);
  return { port, process };
}

interface WebServer extends BackendPlace {
  readonly within: readonly string[];
  readonly address: string;
}

/** nginx where installed, because it is faster than any of them; else a Node one. 12 octets of body. */
function startWebServer(server: WebServer): Promise<ChildProcess> {
  return isInstalled('nginx') ? startNginx(server) : Promise.resolve(startNode(server));
}

async function startNginx({ folder, port, cores, within, address }: WebServer): Promise<ChildProcess> {
  const file = join(folder, 'backend.conf');
  await writeFile(
    file,
    `worker_processes 1; daemon off; error_log ${folder}/backend-error.log; pid ${folder}/backend.pid;
events { worker_connections 16384; }
http {
  access_log off; keepalive_requests 100000000; client_body_temp_path ${folder};
  server { listen ${address}:${port} backlog=4096; location / { return 200 "hello world\\n"; } }
}
`,
  );
  return startPinned(cores, [...within, 'nginx', '-e', `${folder}/backend-error.log`, '-c', file], '/dev/null');
}

function startNode({ port, cores, within, address }: WebServer): ChildProcess {
  const entry = join(import.meta.dirname, 'reference/backendServer.ts');
  return startPinned(cores, [...within, process.execPath, entry, String(port), address], '/dev/null');
}
