import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, list, record, records, type JsonObject } from './json.ts';
import type { Answer } from './testClient.ts';
import { usePlane } from './testPlane.ts';

const plane = usePlane();
const PATH = '/api/v1/namespaces/default/services';


async function make(name: string, spec: JsonObject): Promise<Answer> {
  return await plane.client.post(PATH, { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec });
}

function causesOf(answer: Answer): string[] {
  return records(at(answer.body, 'details', 'causes')).map((cause) => `${String(cause['field'])}: ${String(cause['message'])}`);
}

test('a Service gets type, protocol, target port, affinity and addresses', async () => {
  const { status, body } = await make('plain', { ports: [{ port: 80 }] });
  assert.equal(status, 201);
  const spec = record(body['spec']);
  assert.equal(spec['type'], 'ClusterIP');
  assert.equal(spec['sessionAffinity'], 'None');
  assert.deepEqual(spec['ports'], [{ protocol: 'TCP', port: 80, targetPort: 80 }]);
  assert.match(String(spec['clusterIP']), /^10\.96\./);
  assert.deepEqual(spec['clusterIPs'], [spec['clusterIP']]);
  assert.deepEqual(spec['ipFamilies'], ['IPv4']);
  assert.equal(spec['ipFamilyPolicy'], 'SingleStack');
  assert.equal(spec['internalTrafficPolicy'], 'Cluster');
  assert.deepEqual(body['status'], { loadBalancer: {} });
});

test('a dual-stack Service gets an address of each family', async () => {
  const { body } = await make('dual', { ports: [{ port: 80 }], ipFamilyPolicy: 'PreferDualStack' });
  assert.deepEqual(at(body, 'spec', 'ipFamilies'), ['IPv4', 'IPv6']);
  assert.equal(list(at(body, 'spec', 'clusterIPs')).length, 2);
  const six = await make('six', { ports: [{ port: 80 }], ipFamilies: ['IPv6'] });
  assert.match(String(at(six.body, 'spec', 'clusterIP')), /^fd00:10:96::/);
});

test('a single-stack Service is upgraded to dual stack and keeps its first address', async () => {
  const made = await make('upgraded', { ports: [{ port: 80 }] });
  const changed = await plane.client.patch(`${PATH}/upgraded`, 'merge', { spec: { ipFamilyPolicy: 'RequireDualStack' } });
  assert.equal(changed.status, 200);
  const addresses = list(at(changed.body, 'spec', 'clusterIPs'));
  assert.equal(addresses.length, 2);
  assert.equal(addresses[0], at(made.body, 'spec', 'clusterIP'));
});

test('a LoadBalancer gets node ports, unless it wants none', async () => {
  const { body } = await make('balanced', { type: 'LoadBalancer', ports: [{ port: 80, name: 'a' }, { port: 80, name: 'b', protocol: 'UDP' }] });
  const ports = records(at(body, 'spec', 'ports'));
  for (const port of ports) assert.ok(Number(port['nodePort']) >= 30_000 && Number(port['nodePort']) <= 32_767);
  assert.equal(at(body, 'spec', 'allocateLoadBalancerNodePorts'), true);
  assert.equal(at(body, 'spec', 'externalTrafficPolicy'), 'Cluster');
  const without = await make('portless', { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }] });
  assert.equal(records(at(without.body, 'spec', 'ports'))[0]?.['nodePort'], undefined);
});

test('externalTrafficPolicy Local of a LoadBalancer gets a health check port', async () => {
  const { body } = await make('local', { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ port: 80 }] });
  assert.ok(Number(at(body, 'spec', 'healthCheckNodePort')) >= 30_000);
});

test('cluster IP and node port stay over an update that does not say them', async () => {
  const made = await make('kept', { type: 'LoadBalancer', ports: [{ port: 80 }] });
  const { resourceVersion: _version, ...metadata } = record(made.body['metadata']);
  const put = await plane.client.put(`${PATH}/kept`, { apiVersion: 'v1', kind: 'Service', metadata, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } });
  assert.equal(put.status, 200);
  assert.equal(at(put.body, 'spec', 'clusterIP'), at(made.body, 'spec', 'clusterIP'));
  assert.deepEqual(at(put.body, 'spec', 'ports'), at(made.body, 'spec', 'ports'));
});

test('a LoadBalancer that becomes a ClusterIP loses node ports and class', async () => {
  await make('changed', { type: 'LoadBalancer', loadBalancerClass: 'example.test/lb', ports: [{ port: 80 }] });
  const { status, body } = await plane.client.patch(`${PATH}/changed`, 'merge', { spec: { type: 'ClusterIP' } });
  assert.equal(status, 200);
  assert.equal(records(at(body, 'spec', 'ports'))[0]?.['nodePort'], undefined);
  assert.equal(at(body, 'spec', 'loadBalancerClass'), undefined);
  assert.equal(at(body, 'spec', 'allocateLoadBalancerNodePorts'), undefined);
  assert.equal(at(body, 'spec', 'externalTrafficPolicy'), undefined);
});

test('the class of a LoadBalancer does not change', async () => {
  await make('classy', { type: 'LoadBalancer', loadBalancerClass: 'example.test/lb', ports: [{ port: 80 }] });
  const { status, body } = await plane.client.patch(`${PATH}/classy`, 'merge', { spec: { loadBalancerClass: 'example.test/other' } });
  assert.equal(status, 422);
  assert.match(String(body['message']), /spec\.loadBalancerClass: Invalid value: "example\.test\/other": may not change once set/);
  await make('classless', { type: 'LoadBalancer', ports: [{ port: 80 }] });
  assert.equal((await plane.client.patch(`${PATH}/classless`, 'merge', { spec: { loadBalancerClass: 'example.test/lb' } })).status, 422);
});

