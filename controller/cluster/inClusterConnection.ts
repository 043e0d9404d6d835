import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isIPv6 } from 'node:net';
import { KubeConfigError, type KubeConnection } from './kubeConnection.ts';
import type { Clock } from '../../core/time/clock.ts';

/** Where the kubelet puts a Pod's ServiceAccount. */
export const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The token is read again when it is older than this: the kubelet renews it at 80 % of its life, an hour by default. As client-go. */
const TOKEN_AGE_MS = 60_000;

/** What a Pod is told of its cluster. */
export interface InClusterOptions {
  /** `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`; undefined outside a Pod. */
  readonly host: string | undefined;
  readonly port: string | undefined;
  readonly folder: string;
  readonly clock: Clock;
}

/**
 * The connection of a Pod by its ServiceAccount. Read here and not by @kubernetes/client-node: that library costs half a
 * second and 85 MB, on every node, for three files.
 */
export async function inClusterConnection({ host, port, folder, clock }: InClusterOptions): Promise<KubeConnection> {
  if (host === undefined || host === '' || port === undefined || port === '') {
    throw new KubeConfigError(
      'this is no Pod of a cluster (KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set): give --kubeconfig PATH or --manifests PATH',
    );
  }
  const file = (name: string): string => join(folder, name);
  // Both are looked at now, so that what is missing is said at the start.
  await readServiceAccountFile(file('ca.crt'));
  let token = await readServiceAccountFile(file('token'));
  let readAtMs = clock.now();
  const namespace = await readFile(file('namespace'), 'utf8').catch(() => '');
  return {
    server: new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`),
    namespace: namespace.trim() || null,
    description: 'the ServiceAccount of this Pod',
    settings: async () => {
      if (clock.now() - readAtMs >= TOKEN_AGE_MS) {
        token = await readServiceAccountFile(file('token'));
        readAtMs = clock.now();
      }
      const ca = await readServiceAccountFile(file('ca.crt'));
      return { headers: { Authorization: `Bearer ${token}` }, tls: { ca, rejectUnauthorized: true }, proxyAgent: null };
    },
    renew: () => {
      readAtMs = -Infinity;
      return Promise.resolve();
    },
  };
}

async function readServiceAccountFile(path: string): Promise<string> {
  let text;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new KubeConfigError(
      `${path} cannot be read: the Pod needs its ServiceAccount mounted (automountServiceAccountToken: true), or give --kubeconfig PATH`,
      { cause: error },
    );
  }
  if (text.trim() === '') throw new KubeConfigError(`${path} is empty: the Pod's ServiceAccount is not complete`);
  return text.trim();
}
