import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice } from '../../model/endpoints.ts';
import { refOf } from '../../model/objects.ts';
import type { Service } from '../../model/service.ts';
import { decodeObject } from '../../decode/decodeObject.ts';
import { boundedSlices, MAX_ADDRESSES_OF_SERVICE, tooManyAddresses } from './boundedSlices.ts';

function slice(name: string, count: number): EndpointSlice {
  const endpoints = Array.from({ length: count }, (_, index) => ({ addresses: [`10.1.${index >> 8}.${index & 255}`] }));
  const metadata = { name, namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } };
  const { object } = decodeObject({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType: 'IPv4', ports: [], endpoints }, null);
  assert.ok(object?.kind === 'EndpointSlice');
  return object;
}

function service(): Service {
  const { object } = decodeObject({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop' }, spec: { ports: [{ port: 80 }] } }, null);
  assert.ok(object?.kind === 'Service');
  return object;
}

const PER_SLICE = 1000;
const FULL = Array.from({ length: MAX_ADDRESSES_OF_SERVICE / PER_SLICE }, (_, index) => slice(`s${index}`, PER_SLICE));

test('a Service that keeps to the bound has all its slices, as they come', () => {
  assert.equal(boundedSlices(FULL), FULL);
  assert.equal(tooManyAddresses(service(), FULL), null);
});

test('of a Service with more addresses whole slices are left out, the same ones in whatever order they come', () => {
  const many = [...FULL, slice('a', 1), slice('z', PER_SLICE)];
  const names = (slices: readonly EndpointSlice[]): string[] => slices.map(({ metadata }) => metadata.name);
  const kept = names(boundedSlices(many));
  assert.deepEqual(kept, ['a', ...names(FULL).toSorted().slice(0, -1)]);
  assert.deepEqual(names(boundedSlices(many.toReversed())), kept);
  const problem = tooManyAddresses(service(), many);
  assert.deepEqual(problem?.object, refOf(service()));
  assert.equal(problem?.value, '11001');
});
