import type { RequestListener } from 'node:http';
import type { TestContext } from 'node:test';
import { startBackend, type Backend } from './backend.ts';
import { startGatehouse, type Gatehouse, type StartOptions } from './gatehouse.ts';
import type { Manifest } from './manifests.ts';

/** A Gatehouse that serves `manifests` until the test ends. */
export async function serve(t: TestContext, manifests: readonly Manifest[], options: Omit<StartOptions, 'manifests'> = {}): Promise<Gatehouse> {
  const gatehouse = await startGatehouse({ ...options, manifests });
  t.after(() => gatehouse.stop());
  return gatehouse;
}

/** A backend that lives until the test ends. */
export async function backendFor(t: TestContext, name: string, listener?: RequestListener): Promise<Backend> {
  const backend = await startBackend(name, listener);
  t.after(() => backend.close());
  return backend;
}
