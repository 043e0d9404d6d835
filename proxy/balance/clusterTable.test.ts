import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster, ClusterKey, Endpoint } from '../../core/ir/cluster.ts';
import { ClusterTable } from './clusterTable.ts';
import { clusterOf, endpoint, fakeClock } from './testing/clusters.ts';

function named(key: string, members: readonly Endpoint[]): readonly [ClusterKey, Cluster] {
  return [key as ClusterKey, { ...clusterOf(members), key: key as ClusterKey }];
}

function newTable(): ClusterTable {
  return new ClusterTable({ clock: fakeClock(), random: () => 0 });
}

test('clusters come, change and go, and keep their state while they change', () => {
  const table = newTable();
  table.apply({ upsert: [named('a', [endpoint(0)])], remove: [] });
  const state = table.get('a' as ClusterKey);
  table.apply({ upsert: [named('a', [endpoint(0), endpoint(1)])], remove: [] });
  assert.equal(table.get('a' as ClusterKey), state);
  assert.deepEqual(table.views().map((view) => view.endpoint), ['10.0.0.0:80', '10.0.0.1:80']);
  table.apply({ upsert: [], remove: ['a' as ClusterKey] });
  assert.equal(table.get('a' as ClusterKey), undefined);
});

test('apply tells the endpoints that no cluster has any more, and only those', () => {
  const table = newTable();
  const first = [named('a', [endpoint(0), endpoint(1)]), named('b', [endpoint(1)])];
  assert.deepEqual(table.apply({ upsert: first, remove: [] }), []);
  assert.deepEqual(table.apply({ upsert: [named('a', [endpoint(2)])], remove: [] }), [endpoint(0)]);
  assert.deepEqual(table.apply({ upsert: [named('c', [endpoint(2)])], remove: ['a' as ClusterKey] }), []);
  assert.deepEqual(table.apply({ upsert: [], remove: ['b' as ClusterKey, 'c' as ClusterKey, 'x' as ClusterKey] }), [
    endpoint(1),
    endpoint(2),
  ]);
});
