import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** What one call of kubectl has said. */
export interface KubectlAnswer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real kubectl, for one cluster and one user. */
export interface Kubectl {
  /** `input` is its standard input (`-f -`). */
  run(args: readonly string[], input?: string): Promise<KubectlAnswer>;
  /** Removes its files. */
  close(): Promise<void>;
}

/**
 * Has every field checked. Before 1.25 a client could only do that itself, by what OpenAPI v2 says, of which our API server has
 * nothing; that all fields are known is shown without kubectl as well.
 */
export function strictValidation(): string {
  const { stdout } = spawnSync('kubectl', ['version', '--client'], { encoding: 'utf8' });
  return /v1\.(?:1\d|2[0-4])\./.test(stdout) ? '--validate=false' : '--validate=strict';
}

/** Makes one for the text of a kubeconfig file; what it caches of the cluster is its own, too. End it by `close`. */
export async function startKubectl(kubeconfig: string): Promise<Kubectl> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-kubectl-'));
  const file = join(folder, 'kubeconfig');
  await writeFile(file, kubeconfig, { mode: 0o600 });
  const own = [`--kubeconfig=${file}`, `--cache-dir=${join(folder, 'cache')}`];
  return {
    async run(args, input = '') {
      const child = spawn('kubectl', [...args, ...own], { stdio: 'pipe' });
      // Who asks for nothing from it need not read it.
      child.stdin.on('error', () => {});
      child.stdin.end(input);
      const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number | null]>]);
      return { code, stdout, stderr };
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
