import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A backend that can be killed: a process of its own, which answers every request with its name once it has it whole. */
export interface BackendProcess {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Starts one on `port`; 0: any free one. */
export async function startBackendProcess(name: string, port = 0): Promise<BackendProcess> {
  const child = fork(join(import.meta.dirname, 'backendMain.ts'), [name, String(port)], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const [listening] = (await once(child, 'message')) as [number];
  return {
    name,
    address: '127.0.0.1',
    port: listening,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
