import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ObjectStore } from '../../model/store.ts';
import { decodeAll, healthyShop } from '../testdata/manyObjects.ts';
import { CASE_OPTIONS } from '../testdata/readCase.ts';
import { planIngress } from './planIngress.ts';
import { readSettings } from './readSettings.ts';

const [first, again] = [decodeAll(healthyShop(1))[0], decodeAll(healthyShop(1))[0]];
const { defaults } = readSettings(new ObjectStore(), CASE_OPTIONS);

test('an unchanged Ingress is planned once, a new object of equal content equally', () => {
  assert.ok(first?.kind === 'Ingress' && again?.kind === 'Ingress');
  const plan = planIngress(first, defaults);
  assert.equal(planIngress(first, readSettings(new ObjectStore(), CASE_OPTIONS).defaults), plan);
  assert.notEqual(planIngress(again, defaults), plan);
  assert.deepEqual({ ...planIngress(again, defaults), ingress: null }, { ...plan, ingress: null });
});

test('new defaults reach an Ingress that is planned already', () => {
  assert.ok(first?.kind === 'Ingress');
  const changed = planIngress(first, { ...defaults, policy: { ...defaults.policy, connectTimeoutMs: 1 } });
  assert.equal(changed.policy.connectTimeoutMs, 1);
  assert.equal(changed.policy.readTimeoutMs, 30_000);
});
