import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeObject } from '../decode/decodeObject.ts';
import { ObjectStore } from '../model/store.ts';
import { nodeFacts } from './nodeFacts.ts';

function storeWith(labels: Readonly<Record<string, string>>, networkUnavailable?: string): ObjectStore {
  const conditions = networkUnavailable === undefined ? [] : [{ type: 'NetworkUnavailable', status: networkUnavailable }];
  const { object } = decodeObject({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'one', labels }, status: { conditions } }, null);
  assert.ok(object !== null);
  const store = new ObjectStore();
  store.apply({ upserts: [object], deletes: [] });
  return store;
}

test('a Node says its zone', () => {
  assert.equal(nodeFacts(storeWith({ 'topology.kubernetes.io/zone': 'a' }), 'one').zone, 'a');
});

test('a Node that is not known has no zone and nothing against it', () => {
  assert.deepEqual(nodeFacts(storeWith({ 'topology.kubernetes.io/zone': 'a' }), 'two'), { zone: '', excluded: false, networkUnavailable: false });
});

test('the label that excludes a Node counts with any value', () => {
  for (const value of ['', 'true', 'false']) {
    assert.equal(nodeFacts(storeWith({ 'node.kubernetes.io/exclude-from-external-load-balancers': value }), 'one').excluded, true);
  }
  assert.equal(nodeFacts(storeWith({}), 'one').excluded, false);
});

test('a network is unavailable when the condition is True, and not when nobody knows', () => {
  assert.equal(nodeFacts(storeWith({}, 'True'), 'one').networkUnavailable, true);
  for (const status of ['False', 'Unknown', undefined]) assert.equal(nodeFacts(storeWith({}, status), 'one').networkUnavailable, false);
});
