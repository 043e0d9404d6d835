import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster, ClusterKey } from '../../core/ir/cluster.ts';
import { l4Key, type L4Listener, type L4Route } from '../../core/ir/l4.ts';
import type { Snapshot } from '../../core/ir/snapshot.ts';
import { retainListeners } from './retainListeners.ts';

const CLUSTER = 'a/dns:53/tcp' as ClusterKey;
const KEY = l4Key('tcp', '127.77.0.1', 53);

function snapshot(ports: readonly number[], clusters: readonly ClusterKey[]): Snapshot {
  const route = { targets: [{ cluster: CLUSTER, weight: 100 }] } as unknown as L4Route;
  const listeners = ports.map((port): L4Listener => ({ key: l4Key('tcp', '127.77.0.1', port), protocol: 'tcp', address: '127.77.0.1', port, route }));
  return {
    settings: {} as Snapshot['settings'],
    virtualHosts: new Map(),
    clusters: new Map(clusters.map((key) => [key, { key } as Cluster])),
    certificates: new Map(),
    serverNames: new Map(),
    l4Listeners: new Map(listeners.map((listener) => [listener.key, listener])),
    passthrough: new Map(),
  };
}

test('a listener whose port is still open is served as before, with what stands behind it', () => {
  const before = snapshot([53], [CLUSTER]);
  const retained = retainListeners(snapshot([54], []), before, new Set([KEY]));
  assert.deepEqual([...retained.l4Listeners.keys()].toSorted(), ['tcp/127.77.0.1:53', 'tcp/127.77.0.1:54']);
  assert.equal(retained.clusters.get(CLUSTER), before.clusters.get(CLUSTER));
});

test('a listener that is wanted is served as it is wanted now', () => {
  const next = snapshot([53], [CLUSTER]);
  assert.equal(retainListeners(next, snapshot([53], [CLUSTER]), new Set([KEY])), next);
});

test('a listener whose port is closed, or was never open, goes at once', () => {
  const next = snapshot([], []);
  assert.equal(retainListeners(next, snapshot([53], [CLUSTER]), new Set()), next);
  assert.equal(retainListeners(next, null, new Set([KEY])), next);
});
