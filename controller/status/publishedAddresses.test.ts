import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeObject } from '../decode/decodeObject.ts';
import { ObjectStore } from '../model/store.ts';
import { publishedAddresses, type PublishedInput } from './publishedAddresses.ts';

function storeOf(...values: readonly object[]): ObjectStore {
  const store = new ObjectStore();
  store.apply({ upserts: values.map((value) => decodeObject(value, null).object).filter((object) => object !== null), deletes: [] });
  return store;
}

function node(name: string, address: string, labels: Readonly<Record<string, string>> = {}): object {
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, status: { addresses: [{ type: 'InternalIP', address }] } };
}

function pods(...nodes: readonly (readonly [string, boolean])[]): object {
  const endpoints = nodes.map(([nodeName, ready], index) => ({ addresses: [`192.0.2.${index + 100}`], nodeName, conditions: { ready } }));
  const metadata = { name: 'pods-1', namespace: 'gatehouse-system', labels: { 'kubernetes.io/service-name': 'pods' } };
  return { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType: 'IPv4', ports: [], endpoints };
}

const EXCLUDED = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' };
const NODES = [node('one', '192.0.2.1'), node('two', '192.0.2.2'), node('three', '192.0.2.3', EXCLUDED)];

function published(objects: readonly object[], changes: Partial<PublishedInput> = {}): readonly string[] | null {
  const input = { fixed: [], publishService: null, ownService: 'gatehouse-system/pods', ownAddresses: ['198.51.100.1'], services: [] };
  const found = publishedAddresses({ ...input, objects: storeOf(...objects), ...changes });
  return found?.map(({ ip, hostname }) => (ip === '' ? hostname : ip)) ?? null;
}

test('what is given by hand counts alone, names and addresses', () => {
  assert.deepEqual(published(NODES, { fixed: ['lb.example.com', '192.0.2.9'] }), ['lb.example.com', '192.0.2.9']);
});

test('Ingresses are reached at the nodes where our Pods are ready, but for those that load balancers leave alone', () => {
  assert.deepEqual(published([...NODES, pods(['two', true], ['one', true], ['three', true])]), ['192.0.2.1', '192.0.2.2']);
  assert.deepEqual(published([...NODES, pods(['two', true], ['one', false])]), ['192.0.2.2']);
});

test('while no Pod of ours is known to be ready, nobody can say where Ingresses are reached', () => {
  assert.equal(published([...NODES, pods(['one', false])]), null);
  assert.equal(published(NODES), null);
});

test('without a Service of our Pods it is this machine', () => {
  assert.deepEqual(published(NODES, { ownService: null }), ['198.51.100.1']);
});
