import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pool, service } from '../allocator/testing/objects.ts';
import { give } from '../allocator/testing/given.ts';
import { problemReason, REFUSAL_REASONS } from './problemReason.ts';

test('a wish that the allocator cannot meet is AllocationFailed, whatever it is', () => {
  const wishes = {
    'shop/outside': { 'metallb.io/loadBalancerIPs': '198.51.100.1' },
    'shop/unknown': { 'metallb.io/address-pool': 'nowhere' },
    'shop/words': { 'metallb.io/loadBalancerIPs': 'nonsense' },
    'shop/first': { 'metallb.io/loadBalancerIPs': '192.0.2.1' },
    'shop/second': { 'metallb.io/loadBalancerIPs': '192.0.2.1' },
  };
  const services = Object.entries(wishes).map(([key, annotations], index) => service(key, { annotations, createdAtMs: index }));
  const { result } = give({ pools: [pool('lan', ['192.0.2.1/32'])], services });
  assert.equal(result.refusals.length, 4);
  for (const refusal of result.refusals) {
    const problems = result.problems.filter(({ object }) => object?.name === refusal.service.name);
    assert.deepEqual(problems.map((problem) => problemReason(problem, [refusal])), ['AllocationFailed'], refusal.service.name);
  }
});

test('a deprecated spelling has a reason of its own', () => {
  const annotations = { 'metallb.universe.tf/address-pool': 'lan' };
  const { result } = give({ pools: [pool('lan', ['192.0.2.1/32'])], services: [service('shop/web', { annotations })] });
  assert.deepEqual(result.problems.map((problem) => problemReason(problem, result.refusals)), ['DeprecatedAnnotation']);
});

test('every other problem belongs to a class by its field', () => {
  const classOf = (field: string, rule = 'must be right'): string =>
    problemReason({ severity: 'error', object: null, position: null, field, rule, value: '', effect: 'it is left out' }, []);
  assert.equal(classOf('metadata.annotations[nginx.ingress.kubernetes.io/canary]'), 'InvalidAnnotation');
  assert.equal(classOf('spec.tls[0].secretName'), 'InvalidTLS');
  assert.equal(classOf('spec.rules[0].http.paths[0].backend.service.name'), 'InvalidBackend');
  assert.equal(classOf('spec.ports[0]', 'needs its port to be opened: EACCES'), 'PortNotOpened');
  assert.equal(classOf('spec.rules[0].host'), 'Invalid');
});

test('reasons are CamelCase, as conditions and Events want them', () => {
  for (const reason of Object.values(REFUSAL_REASONS)) assert.match(reason, /^[A-Z][A-Za-z]+$/);
});
