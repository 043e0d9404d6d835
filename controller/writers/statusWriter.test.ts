import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AllocationRefusal } from '../allocator/refusal.ts';
import { KubeError } from '../cluster/kubeApi.ts';
import { createWorld, inputOf, problem, putService, servicePath, serviceStatus, statusAt } from './testing/world.ts';

const WEB = servicePath('web');
const IN_USE: AllocationRefusal = {
  service: { kind: 'Service', namespace: 'shop', name: 'web' },
  reason: 'inUse',
  message: 'metadata.annotations[metallb.io/loadBalancerIPs]: must not be in use; Service shop/other has it; the Service has no address',
  kept: [],
};

test('a Service with an address gets it in its status with ports, ipMode and the condition, by one request', async () => {
  const { api, tell, taken } = createWorld();
  putService(api, 'web');
  await tell({ services: [serviceStatus('web', ['192.0.2.1', '2001:db8::1'])], ipModeOf: () => 'Proxy' });
  assert.deepEqual(taken(), [`PATCH ${WEB}/status`]);
  const ports = [{ port: 80, protocol: 'TCP' }];
  assert.deepEqual(statusAt(api, WEB), {
    loadBalancer: {
      ingress: [
        { ip: '192.0.2.1', ipMode: 'Proxy', ports },
        { ip: '2001:db8::1', ipMode: 'Proxy', ports },
      ],
    },
    conditions: [
      {
        type: 'gatehouse.dev/AddressAssigned',
        status: 'True',
        lastTransitionTime: '2026-01-01T00:00:00Z',
        reason: 'Assigned',
        message: 'has 192.0.2.1 and 2001:db8::1 of pool lan',
      },
    ],
  });
});

test('the same input again, and the next one that shows what was written, cost no request', async () => {
  const { api, tell, taken, writer } = createWorld();
  putService(api, 'web');
  const services = [serviceStatus('web', ['192.0.2.1'])];
  await tell({ services });
  taken();
  await tell({ services });
  await tell({ services });
  assert.deepEqual(taken(), []);
  assert.equal(writer.pending, 0);
  assert.deepEqual(writer.counts().writes, [{ kind: 'Service', outcome: 'written', count: 1 }]);
});

test('an input that is older than the last write costs no request', async () => {
  const { api, tell, taken, writer, time } = createWorld();
  putService(api, 'web');
  const services = [serviceStatus('web', ['192.0.2.1'])];
  const old = inputOf(api, { services });
  await tell({ services });
  taken();
  writer.update(old);
  await time.advance(1_000);
  assert.deepEqual(taken(), []);
});

test('before the first input nothing is sent', async () => {
  const { api, time } = createWorld();
  putService(api, 'web', { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } });
  await time.advance(60_000);
  assert.deepEqual(api.log, []);
});

test('an API server that drops ipMode is written to once', async () => {
  const { api, tell, taken } = createWorld();
  api.dropsIpMode = true;
  putService(api, 'web');
  const facts = { services: [serviceStatus('web', ['192.0.2.1'])], ipModeOf: () => 'Proxy' as const };
  await tell(facts);
  await tell(facts);
  // Somebody changes something else.
  api.put(WEB, { ...api.at(WEB), spec: { ...(api.at(WEB).spec as object), sessionAffinity: 'ClientIP' } });
  await tell(facts);
  assert.deepEqual(taken(), [`PATCH ${WEB}/status`]);
  await tell({ ...facts, services: [serviceStatus('web', ['192.0.2.2'])] });
  assert.deepEqual(taken(), [`PATCH ${WEB}/status`]);
});

test('a Service without an address has the condition False with the reason, and conditions of others stay as they are', async () => {
  const { api, tell } = createWorld();
  const foreign = { type: 'example.com/Ready', status: 'True', lastTransitionTime: '2020-01-01T00:00:00Z', reason: 'Fine', message: 'x', observedGeneration: 7 };
  putService(api, 'web', { status: { loadBalancer: {}, conditions: [foreign] } });
  await tell({ services: [serviceStatus('web', [])], refusals: [IN_USE] });
  const conditions = statusAt(api, WEB)['conditions'] as { readonly reason: string; readonly status: string; readonly message: string }[];
  assert.deepEqual(conditions[0], foreign);
  assert.equal(conditions[1]?.status, 'False');
  assert.equal(conditions[1]?.reason, 'AddressInUse');
  assert.equal(conditions[1]?.message, IN_USE.message);
});

