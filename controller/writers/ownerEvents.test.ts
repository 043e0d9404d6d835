import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createWorld, problem, putService, serviceStatus, type World } from './testing/world.ts';
import type { VipOwner } from './writerInput.ts';

const WEB = serviceStatus('web', ['192.0.2.1']);

function owned(owner: string | null, reason = `${owner ?? 'nobody'} has the highest hash`): VipOwner {
  return { owner, sharers: [], reason };
}

/** Of one address, as the announcer of this process's node sees it. */
function at(owner: VipOwner, address = '192.0.2.1'): ReadonlyMap<string, VipOwner> {
  return new Map([[address, owner]]);
}

function messages({ api }: World): readonly unknown[] {
  const events = [...api.objects].filter(([path]) => path.startsWith('/api/v1/namespaces/shop/events/')).map(([, event]) => event);
  assert.ok(events.every((event) => event['type'] === 'Normal' && event['reason'] === 'nodeAssigned'));
  return events.map((event) => event['message']);
}

/** A node has said in an earlier life of this process that it carries the Service. */
function putVipStatus({ api }: World, service: string, node: string): void {
  api.put(`/apis/gatehouse.dev/v1/namespaces/shop/servicevipstatuses/${service}-${node}`, {
    apiVersion: 'gatehouse.dev/v1',
    kind: 'ServiceVIPStatus',
    metadata: { name: `${service}-${node}`, namespace: 'shop' },
    status: { node, serviceName: service, serviceNamespace: 'shop', addresses: ['192.0.2.1'], forwarding: 'kernel' },
  });
}

suite('a node that begins to answer for the addresses of a Service', () => {
  test('is told once, in the words of MetalLB', async () => {
    const world = createWorld();
    putService(world.api, 'web');
    await world.tell({ services: [WEB] });
    await world.tell({ services: [WEB], vipOwners: at(owned(null)) });
    assert.deepEqual(messages(world), []);
    for (let round = 0; round < 3; round += 1) await world.tell({ services: [WEB], vipOwners: at(owned('node-a')) });
    assert.deepEqual(messages(world), ['announcing from node "node-a" with protocol "layer2"']);
  });

  test('is told with the node it comes from, and why', async () => {
    const world = createWorld();
    putService(world.api, 'web');
    await world.tell({ services: [WEB], vipOwners: at(owned('node-a')) });
    await world.tell({ services: [WEB], vipOwners: at(owned('node-b', 'node-b, the only one of 2 candidates that can')) });
    assert.equal(messages(world)[1], 'announcing from node "node-b" with protocol "layer2", moved from "node-a": node-b, the only one of 2 candidates that can');
  });

  test('is not told when it was lost for a moment, nor while no announcer tells anything', async () => {
    const world = createWorld();
    putService(world.api, 'web');
    for (const vipOwners of [at(owned('node-a')), at(owned(null)), null, at(owned('node-a'))]) await world.tell({ services: [WEB], vipOwners });
    assert.equal(messages(world).length, 1);
    await world.tell({ services: [WEB], vipOwners: at(owned(null)) });
    await world.tell({ services: [WEB], vipOwners: at(owned('node-b')) });
    assert.match(String(messages(world)[1]), /from node "node-b" .* moved from "node-a"/);
  });

  test('is told again when the address was not announced meanwhile', async () => {
    const world = createWorld();
    putService(world.api, 'web');
    for (const vipOwners of [at(owned('node-a')), new Map(), at(owned('node-a'))]) await world.tell({ services: [WEB], vipOwners });
    assert.equal(messages(world).length, 1, 'the same words count the Event up');
    assert.deepEqual(world.writer.counts().events, [{ reason: 'nodeAssigned', outcome: 'written', count: 2 }]);
  });

  test('is told of two addresses together, and of one by its name', async () => {
    const world = createWorld();
    putService(world.api, 'web');
    const services = [serviceStatus('web', ['192.0.2.1', '2001:db8::1'])];
    const [a, b] = [owned('node-a'), owned('node-b')];
    await world.tell({ services, vipOwners: new Map([['192.0.2.1', a], ['2001:db8::1', a]]) });
    await world.tell({ services, vipOwners: new Map([['192.0.2.1', a], ['2001:db8::1', b]]) });
    assert.deepEqual(messages(world), [
      'announcing from node "node-a" with protocol "layer2"',
      'announcing from node "node-b" with protocol "layer2" for 2001:db8::1, moved from "node-a": node-b has the highest hash',
    ]);
  });

  test('is told of every Service that shares the address', async () => {
    const world = createWorld();
    putService(world.api, 'web');
    putService(world.api, 'mail');
    await world.tell({ services: [WEB, serviceStatus('mail', ['192.0.2.1'])], vipOwners: at(owned('node-a')) });
    assert.equal(messages(world).length, 2);
  });

  test('is told of a new Service of the same name', async () => {
    const world = createWorld();
    putVipStatus(world, 'web', 'node-a');
    putService(world.api, 'web');
    await world.tell({ services: [WEB], vipOwners: at(owned('node-a')) });
    world.api.objects.delete('/api/v1/namespaces/shop/services/web');
    await world.tell({});
    putService(world.api, 'web');
    await world.tell({ services: [WEB], vipOwners: at(owned('node-a')) });
    assert.equal(messages(world).length, 1);
  });
});

