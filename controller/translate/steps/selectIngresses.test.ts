import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ObjectStore } from '../../model/store.ts';
import { decodeAll, ingressValue } from '../testdata/manyObjects.ts';
import { CASE_OPTIONS } from '../testdata/readCase.ts';
import { selectIngresses } from './selectIngresses.ts';

function store(...values: unknown[]): ObjectStore {
  const objects = new ObjectStore();
  objects.apply({ upserts: decodeAll(values), deletes: [] });
  return objects;
}

function ingressClass(name: string, controller: string): unknown {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name }, spec: { controller } };
}

const spec = { ingressClassName: 'edge', rules: [{ host: 'a.test' }] };

test('an Ingress comes and goes with its class object', () => {
  const objects = store(ingressValue('web', spec));
  const options = { ...CASE_OPTIONS, watchWithoutClass: false };
  assert.equal(selectIngresses(objects, options).problems.length, 1);
  objects.apply({ upserts: decodeAll([ingressClass('edge', 'gatehouse.dev/ingress')]), deletes: [] });
  assert.deepEqual(selectIngresses(objects, options).selected.map(({ className }) => className), ['edge']);
  objects.apply({ upserts: decodeAll([ingressClass('edge', 'example.com/other')]), deletes: [] });
  assert.deepEqual(selectIngresses(objects, options), { selected: [], problems: [] });
});

test('a class object of somebody else beats the same name in the options', () => {
  const objects = store(ingressValue('web', spec), ingressClass('edge', 'example.com/other'));
  assert.deepEqual(selectIngresses(objects, { ...CASE_OPTIONS, ingressClasses: ['edge'] }), { selected: [], problems: [] });
});
