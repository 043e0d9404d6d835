import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';
import { addressesOf } from './clusterObjects.ts';

/** How often all objects are read: a status that is written and taken back at once is found by its requests instead. */
const INTERVAL_MS = 50;

const KINDS = [
  { apiVersion: 'v1', kind: 'Service' },
  { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' },
] as const;

/** What the statuses of Services and Ingresses have shown. */
export interface StatusRecord {
  /** `Kind name` → its addresses, each time they differed from before; `''`: none. */
  readonly shown: ReadonlyMap<string, readonly string[]>;
  /** Objects whose addresses have changed in any way but from none to some, in words. Empty: nothing has flapped. */
  flaps(): readonly string[];
  stop(): Promise<void>;
}

/** Reads them until stopped or the test ends, over pauses of the API server too. */
export function recordStatuses(t: TestContext, cluster: Cluster, namespace = 'default'): StatusRecord {
  const shown = new Map<string, string[]>();
  let stopped = false;
  const look = async (kind: (typeof KINDS)[number]): Promise<void> => {
    for (const object of await cluster.admin.list({ ...kind, namespace })) {
      const name = `${kind.kind} ${String((object['metadata'] as { readonly name: string }).name)}`;
      const addresses = addressesOf(object).join(',');
      const before = shown.get(name) ?? [];
      if (before.at(-1) !== addresses) shown.set(name, [...before, addresses]);
    }
  };
  const running = (async () => {
    while (!stopped) {
      // A real API server that is away cannot be read, and shows nothing either.
      for (const kind of KINDS) await look(kind).catch(() => {});
      await sleep(INTERVAL_MS);
    }
  })();
  const stop = (): Promise<void> => {
    stopped = true;
    return running;
  };
  t.after(stop);
  return {
    shown,
    flaps: () => [...shown].flatMap(([name, values]) => (isSteady(values) ? [] : `${name}: ${values.join(' | ')}`)),
    stop,
  };
}

function isSteady(values: readonly string[]): boolean {
  return values.length <= 1 || (values.length === 2 && values[0] === '');
}

/** Requests that wrote the status of one object, by `resource namespace/name`, from the `from`th request on; null on a real API server. */
export function statusWrites(cluster: Cluster, from = 0): ReadonlyMap<string, number> | null {
  if (cluster.requests === null) return null;
  const counts = new Map<string, number>();
  for (const { verb, subresource, resource, namespace, name, status } of cluster.requests.slice(from)) {
    if (subresource !== 'status' || !['patch', 'update'].includes(verb) || status !== 200) continue;
    const key = `${resource} ${namespace}/${name}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}
