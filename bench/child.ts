import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';

/** True when a program is on the PATH. */
export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v "${program}"`]).status === 0;
}

/** Starts a program pinned to `cores`; standard output goes to `stdout` (a file), errors to ours. */
export function startPinned(cores: string, command: readonly string[], stdout: string): ChildProcess {
  const file = openSync(stdout, 'a');
  const child = spawn('taskset', ['-c', cores, ...command], { stdio: ['ignore', file, 'inherit'] });
  closeSync(file);
  return child;
}

/** Ends a child and waits for it. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

/** A loopback port nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const ATTEMPTS = 200;
const ATTEMPT_MS = 50;

/** Resolves once something accepts on a port; rejects after ten seconds or when `child` ends. */
export async function whenListening(port: number, child: ChildProcess, address = '127.0.0.1'): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode}`);
    const socket = connect(port, address);
    const isOpen = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'close').then(() => false)]).catch(() => false);
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, ATTEMPT_MS));
  }
  throw new Error(`nothing listens on ${address}:${port}`);
}