test('the time of the transition changes with the status alone', async () => {
  const { api, tell, time } = createWorld();
  putService(api, 'web');
  const transition = (): unknown => (statusAt(api, WEB)['conditions'] as { readonly lastTransitionTime: string }[])[0]?.lastTransitionTime;
  await tell({ services: [serviceStatus('web', ['192.0.2.1'])] });
  const first = transition();
  await time.advance(60_000);
  await tell({ services: [serviceStatus('web', ['192.0.2.2'])] });
  assert.equal(transition(), first);
  await tell({ services: [serviceStatus('web', [])] });
  assert.notEqual(transition(), first);
});

test('addresses that we gave are cleared when the Service has none any more, also by the next leader', async () => {
  const first = createWorld();
  putService(first.api, 'web');
  await first.tell({ services: [serviceStatus('web', ['192.0.2.1'])] });
  const second = createWorld();
  second.api.put(WEB, first.api.at(WEB));
  await second.tell({ services: [serviceStatus('web', [])] });
  assert.deepEqual(statusAt(second.api, WEB)['loadBalancer'], {});
});

test('addresses that an assignment change names as ours are cleared, though no condition says so', async () => {
  const { api, tell } = createWorld();
  putService(api, 'web', { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } });
  const change = { service: 'shop/web', before: ['192.0.2.1'], after: [], cause: 'outsidePools' as const };
  await tell({ services: [serviceStatus('web', [])], assignmentChanges: [change] });
  assert.deepEqual(statusAt(api, WEB)['loadBalancer'], {});
});

test('an address that another controller wrote stays when the Service has none of ours', async () => {
  const { api, tell } = createWorld();
  const standing = { ingress: [{ ip: '198.51.100.1', ipMode: 'VIP' }] };
  putService(api, 'web', { status: { loadBalancer: standing } });
  await tell({ services: [serviceStatus('web', [])] });
  assert.deepEqual(statusAt(api, WEB)['loadBalancer'], standing);
});

test('a Service of a foreign class is never touched', async () => {
  const { api, tell, taken } = createWorld();
  putService(api, 'web', { spec: { loadBalancerClass: 'example.com/other' } });
  const before = JSON.stringify(api.at(WEB));
  await tell({ services: [serviceStatus('web', [], { ours: false })], problems: [problem('Service', 'web')] });
  await tell({});
  assert.deepEqual(taken(), []);
  assert.deepEqual(api.log, []);
  assert.equal(JSON.stringify(api.at(WEB)), before);
});

test('a Service that stops being ours loses what we wrote, unless somebody else has written since', async () => {
  const { api, tell } = createWorld();
  putService(api, 'web');
  putService(api, 'api');
  await tell({ services: [serviceStatus('web', ['192.0.2.1']), serviceStatus('api', ['192.0.2.2'])] });
  const other = { ...statusAt(api, servicePath('api')), loadBalancer: { ingress: [{ ip: '198.51.100.1', ipMode: 'VIP' }] } };
  api.put(servicePath('api'), { ...api.at(servicePath('api')), status: other });
  await tell({});
  assert.deepEqual(statusAt(api, WEB), { loadBalancer: {}, conditions: [] });
  assert.deepEqual(statusAt(api, servicePath('api')), { loadBalancer: other.loadBalancer, conditions: [] });
});

test('after a conflict the newer object is written as soon as it is read', async () => {
  const { api, tell, taken, writer, time } = createWorld();
  putService(api, 'web');
  const services = [serviceStatus('web', ['192.0.2.1'])];
  const old = inputOf(api, { services });
  api.put(WEB, api.at(WEB));
  writer.update(old);
  await time.advance(100);
  assert.deepEqual(taken(), [`PATCH ${WEB}/status`]);
  await time.advance(100);
  assert.deepEqual(taken(), []);
  await tell({ services });
  assert.deepEqual(taken(), [`PATCH ${WEB}/status`]);
  assert.equal(writer.pending, 0);
});

test('after a conflict the object is read when no newer one comes by itself', async () => {
  const { api, taken, writer, time } = createWorld();
  putService(api, 'web');
  const services = [serviceStatus('web', ['192.0.2.1'])];
  const old = inputOf(api, { services });
  api.put(WEB, api.at(WEB));
  writer.update(old);
  await time.advance(10_000);
  assert.deepEqual(taken(), [`PATCH ${WEB}/status`, `GET ${WEB}`, `PATCH ${WEB}/status`]);
  assert.deepEqual(statusAt(api, WEB)['conditions'] === undefined, false);
});

