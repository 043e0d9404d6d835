import { applyMapDelta } from './delta.ts';
import type { Certificate, CertificateKey } from './certificate.ts';
import type { Cluster, ClusterKey } from './cluster.ts';
import type { L4Key, L4Listener, L4Route } from './l4.ts';
import type { Settings } from './settings.ts';
import type { MapDelta, SnapshotDelta } from './snapshot.ts';
import type { VirtualHost } from './virtualHost.ts';
import type { HostPattern } from '../net/hostPattern.ts';

/** The sum of all deltas so far, kept so that whoever starts later can be caught up. */
export interface CurrentSnapshot {
  /** Of the last delta; 0: none has come yet. */
  generation(): number;
  apply(delta: SnapshotDelta): void;
  /** One delta that leads from nothing to here. */
  full(): SnapshotDelta;
}

/** An empty CurrentSnapshot. It shares values with the deltas it is given and copies none. */
export function createCurrentSnapshot(): CurrentSnapshot {
  let generation = 0;
  let settings: Settings | null = null;
  const virtualHosts = new Map<HostPattern, VirtualHost>();
  const clusters = new Map<ClusterKey, Cluster>();
  const certificates = new Map<CertificateKey, Certificate>();
  const serverNames = new Map<HostPattern, CertificateKey>();
  const l4Listeners = new Map<L4Key, L4Listener>();
  const passthrough = new Map<HostPattern, L4Route>();
  return {
    generation: () => generation,
    apply: (delta) => {
      generation = delta.generation;
      settings = delta.settings ?? settings;
      applyMapDelta(virtualHosts, delta.virtualHosts);
      applyMapDelta(clusters, delta.clusters);
      applyMapDelta(certificates, delta.certificates);
      applyMapDelta(serverNames, delta.serverNames);
      applyMapDelta(l4Listeners, delta.l4Listeners);
      applyMapDelta(passthrough, delta.passthrough);
    },
    full: () => ({
      generation,
      settings,
      virtualHosts: wholeMap(virtualHosts),
      clusters: wholeMap(clusters),
      certificates: wholeMap(certificates),
      serverNames: wholeMap(serverNames),
      l4Listeners: wholeMap(l4Listeners),
      passthrough: wholeMap(passthrough),
    }),
  };
}

/** One delta with the effect of `earlier`, then `later`: for a receiver that is too busy to be sent both. */
export function mergeDeltas(earlier: SnapshotDelta, later: SnapshotDelta): SnapshotDelta {
  return {
    generation: later.generation,
    settings: later.settings ?? earlier.settings,
    virtualHosts: mergeMaps(earlier.virtualHosts, later.virtualHosts),
    clusters: mergeMaps(earlier.clusters, later.clusters),
    certificates: mergeMaps(earlier.certificates, later.certificates),
    serverNames: mergeMaps(earlier.serverNames, later.serverNames),
    l4Listeners: mergeMaps(earlier.l4Listeners, later.l4Listeners),
    passthrough: mergeMaps(earlier.passthrough, later.passthrough),
  };
}

function wholeMap<K, V>(map: ReadonlyMap<K, V>): MapDelta<K, V> {
  return { upsert: [...map], remove: [] };
}

function mergeMaps<K, V>(earlier: MapDelta<K, V>, later: MapDelta<K, V>): MapDelta<K, V> {
  const upsert = new Map<K, V>(earlier.upsert);
  const remove = new Set<K>(earlier.remove);
  for (const key of later.remove) {
    upsert.delete(key);
    remove.add(key);
  }
  // A key both removed and set stays in both lists: receivers remove first, then set.
  for (const [key, value] of later.upsert) upsert.set(key, value);
  return { upsert: [...upsert], remove: [...remove] };
}
