import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PoolView } from '../allocator/poolView.ts';
import type { SimulatedApi } from './testing/simulatedApi.ts';
import { createWorld, inputOf, problem, statusAt } from './testing/world.ts';

const POOL = '/apis/gatehouse.dev/v1/namespaces/shop/ipaddresspools/lan';
const L2 = '/apis/gatehouse.dev/v1/namespaces/shop/l2advertisements/all';

function putPool(api: SimulatedApi, more: object = {}): void {
  api.put(POOL, {
    apiVersion: 'gatehouse.dev/v1',
    kind: 'IPAddressPool',
    metadata: { name: 'lan', namespace: 'shop' },
    spec: { addresses: ['192.0.2.0/24'] },
    ...more,
  });
}

function view(assigned: number): PoolView {
  const usage = { total: 256, assigned, available: 256 - assigned };
  const none = { total: 0, assigned: 0, available: 0 };
  const pool = { namespace: 'shop', name: 'lan', addresses: [], autoAssign: true, avoidBuggyIPs: false };
  return { ...pool, ipv4: usage, ipv6: none, services: assigned } as unknown as PoolView;
}

function conditionsAt(api: SimulatedApi, path: string): readonly Record<string, unknown>[] {
  return statusAt(api, path)['conditions'] as readonly Record<string, unknown>[];
}

test('a pool shows its use and that it is valid, read once and written once', async () => {
  const { api, tell, taken } = createWorld();
  putPool(api);
  await tell({ pools: [view(3)] });
  await tell({ pools: [view(3)] });
  assert.deepEqual(taken(), [`GET ${POOL}`, `PATCH ${POOL}/status`]);
  const { conditions, ...counts } = statusAt(api, POOL);
  assert.deepEqual(counts, { assignedIPv4: 3, assignedIPv6: 0, availableIPv4: 253, availableIPv6: 0 });
  assert.deepEqual(conditions, [
    { type: 'Valid', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'Valid', message: 'everything in it is obeyed' },
  ]);
});

test('another count of the pool is one more request, without reading it again', async () => {
  const { api, tell, taken } = createWorld();
  putPool(api);
  await tell({ pools: [view(3)] });
  taken();
  await tell({ pools: [view(4)] });
  assert.deepEqual(taken(), [`PATCH ${POOL}/status`]);
});

test('a new leader that finds everything in order writes nothing', async () => {
  const first = createWorld();
  putPool(first.api);
  await first.tell({ pools: [view(3)] });
  const second = createWorld();
  second.api.put(POOL, first.api.at(POOL));
  await second.tell({ pools: [view(3)] });
  await second.tell({ pools: [view(3)] });
  assert.deepEqual(second.taken(), [`GET ${POOL}`]);
});

test('an object with an error is not valid, one with a warning is, and both say why', async () => {
  const { api, tell } = createWorld();
  const metadata = { name: 'all', namespace: 'shop' };
  api.put(L2, { apiVersion: 'gatehouse.dev/v1', kind: 'L2Advertisement', metadata, spec: {} });
  await tell({ problems: [problem('L2Advertisement', 'all', { severity: 'warning' }), problem('L2Advertisement', 'all')] });
  const [broken] = conditionsAt(api, L2);
  assert.deepEqual([broken?.['status'], broken?.['reason'], broken?.['message']], ['False', 'Invalid', 'spec.x: must be right (got "wrong"); it is left out (and 1 more)']);
  await tell({ problems: [problem('L2Advertisement', 'all', { severity: 'warning' })] });
  const [warned] = conditionsAt(api, L2);
  assert.deepEqual([warned?.['status'], warned?.['reason']], ['True', 'Warnings']);
});

test('a pool of another product is left alone', async () => {
  const { api, writer, time, taken } = createWorld();
  putPool(api);
  const input = inputOf(api, { pools: [view(1)] });
  const own = input.objects.get('IPAddressPool', 'shop', 'lan');
  assert.ok(own !== undefined);
  const objects = { ...input.objects, get: () => undefined, slicesOf: () => [], list: (kind: string) => (kind === 'IPAddressPool' ? [{ ...own, group: 'metallb.io' }] : []) };
  writer.update({ ...input, objects: objects as unknown as typeof input.objects });
  await time.advance(1_000);
  assert.deepEqual(taken(), []);
});

test('a status that somebody else has changed is read and mended', async () => {
  const { api, tell, taken } = createWorld();
  putPool(api);
  await tell({ pools: [view(3)] });
  putPool(api, { metadata: api.at(POOL).metadata, status: { ...statusAt(api, POOL), assignedIPv4: 99 } });
  await tell({ pools: [view(3)] });
  assert.equal(statusAt(api, POOL)['assignedIPv4'], 3);
  assert.deepEqual(taken().slice(2), [`GET ${POOL}`, `PATCH ${POOL}/status`]);
});
