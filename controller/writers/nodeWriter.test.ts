import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../core/log/logger.ts';
import { KubeError } from '../cluster/kubeApi.ts';
import type { ServiceStatus } from '../translate/translation.ts';
import { createNodeWriter, type NodeWriter } from './nodeWriter.ts';
import { createManualTime, type ManualTime } from './testing/manualTime.ts';
import { SimulatedApi } from './testing/simulatedApi.ts';
import { inputOf, putService, serviceStatus } from './testing/world.ts';
import { nodeLabelValue, vipStatusName } from './vipStatus.ts';

interface NodeWorld {
  readonly api: SimulatedApi;
  readonly time: ManualTime;
  readonly writer: NodeWriter;
  readonly tell: (services: readonly ServiceStatus[]) => Promise<void>;
}

function createNode(api = new SimulatedApi(), nodeName = 'node-1'): NodeWorld {
  const time = createManualTime();
  const { clock, schedule, wallClock } = time;
  const writer = createNodeWriter({ api, installation: 'gatehouse-system', nodeName, clock, wallClock, random: () => 0.5, schedule, logger: silentLogger });
  const interfaces = new Map([['192.0.2.1', ['eth1', 'eth0']]]);
  const tell = async (services: readonly ServiceStatus[]): Promise<void> => {
    writer.update({ objects: inputOf(api, {}).objects, services, interfaces, peers: new Map([['shop/web', ['tor-2', 'tor-1']]]) });
    await time.advance(1_000);
  };
  return { api, time, writer, tell };
}

const COLLECTION = '/apis/gatehouse.dev/v1/namespaces/shop/servicevipstatuses';
const NAME = vipStatusName('web', 'node-1');
const PATH = `${COLLECTION}/${NAME}`;

test('a carried Service has an object that goes with it, and says who carries it how', async () => {
  const { api, tell } = createNode();
  const service = putService(api, 'web');
  await tell([serviceStatus('web', ['192.0.2.1'])]);
  const { metadata, status } = api.at(PATH);
  assert.deepEqual(metadata['labels'], {
    'gatehouse.dev/node': 'node-1',
    'gatehouse.dev/installation': 'gatehouse-system',
    'gatehouse.dev/service-name': 'web',
    'gatehouse.dev/service-namespace': 'shop',
  });
  assert.deepEqual(metadata['ownerReferences'], [{ apiVersion: 'v1', kind: 'Service', name: 'web', uid: service.metadata.uid }]);
  assert.deepEqual(status, {
    node: 'node-1',
    serviceName: 'web',
    serviceNamespace: 'shop',
    addresses: ['192.0.2.1'],
    forwarding: 'proxy',
    interfaces: [{ name: 'eth0' }, { name: 'eth1' }],
    peers: ['tor-1', 'tor-2'],
  });
});

test('the same again costs no request, another address one', async () => {
  const { api, tell } = createNode();
  putService(api, 'web');
  await tell([serviceStatus('web', ['192.0.2.1'])]);
  assert.deepEqual(api.log, ['GET /apis/gatehouse.dev/v1/servicevipstatuses', `POST ${COLLECTION}`, `PATCH ${PATH}/status`]);
  await tell([serviceStatus('web', ['192.0.2.1'])]);
  await tell([serviceStatus('web', ['192.0.2.1'])]);
  assert.equal(api.log.length, 3);
  await tell([serviceStatus('web', ['192.0.2.2'])]);
  assert.deepEqual(api.log.slice(3), [`PATCH ${PATH}/status`]);
});

test('a Service that this node does not carry, and one of another load balancer, have none', async () => {
  const { api, tell } = createNode();
  putService(api, 'web');
  putService(api, 'api');
  await tell([serviceStatus('web', ['192.0.2.1'], { forwarding: 'none' }), serviceStatus('api', ['192.0.2.2'], { ours: false })]);
  assert.equal(api.log.length, 1);
});

test('what is carried no more is deleted, also what an earlier life has left, and nothing of other nodes', async () => {
  const first = createNode();
  putService(first.api, 'web');
  putService(first.api, 'api');
  const both = [serviceStatus('web', ['192.0.2.1']), serviceStatus('api', ['192.0.2.2'])];
  await first.tell(both);
  const other = createNode(first.api, 'node-2');
  await other.tell(both);
  const second = createNode(first.api);
  await second.tell([serviceStatus('api', ['192.0.2.2'])]);
  const left = [...first.api.objects.keys()].filter((path) => path.startsWith(COLLECTION)).map((path) => path.slice(COLLECTION.length + 1));
  assert.deepEqual(new Set(left), new Set([vipStatusName('api', 'node-1'), vipStatusName('api', 'node-2'), vipStatusName('web', 'node-2')]));
});

