import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeObject } from '../../decode/decodeObject.ts';
import type { Service } from '../../model/service.ts';
import { ObjectStore } from '../../model/store.ts';
import { endpointNodes, localNodes } from './carryingNodes.ts';

function storeOf(...objects: readonly object[]): { readonly objects: ObjectStore; readonly service: Service } {
  const store = new ObjectStore();
  for (const each of objects) {
    const { object, problems } = decodeObject(each, null);
    assert.ok(object !== null, JSON.stringify(problems));
    store.apply({ upserts: [object], deletes: [] });
  }
  const service = store.get('Service', 'shop', 'web');
  assert.ok(service !== undefined);
  return { objects: store, service };
}

const metadata = { name: 'web', namespace: 'shop' };

function serviceOf(spec: object = {}): object {
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { type: 'LoadBalancer', ipFamilyPolicy: 'PreferDualStack', ports: [{ port: 80 }], ...spec } };
}

function sliceOf(addressType: string, endpoints: readonly (readonly [address: string, nodeName: string, ready?: boolean])[]): object {
  return {
    apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType, ports: [{ port: 8080, protocol: 'TCP' }],
    metadata: { name: `web-${addressType.toLowerCase()}`, namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
    endpoints: endpoints.map(([address, nodeName, ready = true]) => ({ addresses: [address], nodeName, conditions: { ready } })),
  };
}

test('an endpoint of a dual-stack Service counts once for an address of each family', () => {
  const { objects, service } = storeOf(serviceOf(), sliceOf('IPv4', [['10.0.0.1', 'one'], ['10.0.0.2', 'one']]), sliceOf('IPv6', [['fd00::1', 'one'], ['fd00::2', 'one']]));
  assert.deepEqual(endpointNodes(service, objects, 'IPv4'), ['one', 'one']);
  assert.deepEqual(endpointNodes(service, objects, 'IPv6'), ['one', 'one']);
});

test('endpoints of one family say nothing of an address of the other', () => {
  const { objects, service } = storeOf(serviceOf({ externalTrafficPolicy: 'Local' }), sliceOf('IPv4', [['10.0.0.1', 'one']]), sliceOf('IPv6', [['fd00::1', 'two'], ['fd00::2', 'one', false]]));
  const carried = [{ service, isPublished: false }];
  assert.deepEqual([localNodes(carried, objects, 'IPv4'), localNodes(carried, objects, 'IPv6')], [new Set(['one']), new Set(['two'])]);
  const only = storeOf(serviceOf(), sliceOf('IPv4', [['10.0.0.1', 'one']]));
  assert.deepEqual(endpointNodes(only.service, only.objects, 'IPv6'), []);
});

test('the legacy Endpoints object counts where there is no slice, without a word on nodes', () => {
  const endpoints = { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets: [{ addresses: [{ ip: '10.0.0.1' }], notReadyAddresses: [{ ip: '10.0.0.2' }], ports: [{ port: 8080 }] }] };
  const { objects, service } = storeOf(serviceOf(), endpoints);
  assert.deepEqual([endpointNodes(service, objects, 'IPv4'), endpointNodes(service, objects, 'IPv6')], [[''], []]);
  const unready = storeOf(serviceOf({ publishNotReadyAddresses: true }), endpoints);
  assert.deepEqual(endpointNodes(unready.service, unready.objects, 'IPv4'), ['', '']);
});
