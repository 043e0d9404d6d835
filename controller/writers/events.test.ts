import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KubeError } from '../cluster/kubeApi.ts';
import type { RawObject, SimulatedApi } from './testing/simulatedApi.ts';
import { createWorld, problem, putService, serviceStatus } from './testing/world.ts';

const BAD = problem('Service', 'web', { field: 'spec.ports', rule: 'must be right' });

function eventsOf(api: SimulatedApi, namespace = 'shop'): readonly RawObject[] {
  return [...api.objects].filter(([path]) => path.startsWith(`/api/v1/namespaces/${namespace}/events/`)).map(([, event]) => event);
}

function eventRequests(api: SimulatedApi): readonly string[] {
  return api.log.filter((line) => line.includes('/events')).map((line) => line.split(' ')[0] ?? '');
}

test('an Event has what kubectl describe finds and prints it by', async () => {
  const { api, tell } = createWorld();
  const service = putService(api, 'web');
  await tell({ services: [serviceStatus('web', ['192.0.2.1'])], problems: [BAD] });
  const [event] = eventsOf(api);
  assert.ok(event !== undefined);
  const { metadata, ...rest } = event;
  assert.match(metadata.name, /^web\.[0-9a-f]+$/);
  const { uid, resourceVersion } = service.metadata;
  assert.deepEqual(rest, {
    apiVersion: 'v1',
    kind: 'Event',
    involvedObject: { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web', uid, resourceVersion },
    reason: 'Invalid',
    message: 'spec.ports: must be right (got "wrong"); it is left out',
    type: 'Warning',
    source: { component: 'gatehouse-controller', host: 'node-1' },
    reportingComponent: 'gatehouse-controller',
    reportingInstance: 'node-1',
    count: 1,
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
  });
});

test('a problem is told once as long as it persists, and counted up when it comes back', async () => {
  const { api, tell, writer } = createWorld();
  putService(api, 'web');
  const services = [serviceStatus('web', ['192.0.2.1'])];
  await tell({ services, problems: [BAD] });
  await tell({ services, problems: [BAD] });
  assert.deepEqual(eventRequests(api), ['POST']);
  await tell({ services });
  await tell({ services, problems: [BAD] });
  assert.deepEqual(eventRequests(api), ['POST', 'PATCH']);
  const [event] = eventsOf(api);
  assert.equal(event?.['count'], 2);
  assert.equal(event?.['lastTimestamp'], '2026-01-01T00:00:03Z');
  assert.deepEqual(writer.counts().events, [{ reason: 'Invalid', outcome: 'written', count: 2 }]);
});

test('an Event that has expired is written anew', async () => {
  const { api, tell } = createWorld();
  putService(api, 'web');
  const services = [serviceStatus('web', [])];
  await tell({ services, problems: [BAD] });
  for (const [path] of api.objects) if (path.includes('/events/')) api.objects.delete(path);
  await tell({ services });
  await tell({ services, problems: [BAD] });
  assert.deepEqual(eventRequests(api), ['POST', 'PATCH', 'POST']);
});

test('addresses given and taken are told, those that stood there before are not', async () => {
  const { api, tell } = createWorld();
  putService(api, 'web');
  putService(api, 'old', { status: { loadBalancer: { ingress: [{ ip: '192.0.2.9', ipMode: 'VIP' }] } } });
  const given = { service: 'shop/web', before: [], after: ['192.0.2.1'], cause: 'new' as const };
  const known = { service: 'shop/old', before: [], after: ['192.0.2.9'], cause: 'new' as const };
  const services = [serviceStatus('web', ['192.0.2.1']), serviceStatus('old', ['192.0.2.9'])];
  await tell({ services, assignmentChanges: [given, known] });
  await tell({ services });
  const taken = { service: 'shop/web', before: ['192.0.2.1'], after: [], cause: 'outsidePools' as const };
  await tell({ services: [serviceStatus('web', [])], assignmentChanges: [taken] });
  assert.deepEqual(
    eventsOf(api).map((event) => [event['type'], event['reason'], event['message']]),
    [
      ['Normal', 'IPAllocated', 'Assigned IP [192.0.2.1] from pool "lan"'],
      ['Normal', 'AddressReleased', 'Released IP [192.0.2.1]: no pool holds the address any more'],
    ],
  );
});

test('a new leader tells problems that exist already', async () => {
  const { api, tell, leadership, time } = createWorld({ leading: false });
  putService(api, 'web');
  await tell({ services: [serviceStatus('web', [])], problems: [BAD] });
  assert.deepEqual(eventRequests(api), []);
  leadership.set(true);
  await time.advance(1_000);
  assert.deepEqual(eventRequests(api), ['POST']);
});

test('objects that the API server does not have, and objects without a uid, have no Events', async () => {
  const { api, tell } = createWorld();
  await tell({ problems: [problem('Service', 'missing'), problem('Nonsense', 'x'), problem('__proto__', 'x'), { ...BAD, object: null }] });
  assert.deepEqual(api.log, []);
});

test('an Event of a cluster-scoped object goes to namespace default', async () => {
  const { api, tell } = createWorld();
  api.put('/apis/networking.k8s.io/v1/ingressclasses/edge', {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'edge' },
    spec: { controller: 'gatehouse.dev/ingress' },
  });
  await tell({ problems: [{ ...BAD, object: { kind: 'IngressClass', namespace: '', name: 'edge' } }] });
  const [event] = eventsOf(api, 'default');
  assert.equal((event?.['involvedObject'] as { readonly name: string } | undefined)?.name, 'edge');
});