test('an object that somebody has deleted is made again', async () => {
  const { api, tell } = createNode();
  putService(api, 'web');
  await tell([serviceStatus('web', ['192.0.2.1'])]);
  await tell([serviceStatus('web', ['192.0.2.1'])]);
  api.objects.delete(PATH);
  await tell([serviceStatus('web', ['192.0.2.1'])]);
  assert.ok(api.at(PATH).status !== undefined);
});

test('the object of an earlier Service of the same name makes room for that of the new one', async () => {
  const { api, tell, time } = createNode();
  putService(api, 'web');
  await tell([serviceStatus('web', ['192.0.2.1'])]);
  const { uid } = putService(api, 'web').metadata;
  await tell([serviceStatus('web', ['192.0.2.1'])]);
  await time.advance(10_000);
  assert.equal((api.at(PATH).metadata['ownerReferences'] as { readonly uid: string }[])[0]?.uid, uid);
  assert.ok(api.at(PATH).status !== undefined);
});

test('a creation that was not answered is found and completed', async () => {
  const { api, tell, time, writer } = createNode();
  putService(api, 'web');
  const request = api.request.bind(api);
  let failed = false;
  api.request = async (wanted) => {
    const answer = await request(wanted);
    if (wanted.method !== 'POST' || failed) return answer;
    failed = true;
    throw new KubeError('timeout', 'no answer');
  };
  await tell([serviceStatus('web', ['192.0.2.1'])]);
  await time.advance(10_000);
  assert.ok(api.at(PATH).status !== undefined);
  assert.equal(writer.pending, 0);
});

test('a node without a Node object says nothing while there are others, as the leader would delete it again and again', async () => {
  const { api, tell } = createNode();
  putService(api, 'web');
  const nodePath = (name: string): string => `/api/v1/nodes/${name}`;
  const node = (name: string) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {}, status: {} });
  api.put(nodePath('another'), node('another'));
  await tell([serviceStatus('web', ['192.0.2.1'])]);
  assert.equal(api.log.some((request) => request.startsWith('POST')), false);
  api.put(nodePath('node-1'), node('node-1'));
  await tell([serviceStatus('web', ['192.0.2.1'])]);
  assert.ok(api.at(PATH).status !== undefined);
});

test('a cluster without the CRD is asked rarely', async () => {
  const { api, tell, time } = createNode();
  putService(api, 'web');
  api.fault = () => new KubeError('notFound', 'the server could not find the requested resource', { status: 404 });
  await tell([serviceStatus('web', ['192.0.2.1'])]);
  await time.advance(3_600_000);
  assert.ok(api.log.length < 20, String(api.log.length));
});

test('names and labels are what the API takes, however long the names of nodes are', () => {
  const node = `${'n'.repeat(60)}.${'example.'.repeat(20)}test`;
  assert.match(vipStatusName('s'.repeat(63), node), /^[a-z][a-z0-9-]{0,72}[a-z0-9]$/);
  assert.match(nodeLabelValue(node), /^[a-z0-9][a-z0-9.-]{0,61}[a-z0-9]$/);
  assert.notEqual(nodeLabelValue(node), nodeLabelValue(`${node}x`));
  assert.notEqual(vipStatusName('web', 'a'), vipStatusName('web', 'b'));
});

test('what another Gatehouse of the cluster says of the same node stays', async () => {
  const { api, tell } = createNode();
  putService(api, 'web');
  await tell([serviceStatus('web', ['192.0.2.1'])]);
  const own = api.at(PATH);
  const labels = { ...(own.metadata['labels'] as object), 'gatehouse.dev/installation': 'elsewhere' };
  api.put(`${COLLECTION}/other`, { ...own, metadata: { ...own.metadata, name: 'other', labels } });
  const { tell: tellAfterRestart } = createNode(api);
  await tellAfterRestart([]);
  assert.equal(api.objects.has(PATH), false);
  assert.equal(api.objects.has(`${COLLECTION}/other`), true);
});