test('of an address that clients share only that is told, not which nodes come and go', async () => {
  const world = createWorld();
  putService(world.api, 'web');
  for (const sharers of [['node-a', 'node-b'], ['node-a'], ['node-a', 'node-c']]) {
    await world.tell({ services: [WEB], vipOwners: at({ owner: null, sharers, reason: 'shared' }) });
  }
  assert.deepEqual(messages(world), ['announcing from every node that may, each for its own clients (sharing: perClient), with protocol "layer2"']);
});

suite('a start is no news', () => {
  test('where a ServiceVIPStatus says that the node carried the Service before', async () => {
    const world = createWorld();
    putService(world.api, 'web');
    putVipStatus(world, 'web', 'node-a');
    await world.tell({ services: [WEB] });
    await world.tell({ services: [WEB], vipOwners: at(owned(null)) });
    await world.tell({ services: [WEB], vipOwners: at(owned('node-a')) });
    assert.deepEqual(messages(world), []);
    await world.tell({ services: [WEB], vipOwners: at(owned('node-b')) });
    assert.equal(messages(world).length, 1);
  });

  test('but a node that has never said so is', async () => {
    const world = createWorld();
    putService(world.api, 'web');
    putVipStatus(world, 'web', 'node-a');
    await world.tell({ services: [WEB], vipOwners: at(owned('node-b')) });
    assert.equal(messages(world).length, 1);
  });

  test('nor is one that a new owner has said itself in the meantime', async () => {
    const world = createWorld();
    putService(world.api, 'web');
    await world.tell({ services: [WEB] });
    putVipStatus(world, 'web', 'node-a');
    await world.tell({ services: [WEB], vipOwners: at(owned('node-a')) });
    assert.equal(messages(world).length, 1, 'the Service was there without an owner');
  });
});

suite('a process that does not lead', () => {
  test('tells nothing, and what it saw shortly before it came to lead then', async () => {
    const world = createWorld({ leading: false });
    putService(world.api, 'web');
    await world.tell({ services: [WEB], isKept: true, vipOwners: at(owned('node-a')) });
    await world.time.advance(60_000);
    await world.tell({ services: [WEB], isKept: true, vipOwners: at(owned('node-b')) });
    assert.deepEqual(messages(world), []);
    world.leadership.set(true);
    await world.tell({ services: [WEB], vipOwners: at(owned('node-b')) });
    assert.equal(messages(world).length, 1, 'the former leader, which owned it, could not tell any more');
    assert.match(String(messages(world)[0]), /moved from "node-a"/);
  });

  test('leaves to the former leader what is long ago', async () => {
    const world = createWorld({ leading: false });
    putService(world.api, 'web');
    await world.tell({ services: [WEB], isKept: true, vipOwners: at(owned('node-a')) });
    await world.time.advance(60_000);
    world.leadership.set(true);
    await world.tell({ services: [WEB], vipOwners: at(owned('node-a')) });
    assert.deepEqual(messages(world), []);
  });
});

test('a Service that the API server does not have, or that is gone by now, has no Event', async () => {
  const world = createWorld({ leading: false });
  await world.tell({ services: [WEB], vipOwners: at(owned('node-a')) });
  putService(world.api, 'web');
  await world.tell({ services: [WEB], vipOwners: at(owned('node-a')) });
  world.api.objects.delete('/api/v1/namespaces/shop/services/web');
  world.leadership.set(true, { quietly: true });
  await world.tell({ services: [WEB], vipOwners: at(owned('node-a')), problems: [problem('Service', 'web')] });
  assert.deepEqual(messages(world), []);
});
