import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ingress } from '../../model/ingress.ts';
import { decodeAll, ingressValue } from '../testdata/manyObjects.ts';
import { expandRules, pathMatchOf } from './expandRules.ts';

const backend = { service: { name: 'web', port: { number: 80 } } };

function ingress(spec: unknown): Ingress {
  const [object] = decodeAll([ingressValue('web', spec)]);
  assert.ok(object?.kind === 'Ingress');
  return object;
}

test('a prefix loses its trailing slashes, an exact path keeps them', () => {
  const path = { backend: { type: 'service', service: 'web', port: { type: 'number', number: 80 } }, field: '' } as const;
  assert.deepEqual(pathMatchOf({ ...path, path: '/a/', pathType: 'Prefix' }), { type: 'prefix', value: '/a' });
  assert.deepEqual(pathMatchOf({ ...path, path: '/a//', pathType: 'ImplementationSpecific' }), { type: 'prefix', value: '/a' });
  assert.deepEqual(pathMatchOf({ ...path, path: '/', pathType: 'Prefix' }), { type: 'prefix', value: '/' });
  assert.deepEqual(pathMatchOf({ ...path, path: '/a/', pathType: 'Exact' }), { type: 'exact', value: '/a/' });
});

test('a host whose rule has no http is a claim of the default backend', () => {
  const { hosts, claims } = expandRules(ingress({ defaultBackend: backend, rules: [{ host: 'a.test' }, {}] }));
  assert.deepEqual(hosts, ['a.test', '*']);
  assert.deepEqual(claims.map(({ host, field, origin }) => [host, field, origin]), [
    ['a.test', 'spec.rules[0]', 'rule'],
    ['*', 'spec.rules[1]', 'rule'],
  ]);
});

test('a default backend fills every host once, however many rules the host has', () => {
  const http = { paths: [{ path: '/x', pathType: 'Prefix', backend }] };
  const other = { paths: [{ path: '/y', pathType: 'Prefix', backend }] };
  const { claims } = expandRules(ingress({ defaultBackend: backend, rules: [{ host: 'A.test', http }, { host: 'a.test', http: other }] }));
  assert.deepEqual(claims.map(({ match }) => match.value), ['/x', '/y', '/']);
});