test('conflicts without end are tried less and less often', async () => {
  const { api, time, tell } = createWorld();
  putService(api, 'web');
  api.fault = ({ method }) => (method === 'PATCH' ? new KubeError('conflict', 'again') : null);
  await tell({ services: [serviceStatus('web', ['192.0.2.1'])] });
  await time.advance(3_600_000);
  const patches = api.log.filter((line) => line.startsWith('PATCH'));
  assert.ok(patches.length > 10 && patches.length < 90, String(patches.length));
});

test('what a deposed leader had waiting is forgotten, and nothing more is sent', async () => {
  const { api, tell, leadership, writer, time } = createWorld();
  let open = (): void => {};
  for (let index = 0; index < 100; index += 1) putService(api, `web-${index}`);
  api.gate = new Promise((resolve) => (open = resolve));
  const services = Array.from({ length: 100 }, (_, index) => serviceStatus(`web-${index}`, [`192.0.2.${index}`]));
  await tell({ services });
  const sent = api.log.length;
  assert.ok(sent > 0 && sent < 20);
  leadership.set(false);
  open();
  await time.advance(600_000);
  assert.equal(api.log.length, sent);
  assert.equal(writer.pending, 0);
  assert.equal(time.timers, 0);
});

test('leadership that ends without a word ends writing all the same', async () => {
  const { api, tell, leadership, time } = createWorld();
  let open = (): void => {};
  for (let index = 0; index < 100; index += 1) putService(api, `web-${index}`);
  api.gate = new Promise((resolve) => (open = resolve));
  await tell({ services: Array.from({ length: 100 }, (_, index) => serviceStatus(`web-${index}`, [`192.0.2.${index}`])) });
  const sent = api.log.length;
  leadership.set(false, { quietly: true });
  open();
  await time.advance(600_000);
  assert.equal(api.log.length, sent);
});

test('between reading an object and writing it leadership is asked again', async () => {
  const { api, tell, leadership, time, taken } = createWorld();
  const path = '/apis/gatehouse.dev/v1/namespaces/shop/ipaddresspools/lan';
  api.put(path, { apiVersion: 'gatehouse.dev/v1', kind: 'IPAddressPool', metadata: { name: 'lan', namespace: 'shop' }, spec: { addresses: ['192.0.2.0/24'] } });
  let open = (): void => {};
  api.gate = new Promise((resolve) => (open = resolve));
  await tell();
  leadership.set(false, { quietly: true });
  open();
  await time.advance(1_000);
  assert.deepEqual(taken(), [`GET ${path}`]);
});

test('a process that becomes the leader writes what the newest input asks for', async () => {
  const { api, tell, leadership, time, taken } = createWorld({ leading: false });
  putService(api, 'web');
  await tell({ services: [serviceStatus('web', ['192.0.2.1'])] });
  assert.deepEqual(taken(), []);
  leadership.set(true);
  await time.advance(1_000);
  assert.deepEqual(taken(), [`PATCH ${WEB}/status`]);
});

test('a new leader writes nothing from what it thought of addresses before, but from what it gives', async () => {
  const { api, tell, leadership, time, taken } = createWorld({ leading: false });
  putService(api, 'web');
  await tell({ services: [serviceStatus('web', [])], isKept: true });
  leadership.set(true);
  await time.advance(1_000);
  assert.deepEqual(taken(), []);
  await tell({ services: [serviceStatus('web', ['192.0.2.1'])] });
  assert.deepEqual(taken(), [`PATCH ${WEB}/status`]);
});

test('what is wanted while a write is under way is written next, without waiting for another input', async () => {
  const { api, tell, time, taken } = createWorld();
  putService(api, 'web');
  let open = (): void => {};
  api.gate = new Promise((resolve) => (open = resolve));
  await tell({ services: [serviceStatus('web', ['192.0.2.1'])] });
  await tell({ services: [serviceStatus('web', ['192.0.2.2'])] });
  open();
  await time.advance(1_000);
  assert.deepEqual(taken(), [`PATCH ${WEB}/status`, `PATCH ${WEB}/status`]);
  assert.match(JSON.stringify(api.at(WEB).status), /192\.0\.2\.2/);
});

test('a thousand Services are written within six seconds', async () => {
  const { api, tell, time, writer } = createWorld();
  for (let index = 0; index < 1000; index += 1) putService(api, `web-${index}`);
  await tell({ services: Array.from({ length: 1000 }, (_, index) => serviceStatus(`web-${index}`, [`10.0.${index >> 8}.${index & 255}`])) });
  await time.advance(5_000);
  assert.equal(writer.pending, 0);
  assert.deepEqual(writer.counts().writes, [{ kind: 'Service', outcome: 'written', count: 1000 }]);
});