test('the status of a LoadBalancer is a subresource, and its addresses are VIPs where nothing else is said', async () => {
  await make('addressed', { type: 'LoadBalancer', ports: [{ port: 80 }] });
  await plane.client.patch(`${PATH}/addressed`, 'merge', { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } });
  assert.deepEqual(at((await plane.client.get(`${PATH}/addressed`)).body, 'status', 'loadBalancer'), {});
  const { status, body } = await plane.client.patch(`${PATH}/addressed/status`, 'merge', {
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { ip: '192.0.2.2', ipMode: 'Proxy', ports: [{ port: 80, protocol: 'TCP' }] }, { hostname: 'lb.test' }] } },
  });
  assert.equal(status, 200);
  assert.deepEqual(at(body, 'status', 'loadBalancer', 'ingress'), [
    { ip: '192.0.2.1', ipMode: 'VIP' }, { ip: '192.0.2.2', ipMode: 'Proxy', ports: [{ port: 80, protocol: 'TCP' }] }, { hostname: 'lb.test' },
  ]);
});

test('a status with a wrong address, or of a Service that is no LoadBalancer, is refused', async () => {
  const wrong = await plane.client.patch(`${PATH}/addressed/status`, 'merge', { status: { loadBalancer: { ingress: [{ ip: '192.0.2.256' }] } } });
  assert.equal(wrong.status, 422);
  const mode = await plane.client.patch(`${PATH}/addressed/status`, 'merge', { status: { loadBalancer: { ingress: [{ hostname: 'lb.test', ipMode: 'VIP' }] } } });
  assert.deepEqual(causesOf(mode), ['status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set']);
  const other = await plane.client.patch(`${PATH}/plain/status`, 'merge', { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } });
  assert.equal(other.status, 422);
});

test('conditions of a status merge by type', async () => {
  const condition = { type: 'example.test/Assigned', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'Given', message: '' };
  await plane.client.patch(`${PATH}/addressed/status`, 'strategic-merge', { status: { conditions: [condition] } });
  const { body } = await plane.client.patch(`${PATH}/addressed/status`, 'strategic-merge', { status: { conditions: [{ ...condition, type: 'example.test/Other' }] } });
  assert.deepEqual(new Set(records(at(body, 'status', 'conditions')).map(({ type }) => type)), new Set(['example.test/Assigned', 'example.test/Other']));
});

test('ports that cannot be are refused with their fields', async () => {
  assert.deepEqual(causesOf(await make('bad', {})), ['spec.ports: Required value']);
  const unnamed = await make('bad', { ports: [{ port: 80 }, { port: 81 }] });
  assert.deepEqual(causesOf(unnamed), ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value']);
  const range = await make('bad', { ports: [{ port: 70_000 }] });
  assert.match(causesOf(range)[0] ?? '', /^spec\.ports\[0\]\.port: Invalid value: 70000: must be between 1 and 65535, inclusive/);
  const nodePort = await make('bad', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] });
  assert.equal(nodePort.status, 422);
});

test('a node port and a cluster IP belong to one Service only', async () => {
  await make('first', { type: 'NodePort', ports: [{ port: 80, nodePort: 32_000 }] });
  const second = await make('second', { type: 'NodePort', ports: [{ port: 80, nodePort: 32_000 }] });
  assert.equal(second.status, 422);
  assert.match(String(second.body['message']), /provided port is already allocated/);
  const taken = await make('third', { clusterIP: at((await plane.client.get(`${PATH}/first`)).body, 'spec', 'clusterIP'), ports: [{ port: 80 }] });
  assert.equal(taken.status, 422);
  assert.match(String(taken.body['message']), /provided IP is already allocated/);
});

test('the cluster IP does not change', async () => {
  const { status } = await plane.client.patch(`${PATH}/first`, 'merge', { spec: { clusterIP: '10.96.99.99', clusterIPs: ['10.96.99.99'] } });
  assert.equal(status, 422);
});

test('headless and ExternalName Services have no addresses', async () => {
  const headless = await make('headless', { clusterIP: 'None', selector: { app: 'x' }, ports: [{ port: 80 }] });
  assert.deepEqual(at(headless.body, 'spec', 'clusterIPs'), ['None']);
  const named = await make('named', { type: 'ExternalName', externalName: 'example.test' });
  assert.equal(named.status, 201);
  assert.equal(at(named.body, 'spec', 'clusterIP'), undefined);
});

test('a strategic merge patch changes a port by its number', async () => {
  await make('merged', { ports: [{ name: 'a', port: 80 }, { name: 'b', port: 81 }] });
  const { body } = await plane.client.patch(`${PATH}/merged`, 'strategic-merge', { spec: { ports: [{ port: 81, targetPort: 8081 }] } });
  const ports = records(at(body, 'spec', 'ports')).map(({ name, targetPort }) => [name, targetPort]);
  assert.deepEqual(new Map(ports as [unknown, unknown][]), new Map<unknown, unknown>([['a', 80], ['b', 8081]]));
  const removed = await plane.client.patch(`${PATH}/merged`, 'strategic-merge', { spec: { ports: [{ port: 81, $patch: 'delete' }] } });
  assert.deepEqual(records(at(removed.body, 'spec', 'ports')).map(({ name }) => name), ['a']);
});

test('a field selector knows the type', async () => {
  const { body } = await plane.client.get(`${PATH}?fieldSelector=spec.type%3DExternalName`);
  assert.deepEqual(records(body['items']).map((item) => at(item, 'metadata', 'name')), ['named']);
  const wrong = await plane.client.get(`${PATH}?fieldSelector=spec.nothing%3Da`);
  assert.equal(wrong.status, 400);
});
