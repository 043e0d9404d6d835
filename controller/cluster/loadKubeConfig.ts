import { systemClock, type Clock } from '../../core/time/clock.ts';
import { inClusterConnection, SERVICE_ACCOUNT_FOLDER } from './inClusterConnection.ts';
import { kubeconfigConnection } from './kubeconfigConnection.ts';
import { KubeConfigError, type KubeConnection } from './kubeConnection.ts';

/** How the API server is found. */
export interface KubeConfigOptions {
  /** Path of a kubeconfig file; null: none given. */
  readonly kubeconfig: string | null;
  /** A context of that file; null: its current one. */
  readonly context: string | null;
  /** Use the ServiceAccount of the Pod that this runs in. */
  readonly inCluster: boolean;
  /** Of the process; `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` are read. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where the ServiceAccount is mounted; for tests. */
  readonly serviceAccountFolder?: string;
  readonly clock?: Clock;
}

/** Reads and checks what leads to the API server, without talking to it. Throws KubeConfigError, which says what to do. */
export function loadKubeConfig(options: KubeConfigOptions): Promise<KubeConnection> {
  const { kubeconfig, context, inCluster, environment } = options;
  if (kubeconfig !== null) return kubeconfigConnection({ path: kubeconfig, context });
  if (!inCluster) return Promise.reject(new KubeConfigError('no API server is named: give --kubeconfig PATH, or run in a Pod'));
  if (context !== null) return Promise.reject(new KubeConfigError('--context names a context of a kubeconfig file: give --kubeconfig PATH'));
  return inClusterConnection({
    host: environment['KUBERNETES_SERVICE_HOST'],
    port: environment['KUBERNETES_SERVICE_PORT'],
    folder: options.serviceAccountFolder ?? SERVICE_ACCOUNT_FOLDER,
    clock: options.clock ?? systemClock,
  });
}
