import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SimulatedApi } from './testing/simulatedApi.ts';
import { createWorld, statusAt } from './testing/world.ts';

const PATH = '/apis/networking.k8s.io/v1/namespaces/shop/ingresses/web';
const OURS = { ref: { kind: 'Ingress', namespace: 'shop', name: 'web' }, class: 'gatehouse', hosts: [], tlsHosts: [] };
const ADDRESSES = [{ ip: '192.0.2.1', hostname: '' }, { ip: '', hostname: 'edge.example' }];
const ENTRIES = [{ ip: '192.0.2.1' }, { hostname: 'edge.example' }];

function putIngress(api: SimulatedApi, ingress: readonly object[] = []): void {
  api.put(PATH, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
    status: { loadBalancer: ingress.length === 0 ? {} : { ingress } },
  });
}

test('an Ingress that is ours shows the addresses, once', async () => {
  const { api, tell, taken } = createWorld();
  putIngress(api);
  await tell({ ingresses: [OURS], ingressAddresses: ADDRESSES });
  await tell({ ingresses: [OURS], ingressAddresses: ADDRESSES });
  assert.deepEqual(taken(), [`PATCH ${PATH}/status`]);
  assert.deepEqual(statusAt(api, PATH), { loadBalancer: { ingress: ENTRIES } });
});

test('addresses that stand already, also those with ports null, are not written again', async () => {
  const { api, tell, taken } = createWorld();
  putIngress(api, ENTRIES);
  await tell({ ingresses: [OURS], ingressAddresses: ADDRESSES });
  assert.deepEqual(taken(), []);
});

test('when no address is known any more the status is cleared', async () => {
  const { api, tell } = createWorld();
  putIngress(api, ENTRIES);
  await tell({ ingresses: [OURS], ingressAddresses: [] });
  assert.deepEqual(statusAt(api, PATH), { loadBalancer: {} });
});

test('an Ingress whose class has changed loses our addresses', async () => {
  const { api, tell } = createWorld();
  putIngress(api);
  await tell({ ingresses: [OURS], ingressAddresses: ADDRESSES });
  await tell({ ingressAddresses: ADDRESSES });
  assert.deepEqual(statusAt(api, PATH), { loadBalancer: {} });
});

test('a process that has become the leader since removes what its predecessor wrote', async () => {
  const { api, tell, leadership, time } = createWorld({ leading: false });
  putIngress(api, ENTRIES);
  await tell({ ingresses: [OURS], ingressAddresses: ADDRESSES });
  await tell({ ingressAddresses: ADDRESSES });
  leadership.set(true);
  await time.advance(1_000);
  assert.deepEqual(statusAt(api, PATH), { loadBalancer: {} });
});

test('what another controller has written into an Ingress that was ours stays', async () => {
  const { api, tell, taken } = createWorld();
  putIngress(api);
  await tell({ ingresses: [OURS], ingressAddresses: ADDRESSES });
  putIngress(api, [{ ip: '198.51.100.9' }]);
  taken();
  await tell({ ingressAddresses: ADDRESSES });
  assert.deepEqual(taken(), []);
});

test('an Ingress that never was ours is left alone, though it shows the same addresses', async () => {
  const { api, tell, taken } = createWorld();
  putIngress(api, ENTRIES);
  await tell({ ingressAddresses: ADDRESSES });
  assert.deepEqual(taken(), []);
});
