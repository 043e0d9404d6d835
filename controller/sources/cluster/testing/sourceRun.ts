import type { TestContext } from 'node:test';
import { MemoryApi, type RawObject } from './memoryApi.ts';
import { createClusterSource, type ClusterSource, type ClusterSourceOptions } from '../clusterSource.ts';
import type { SourceBatch } from '../../source.ts';
import type { KubeObject } from '../../../model/objects.ts';
import { printRef, type ObjectRef } from '../../../../core/ir/objectRef.ts';
import type { Problem } from '../../../../core/ir/problem.ts';
import { silentLogger } from '../../../../core/log/logger.ts';

/** A source over an API server in memory, and what downstream would hold of it. */
export interface SourceRun {
  readonly api: MemoryApi;
  readonly source: ClusterSource;
  readonly batches: readonly SourceBatch[];
  /** printed reference → object, as the batches leave it. */
  readonly held: ReadonlyMap<string, KubeObject>;
  readonly problems: () => readonly Problem[];
  /** Sleeps of the source that go on; a test ends them by `wake`. */
  readonly sleeps: readonly number[];
  /** Ends every sleep that goes on. */
  wake(): void;
  start(): Promise<void>;
  /** Resolves once the condition holds; turns of the event loop pass meanwhile. Fails after many. */
  until(condition: () => boolean): Promise<void>;
  get(kind: string, namespace: string, name: string): KubeObject | undefined;
}

interface PendingSleep {
  readonly ms: number;
  readonly resolve: () => void;
}

/** Sleeps end only by `wake`, so that a test owns all waiting. */
export function sourceRun(t: TestContext, options: Partial<ClusterSourceOptions> = {}, api = new MemoryApi()): SourceRun {
  const pending = new Set<PendingSleep>();
  const batches: SourceBatch[] = [];
  const held = new Map<string, KubeObject>();
  const source = createClusterSource({
    api,
    namespaces: [],
    ownNamespace: 'gatehouse',
    secrets: 'named',
    logger: silentLogger,
    random: () => 1,
    sleep: (ms, signal) => sleepUntilWoken(pending, ms, signal),
    ...options,
  });
  t.after(() => source.stop());
  return {
    api,
    source,
    batches,
    held,
    problems: () => batches.at(-1)?.problems ?? [],
    get sleeps() {
      return [...pending].map(({ ms }) => ms);
    },
    wake: () => {
      for (const { resolve } of pending) resolve();
    },
    start: () => source.start((batch) => take(batch, batches, held)),
    until,
    get: (kind, namespace, name) => held.get(printRef({ kind, namespace, name })),
  };
}

function take(batch: SourceBatch, batches: SourceBatch[], held: Map<string, KubeObject>): void {
  batches.push(batch);
  for (const ref of batch.deletes) held.delete(printRef(ref));
  for (const object of [...batch.upserts, ...(batch.refreshed ?? [])]) held.set(printRef(refOfObject(object)), object);
}

function refOfObject({ kind, metadata: { namespace, name } }: KubeObject): ObjectRef {
  return { kind, namespace, name };
}

async function sleepUntilWoken(pending: Set<PendingSleep>, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const sleep = { ms, resolve };
  const onAbort = (): void => reject(signal.reason as Error);
  pending.add(sleep);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await promise;
  } finally {
    pending.delete(sleep);
    signal.removeEventListener('abort', onAbort);
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000; turn += 1) {
    if (condition()) return;
    await new Promise(setImmediate);
  }
  throw new Error('the condition did not come about');
}

/** Where the API server keeps what the tests write. */
export const PATHS = {
  service: '/api/v1/services',
  secret: '/api/v1/secrets',
  configMap: '/api/v1/configmaps',
  namespace: '/api/v1/namespaces',
  ingress: '/apis/networking.k8s.io/v1/ingresses',
  pool: '/apis/gatehouse.dev/v1/ipaddresspools',
  metallbPool: '/apis/metallb.io/v1beta1/ipaddresspools',
} as const;

/** A Service, as an API server lists it: without apiVersion and kind. */
export function rawService(name: string, more: Readonly<Record<string, unknown>> = {}, namespace = 'shop'): RawObject {
  return { metadata: { name, namespace, ...more }, spec: { type: 'ClusterIP', ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }] } };
}

/** A Secret of one value. */
export function rawSecret(name: string, value = 'x', namespace = 'shop'): RawObject {
  return { metadata: { name, namespace }, type: 'Opaque', data: { key: Buffer.from(value).toString('base64') } };
}

/** A pool of one range. */
export function rawPool(name: string, range = '192.0.2.0/24', namespace = 'gatehouse'): RawObject {
  return { metadata: { name, namespace }, spec: { addresses: [range] } };
}
