import { isDeepStrictEqual } from 'node:util';
import type { MapDelta, Snapshot, SnapshotDelta } from './snapshot.ts';

/** What leads from `before` (null: nothing yet) to `after`. Values that are the same object cost one comparison. */
export function diffSnapshots(before: Snapshot | null, after: Snapshot, generation: number): SnapshotDelta {
  return {
    generation,
    settings: before !== null && isDeepStrictEqual(before.settings, after.settings) ? null : after.settings,
    virtualHosts: diffMaps(before?.virtualHosts ?? null, after.virtualHosts),
    clusters: diffMaps(before?.clusters ?? null, after.clusters),
    certificates: diffMaps(before?.certificates ?? null, after.certificates),
    serverNames: diffMaps(before?.serverNames ?? null, after.serverNames),
    l4Listeners: diffMaps(before?.l4Listeners ?? null, after.l4Listeners),
    passthrough: diffMaps(before?.passthrough ?? null, after.passthrough),
  };
}

/** True when applying `delta` would change nothing but the generation. */
export function isEmptyDelta(delta: SnapshotDelta): boolean {
  const maps = [delta.virtualHosts, delta.clusters, delta.certificates, delta.serverNames, delta.l4Listeners, delta.passthrough];
  return delta.settings === null && maps.every((map) => map.upsert.length === 0 && map.remove.length === 0);
}

/** Applies the changes of one map in place. */
export function applyMapDelta<K, V>(target: Map<K, V>, delta: MapDelta<K, V>): void {
  for (const key of delta.remove) target.delete(key);
  for (const [key, value] of delta.upsert) target.set(key, value);
}

function diffMaps<K, V>(before: ReadonlyMap<K, V> | null, after: ReadonlyMap<K, V>): MapDelta<K, V> {
  const upsert: [K, V][] = [];
  for (const [key, value] of after) {
    const old = before?.get(key);
    if (old !== undefined && (old === value || isDeepStrictEqual(old, value))) continue;
    upsert.push([key, value]);
  }
  const remove: K[] = [];
  for (const key of before?.keys() ?? []) if (!after.has(key)) remove.push(key);
  return { upsert, remove };
}
