import type { Cluster, ClusterKey } from '../../core/ir/cluster.ts';
import type { L4Key, L4Listener } from '../../core/ir/l4.ts';
import type { Snapshot } from '../../core/ir/snapshot.ts';

/**
 * `next` with the L4 listeners of `before` that are gone from it but whose ports are still `open`: a connection that is
 * accepted in the moment before its port closes is served as before. The same object when there are none.
 */
export function retainListeners(next: Snapshot, before: Snapshot | null, open: ReadonlySet<L4Key>): Snapshot {
  if (before === null) return next;
  const kept = [...before.l4Listeners].filter(([key]) => open.has(key) && !next.l4Listeners.has(key));
  if (kept.length === 0) return next;
  const listeners = new Map<L4Key, L4Listener>([...next.l4Listeners, ...kept]);
  const clusters = new Map<ClusterKey, Cluster>(next.clusters);
  for (const { cluster: key } of kept.flatMap(([, { route }]) => route.targets)) {
    const cluster = before.clusters.get(key);
    if (cluster !== undefined && !clusters.has(key)) clusters.set(key, cluster);
  }
  return { ...next, l4Listeners: listeners, clusters };
}