test('an Event about a Secret has no value', async () => {
  const { api, tell } = createWorld();
  api.put('/api/v1/namespaces/shop/secrets/tls', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'tls', namespace: 'shop' }, type: 'Opaque', data: {} });
  await tell({ problems: [problem('Secret', 'tls', { value: '"hunter2"' })] });
  assert.equal(eventsOf(api)[0]?.['message'], 'spec.x: must be right; it is left out');
});

test('a message is cut to 1024 bytes between two characters', async () => {
  const { api, tell } = createWorld();
  putService(api, 'web');
  await tell({ services: [serviceStatus('web', [])], problems: [problem('Service', 'web', { rule: '🦀'.repeat(500) })] });
  const message = String(eventsOf(api)[0]?.['message']);
  assert.ok(Buffer.byteLength(message) <= 1024 && message.isWellFormed() && message.endsWith('…'));
});

test('one object has 25 Events at once and then one each five minutes; others are not held up', async () => {
  const { api, tell, time, writer } = createWorld();
  putService(api, 'web');
  putService(api, 'calm');
  const services = [serviceStatus('web', []), serviceStatus('calm', [])];
  const problems = Array.from({ length: 60 }, (_, index) => problem('Service', 'web', { rule: `must be ${index}` }));
  await tell({ services, problems: [...problems, problem('Service', 'calm')] });
  await time.advance(10_000);
  assert.equal(eventsOf(api).length, 26);
  assert.deepEqual(writer.counts().events.find(({ outcome }) => outcome === 'dropped')?.count, 35);
  await time.advance(300_000);
  await tell({ services, problems: [problem('Service', 'web', { rule: 'must be later' })] });
  assert.equal(eventsOf(api).length, 27);
});

test('a storm of problems is bounded and does not hold up statuses', async () => {
  const { api, tell, time, writer } = createWorld();
  for (let index = 0; index < 1500; index += 1) putService(api, `web-${index}`);
  const names = Array.from({ length: 1500 }, (_, index) => `web-${index}`);
  await tell({ services: names.map((name) => serviceStatus(name, [])), problems: names.map((name) => problem('Service', name)) });
  await time.advance(10_000);
  assert.equal(writer.counts().writes[0]?.count, 1500);
  await time.advance(60_000);
  assert.equal(eventsOf(api).length, 1000);
  assert.equal(writer.pending, 0);
});

test('an Event whose first try was not answered is not written twice', async () => {
  const { api, tell, time, writer } = createWorld();
  putService(api, 'web');
  let failed = false;
  const request = api.request.bind(api);
  api.request = async (wanted) => {
    const answer = await request(wanted);
    if (!wanted.path.includes('/events') || failed) return answer;
    failed = true;
    throw new KubeError('timeout', 'no answer');
  };
  await tell({ services: [serviceStatus('web', [])], problems: [BAD] });
  await time.advance(10_000);
  assert.equal(eventsOf(api).length, 1);
  assert.deepEqual(writer.counts().events, [{ reason: 'Invalid', outcome: 'written', count: 1 }]);
});

test('an Event that is refused is dropped, and nothing else with it', async () => {
  const { api, tell, time, writer } = createWorld();
  putService(api, 'web');
  api.fault = ({ path }) => (path.includes('/events') ? new KubeError('forbidden', 'no', { status: 403 }) : null);
  await tell({ services: [serviceStatus('web', [])], problems: [BAD] });
  await time.advance(600_000);
  assert.deepEqual(eventRequests(api), ['POST']);
  assert.equal(writer.pending, 0);
});
