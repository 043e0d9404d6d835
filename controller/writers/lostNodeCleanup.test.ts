import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SimulatedApi } from './testing/simulatedApi.ts';
import { createWorld } from './testing/world.ts';

const COLLECTION = '/apis/gatehouse.dev/v1/namespaces/shop/servicevipstatuses';

function putVipStatus(api: SimulatedApi, name: string, node: string): void {
  const status = node === '' ? {} : { status: { node, serviceName: 'web', serviceNamespace: 'shop' } };
  api.put(`${COLLECTION}/${name}`, { apiVersion: 'gatehouse.dev/v1', kind: 'ServiceVIPStatus', metadata: { name, namespace: 'shop' }, ...status });
}

function putNode(api: SimulatedApi, name: string): void {
  api.put(`/api/v1/nodes/${name}`, { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {}, status: {} });
}

test('the leader deletes what a node that is gone has said, once', async () => {
  const { api, tell, taken } = createWorld();
  putNode(api, 'a');
  putVipStatus(api, 'of-a', 'a');
  putVipStatus(api, 'of-b', 'b');
  putVipStatus(api, 'unwritten', '');
  await tell();
  await tell();
  assert.deepEqual(taken(), [`DELETE ${COLLECTION}/of-b`]);
});

test('while no Node is known nothing is lost', async () => {
  const { api, tell, taken } = createWorld();
  putVipStatus(api, 'of-b', 'b');
  await tell();
  assert.deepEqual(taken(), []);
});

test('a process that is not the leader deletes nothing', async () => {
  const { api, tell, taken } = createWorld({ leading: false });
  putNode(api, 'a');
  putVipStatus(api, 'of-b', 'b');
  await tell();
  assert.deepEqual(taken(), []);
});
