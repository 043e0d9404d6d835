import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startApiServer, type ApiServerOptions } from './apiServer.ts';
import type { AdminClient } from './admin.ts';
import type { Faults } from './faults.ts';
import { startRealControlPlane } from './realControlPlane.ts';

/** An API server, ours or the real one: what runs against this runs against both. */
export interface ControlPlane {
  /** `real`: etcd and kube-apiserver; `test`: ours. */
  readonly kind: 'real' | 'test';
  readonly url: string;
  /** Text of a kubeconfig file of an administrator, or of that user (`system:serviceaccount:NAMESPACE:NAME`), whom RBAC binds. */
  kubeconfig(user?: string, groups?: readonly string[]): string;
  readonly admin: AdminClient;
  /** The API server goes away: connections break, new ones are refused. Its state stays. */
  pause(): Promise<void>;
  /** It comes back on the same port. */
  resume(): Promise<void>;
  stop(): Promise<void>;
  /** null on the real one. */
  readonly faults: Faults | null;
}

/**
 * Starts the real control plane where KUBEBUILDER_ASSETS names a folder with `etcd` and `kube-apiserver`, else ours, both with RBAC
 * and without what kube-controller-manager does. `options` are for ours only.
 */
export async function startControlPlane(options: ApiServerOptions = {}): Promise<ControlPlane> {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets !== undefined && isRealGiven()) return await startRealControlPlane(assets);
  const server = await startApiServer({ rbac: true, controllers: false, ...options });
  return {
    kind: 'test', url: server.url, admin: server, faults: server.faults,
    kubeconfig: (user, groups = []) => server.kubeconfig(user === undefined ? {} : { user, groups }),
    pause: () => server.pause(), resume: () => server.resume(), stop: () => server.stop(),
  };
}

/** Whether KUBEBUILDER_ASSETS names a folder with the real one. */
export function isRealGiven(): boolean {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  return assets !== undefined && existsSync(join(assets, 'kube-apiserver'));
}
