import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, isInstalled, startPinned, whenListening } from './child.ts';

/** The backend all servers share: nginx where installed, because it is faster than any of them; else a Node one. 12 octets of body. */
export async function startBackend(folder: string, cores: string): Promise<{ readonly port: number; readonly process: ChildProcess }> {
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
