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

/** nginx where installed, because it is faster than any of them; else a Node one. 12 octets of body. */
async function startWeb(folder: string, cores: string): Promise<Backend> {
  const port = await freePort();
  const process = isInstalled('nginx') ? await startNginx(folder, port, cores) : startNode(port, cores);
  await whenListening(port, process);
  return { port, process };
}

async function startNginx(folder: string, port: number, cores: string): Promise<ChildProcess> {
  const file = join(folder, 'backend.conf');
  await writeFile(
    file,
    `worker_processes 1; daemon off; error_log ${folder}/backend-error.log; pid ${folder}/backend.pid;
events { worker_connections 16384; }
http {
  access_log off; keepalive_requests 100000000; client_body_temp_path ${folder};
  server { listen 127.0.0.1:${port} backlog=4096; location / { return 200 "hello world\\n"; } }
}
`,
  );
  return startPinned(cores, ['nginx', '-e', `${folder}/backend-error.log`, '-c', file], '/dev/null');
}

function startNode(port: number, cores: string): ChildProcess {
  const entry = join(import.meta.dirname, 'reference/backendServer.ts');
  return startPinned(cores, [process.execPath, entry, String(port)], '/dev/null');
}