test('while the API server is away one request at a time asks for it, and everything is written once it is back', async () => {
  const { api, tell, time, writer, lines } = createWorld();
  for (let index = 0; index < 50; index += 1) putService(api, `web-${index}`);
  api.fault = () => new KubeError('unreachable', 'ECONNREFUSED');
  await tell({ services: Array.from({ length: 50 }, (_, index) => serviceStatus(`web-${index}`, [`192.0.2.${index}`])) });
  await time.advance(300_000);
  assert.ok(api.log.length < 400, String(api.log.length));
  assert.equal(lines.length, 1);
  api.fault = () => null;
  await time.advance(30_000);
  assert.equal(writer.pending, 0);
  for (let index = 0; index < 50; index += 1) assert.notDeepEqual(statusAt(api, servicePath(`web-${index}`))['loadBalancer'], {});
});

test('a server that asks to wait is not asked sooner', async () => {
  const { api, tell, time } = createWorld();
  putService(api, 'web');
  putService(api, 'api');
  api.fault = () => new KubeError('tooManyRequests', 'slow down', { status: 429, retryAfterMs: 30_000 });
  await tell({ services: [serviceStatus('web', ['192.0.2.1']), serviceStatus('api', ['192.0.2.2'])] });
  const sent = api.log.length;
  await time.advance(28_000);
  assert.equal(api.log.length, sent);
  api.fault = () => null;
  await time.advance(5_000);
  assert.notDeepEqual(statusAt(api, WEB)['loadBalancer'], {});
});

test('a refusal is logged once, tried rarely, and tried at once when something has changed', async () => {
  const { api, tell, time, lines, taken } = createWorld();
  putService(api, 'web');
  api.fault = () => new KubeError('forbidden', 'no', { status: 403 });
  const services = [serviceStatus('web', ['192.0.2.1'])];
  await tell({ services });
  await time.advance(3_600_000);
  assert.ok(taken().length < 40);
  assert.equal(lines.length, 1);
  api.fault = () => null;
  await tell({ services: [serviceStatus('web', ['192.0.2.9'])] });
  assert.deepEqual(taken().at(-1), `PATCH ${WEB}/status`);
});

test('an object that is gone is no failure', async () => {
  const { api, writer, time, lines } = createWorld();
  putService(api, 'web');
  const input = inputOf(api, { services: [serviceStatus('web', ['192.0.2.1'])] });
  api.objects.clear();
  writer.update(input);
  writer.update(input);
  await time.advance(600_000);
  assert.equal(api.log.filter((line) => !line.includes('/events')).length, 1);
  assert.deepEqual(lines, []);
});

test('stop gives up what is under way and leaves no timer', async () => {
  const { api, writer, time, tell } = createWorld();
  putService(api, 'web');
  api.fault = () => new KubeError('server', '500', { status: 500 });
  await tell({ services: [serviceStatus('web', ['192.0.2.1'])] });
  await writer.stop();
  await writer.stop();
  const sent = api.log.length;
  await tell({ services: [serviceStatus('web', ['192.0.2.2'])] });
  await time.advance(600_000);
  assert.equal(api.log.length, sent);
  assert.equal(time.timers, 0);
});

test('a Service whose type has changed keeps nothing of ours, though the API server has wiped the addresses already', async () => {
  const { api, tell, taken } = createWorld();
  putService(api, 'web');
  await tell({ services: [serviceStatus('web', ['192.0.2.1'])] });
  const spec = { ...(api.at(WEB).spec as object), type: 'ClusterIP' };
  api.put(WEB, { ...api.at(WEB), spec, status: { ...statusAt(api, WEB), loadBalancer: {} } });
  taken();
  await tell({});
  await tell({});
  assert.deepEqual(taken(), [`PATCH ${WEB}/status`]);
  assert.deepEqual(statusAt(api, WEB), { loadBalancer: {}, conditions: [] });
});

test('an address that is taken away before its giving has been read is cleared all the same', async () => {
  const { api, tell, writer, time } = createWorld();
  putService(api, 'web');
  const stale = inputOf(api, {});
  await tell({ services: [serviceStatus('web', ['192.0.2.1'])] });
  writer.update({ ...stale, services: [serviceStatus('web', [])] });
  await time.advance(1_000);
  assert.deepEqual(statusAt(api, WEB)['loadBalancer'], {});
});
