import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeRequest } from './kubeApi.ts';
import { describeRequest } from './requestAttributes.ts';

const NOTHING = { group: '', subresource: '', namespace: '', name: '' };

const CASES: readonly (readonly [KubeRequest, object])[] = [
  [{ method: 'GET', path: '/api/v1/services' }, { verb: 'list', resource: 'services' }],
  [{ method: 'GET', path: '/api/v1/services', query: { watch: '1' } }, { verb: 'watch', resource: 'services' }],
  [{ method: 'GET', path: '/api/v1/namespaces' }, { verb: 'list', resource: 'namespaces' }],
  [{ method: 'GET', path: '/api/v1/namespaces/shop' }, { verb: 'get', resource: 'namespaces', namespace: 'shop', name: 'shop' }],
  [{ method: 'PATCH', path: '/api/v1/namespaces/shop/status' }, { verb: 'patch', resource: 'namespaces', subresource: 'status', namespace: 'shop', name: 'shop' }],
  [{ method: 'GET', path: '/api/v1/namespaces/shop/secrets/tls' }, { verb: 'get', resource: 'secrets', namespace: 'shop', name: 'tls' }],
  [
    { method: 'GET', path: '/api/v1/namespaces/shop/secrets', query: { watch: '1', fieldSelector: 'metadata.name=tls' } },
    { verb: 'watch', resource: 'secrets', namespace: 'shop', name: 'tls' },
  ],
  [{ method: 'POST', path: '/api/v1/namespaces/shop/events' }, { verb: 'create', resource: 'events', namespace: 'shop' }],
  [
    { method: 'PATCH', path: '/apis/networking.k8s.io/v1/namespaces/shop/ingresses/web/status' },
    { verb: 'patch', group: 'networking.k8s.io', resource: 'ingresses', subresource: 'status', namespace: 'shop', name: 'web' },
  ],
  [
    { method: 'PUT', path: '/apis/coordination.k8s.io/v1/namespaces/gatehouse/leases/a%20b' },
    { verb: 'update', group: 'coordination.k8s.io', resource: 'leases', namespace: 'gatehouse', name: 'a b' },
  ],
  [{ method: 'DELETE', path: '/apis/a/v1/namespaces/n/things/x' }, { verb: 'delete', group: 'a', resource: 'things', namespace: 'n', name: 'x' }],
  [{ method: 'DELETE', path: '/apis/a/v1/things' }, { verb: 'deletecollection', group: 'a', resource: 'things' }],
  [{ method: 'GET', path: '/apis/a/v1/things/%zz' }, { verb: 'get', group: 'a', resource: 'things', name: '%zz' }],
];

for (const [request, expected] of CASES) {
  test(`${request.method} ${request.path} ${JSON.stringify(request.query ?? {})} needs the rule of its verb and resource`, () => {
    assert.deepEqual(describeRequest(request), { ...NOTHING, ...expected });
  });
}

test('a path that is no resource needs no rule', () => {
  for (const path of ['/version', '/api', '/apis/a/v1', '/']) {
    assert.deepEqual(describeRequest({ method: 'GET', path }), { ...NOTHING, verb: 'get', resource: '' });
  }
});
