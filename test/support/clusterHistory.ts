import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { KubeConfig, Watch } from '@kubernetes/client-node';
import type { KubeObject } from '../apiserver/json.ts';
import type { Cluster } from './cluster.ts';
import { addressesOf } from './clusterObjects.ts';

/** How soon a watch that has ended is opened again. */
const AGAIN_MS = 100;

/** What the statuses of all Services of a namespace have ever shown. */
export interface StatusHistory {
  /** Name → its addresses, each time they differed from before; `''`: none. Begins with what it was created with. */
  readonly shown: ReadonlyMap<string, readonly string[]>;
  /** In words: what has changed an address that it had shown, and addresses that two had. Empty: all is well. */
  faults(): readonly string[];
}

/** Watches the Services of a namespace from now on until the test ends, each single version of them, over pauses of the API server too. */
export async function watchStatuses(t: TestContext, cluster: Cluster, namespace: string): Promise<StatusHistory> {
  const config = new KubeConfig();
  config.loadFromString(cluster.kubeconfig());
  const watch = new Watch(config);
  const shown = new Map<string, string[]>();
  let [resourceVersion, stopped] = ['0', false];
  let current: AbortController | null = null;
  const note = (_phase: string, service: KubeObject): void => {
    const { name, resourceVersion: version } = service.metadata as { readonly name: string; readonly resourceVersion: string };
    resourceVersion = version;
    const addresses = addressesOf(service).join(',');
    const before = shown.get(name) ?? [];
    if (before.at(-1) !== addresses) shown.set(name, [...before, addresses]);
  };
  const follow = async (): Promise<void> => {
    while (!stopped) {
      const { promise, resolve } = Promise.withResolvers<void>();
      current = await watch.watch(`/api/v1/namespaces/${namespace}/services`, { resourceVersion }, note, () => resolve()).catch(() => null);
      if (current !== null) await promise;
      if (!stopped) await sleep(AGAIN_MS);
    }
  };
  void follow();
  t.after(() => {
    stopped = true;
    current?.abort();
  });
  return { shown, faults: () => faultsOf(shown) };
}

function faultsOf(shown: ReadonlyMap<string, readonly string[]>): string[] {
  const changed = [...shown].filter(([, history]) => new Set(history.filter((each) => each !== '')).size > 1 || history.lastIndexOf('') > 0);
  const owners = Map.groupBy([...shown].filter(([, history]) => history.at(-1) !== ''), ([, history]) => history.at(-1) ?? '');
  const shared = [...owners].filter(([, group]) => group.length > 1);
  return [
    ...changed.map(([name, history]) => `${name} showed ${history.map((each) => each || 'nothing').join(', then ')}`),
    ...shared.map(([address, group]) => `${group.map(([name]) => name).join(' and ')} have ${address}`),
  ];
}
