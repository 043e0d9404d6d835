import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { AdminClient, PlainObject } from '../apiserver/admin.ts';
import { startApiServer, type ApiServerOptions } from '../apiserver/apiServer.ts';
import { isRealGiven, startControlPlane } from '../apiserver/controlPlane.ts';
import type { Faults } from '../apiserver/faults.ts';
import type { LoggedRequest } from '../apiserver/http/apiHandler.ts';
import { until } from './until.ts';

/** Gatehouse's own namespace in tests, the default of `gatehouse run`. */
export const OWN_NAMESPACE = 'gatehouse-system';

const CRDS = join(import.meta.dirname, '../../crds');

/** A control plane with Gatehouse's CRDs and its namespace. */
export interface Cluster {
  /** `real`: etcd and kube-apiserver of KUBEBUILDER_ASSETS; `test`: our own server. */
  readonly kind: 'real' | 'test';
  readonly admin: AdminClient;
  /** Text of a kubeconfig file; default: an administrator. A service account is `system:serviceaccount:NAMESPACE:NAME`. */
  kubeconfig(user?: string): string;
  /** The API server is gone until `resume`; what it holds stays. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
  /** Null: only our own server can be made to fail. */
  readonly faults: Faults | null;
  /** What was asked so far; null: only our own server tells. */
  readonly requests: readonly LoggedRequest[] | null;
}

/** Starts one: the real one where KUBEBUILDER_ASSETS names its binaries, for which `options` count nothing. End it by `stop`. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const cluster = await (isRealGiven() ? startReal() : startTest(options));
  try {
    await prepare(cluster.admin);
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** Of our own server. */
export type ClusterOptions = Pick<ApiServerOptions, 'rbac' | 'webhookServices' | 'historyLimit' | 'bookmarkIntervalMs'>;

async function startReal(): Promise<Cluster> {
  const plane = await startControlPlane();
  return { ...plane, kubeconfig: (user) => plane.kubeconfig(user), requests: null };
}

async function startTest(options: ClusterOptions): Promise<Cluster> {
  const server = await startApiServer(options);
  return {
    kind: 'test',
    admin: server,
    kubeconfig: (user) => server.kubeconfig(user === undefined ? {} : { user }),
    pause: () => server.pause(),
    resume: () => server.resume(),
    stop: () => server.stop(),
    faults: server.faults,
    requests: server.requests,
  };
}

async function prepare(admin: AdminClient): Promise<void> {
  const definitions = readdirSync(CRDS).map((file) => parse(readFileSync(join(CRDS, file), 'utf8')) as PlainObject);
  for (const definition of definitions) await admin.create(definition);
  for (const { apiVersion, kind, metadata } of definitions) {
    const name = metadata.name ?? '';
    await until(`${name} is established`, async () => isEstablished(await admin.get({ apiVersion, kind, name })));
  }
  await admin.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: OWN_NAMESPACE } });
}

function isEstablished(definition: unknown): boolean {
  const { status } = definition as { readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] } };
  return status?.conditions?.some((condition) => condition.type === 'Established' && condition.status === 'True') === true;
}
