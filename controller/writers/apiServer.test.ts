import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { parse } from 'yaml';
import { silentLogger } from '../../core/log/logger.ts';
import { systemClock } from '../../core/time/clock.ts';
import type { PlainObject } from '../../test/apiserver/admin.ts';
import { startApiServer, type TestApiServer } from '../../test/apiserver/apiServer.ts';
import type { KubeApi } from '../cluster/kubeApi.ts';
import { createKubeApi } from '../cluster/kubeClient.ts';
import { decodeObject } from '../decode/decodeObject.ts';
import { ALWAYS_LEADER } from '../election/leadership.ts';
import { ObjectStore } from '../model/store.ts';
import { createNodeWriter } from './nodeWriter.ts';
import { systemSchedule } from './schedule.ts';
import { createStatusWriter } from './statusWriter.ts';
import { problem, serviceStatus } from './testing/world.ts';
import { vipStatusName } from './vipStatus.ts';
import type { WriterInput } from './writerInput.ts';

const KINDS = [
  ['v1', 'Service'],
  ['networking.k8s.io/v1', 'Ingress'],
  ['gatehouse.dev/v1', 'IPAddressPool'],
  ['gatehouse.dev/v1', 'ServiceVIPStatus'],
] as const;
const WEB = { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web' };
const CRDS = ['ipaddresspools', 'servicevipstatuses'];
const NOTHING = { services: [], ingresses: [], ingressAddresses: [], pools: [], problems: [], refusals: [], assignmentChanges: [], vipOwners: null };

let server: TestApiServer;
let api: KubeApi;

before(async () => {
  server = await startApiServer();
  for (const name of CRDS) {
    const text = await readFile(new URL(`../../crds/${name}.yaml`, import.meta.url), 'utf8');
    await server.create(parse(text) as PlainObject);
  }
  await server.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  await server.create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { type: 'LoadBalancer', ports: [{ port: 80, protocol: 'TCP' }] },
  });
  await server.create({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
  });
  await server.create({
    apiVersion: 'gatehouse.dev/v1',
    kind: 'IPAddressPool',
    metadata: { name: 'lan', namespace: 'shop' },
    spec: { addresses: ['192.0.2.0/24'] },
  });
  const headers = { Authorization: `Bearer ${server.token('admin', ['system:masters'])}` };
  const tls = { ca: server.authorityPem ?? '', rejectUnauthorized: true };
  const settings = { headers, tls, proxyAgent: null };
  const connection = { settings: () => Promise.resolve(settings), renew: () => Promise.resolve() };
  api = createKubeApi({ ...connection, server: new URL(server.url), namespace: null, description: 'test' }, { version: 'test' });
});

after(async () => {
  api.close();
  await server.stop();
});

async function read(): Promise<ObjectStore> {
  const objects = new ObjectStore();
  for (const [apiVersion, kind] of KINDS) {
    const list = await server.list({ apiVersion, kind });
    const upserts = list.map((raw) => decodeObject({ ...raw, apiVersion, kind }, null).object).filter((object) => object !== null);
    objects.apply({ upserts, deletes: [] });
  }
  return objects;
}

/** Hands over what is true until nothing is left to be written; how many requests that took. */
async function bringInto(writer: ReturnType<typeof createStatusWriter>, facts: Partial<WriterInput>): Promise<number> {
  const before = server.requests.length;
  writer.update({ objects: await read(), ...NOTHING, ipModeOf: () => 'Proxy', ...facts });
  while (writer.pending > 0) await wait(5);
  return server.requests.length - before;
}

function dependencies(): Parameters<typeof createStatusWriter>[0] {
  const time = { clock: systemClock, wallClock: Date.now, schedule: systemSchedule };
  return { api, leadership: ALWAYS_LEADER, nodeName: 'node-1', random: Math.random, logger: silentLogger, ...time };
}

test('an API server takes statuses, conditions and Events, and a second round finds nothing to do', async () => {
  const writer = createStatusWriter(dependencies());
  const ours = { ref: { kind: 'Ingress', namespace: 'shop', name: 'web' }, class: 'gatehouse', hosts: [], tlsHosts: [] };
  const facts = {
    services: [serviceStatus('web', ['192.0.2.1'])],
    ingresses: [ours],
    ingressAddresses: [{ ip: '192.0.2.1', hostname: '' }],
    problems: [problem('IPAddressPool', 'lan', { severity: 'warning' })],
  };
  const change = { service: 'shop/web', before: [], after: ['192.0.2.1'], cause: 'new' as const };
  await bringInto(writer, { ...facts, assignmentChanges: [change] });
  const service = await server.get(WEB);
  assert.match(JSON.stringify(service?.['status']), /"ip":"192\.0\.2\.1","ipMode":"Proxy","ports":\[\{"port":80,"protocol":"TCP"\}\]/);
  assert.match(JSON.stringify(service?.['status']), /"type":"gatehouse.dev\/AddressAssigned","status":"True"/);
  const ingress = await server.get({ ...WEB, apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' });
  assert.deepEqual(ingress?.['status'], { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } });
  const pool = await server.get({ apiVersion: 'gatehouse.dev/v1', kind: 'IPAddressPool', namespace: 'shop', name: 'lan' });
  assert.match(JSON.stringify(pool?.['status']), /"assignedIPv4":0.*"reason":"Warnings"/);
  const events = await server.list({ apiVersion: 'v1', kind: 'Event', namespace: 'shop' });
  assert.deepEqual(new Set(events.map((event) => event['reason'])), new Set(['IPAllocated', 'Invalid']));
  assert.equal(await bringInto(writer, facts), 0);
  assert.deepEqual(writer.counts().writes.filter(({ outcome }) => outcome !== 'written'), []);
  await writer.stop();
});

test('a problem that comes back counts its Event up', async () => {
  const writer = createStatusWriter(dependencies());
  const facts = { services: [serviceStatus('web', ['192.0.2.1'])], problems: [problem('Service', 'web')] };
  await bringInto(writer, facts);
  await bringInto(writer, { services: facts.services });
  await bringInto(writer, facts);
  const events = await server.list({ apiVersion: 'v1', kind: 'Event', namespace: 'shop' });
  const told = events.filter((event) => (event['involvedObject'] as { readonly kind: string }).kind === 'Service' && event['reason'] === 'Invalid');
  assert.deepEqual(told.map((event) => event['count']), [2]);
  await writer.stop();
});

test('a newer version of the object refuses the patch, and the next reading mends it', async () => {
  const writer = createStatusWriter(dependencies());
  const old = await read();
  await server.patch(WEB, { metadata: { annotations: { note: 'changed' } } });
  const services = [serviceStatus('web', ['192.0.2.7'])];
  writer.update({ objects: old, ...NOTHING, ipModeOf: () => 'Proxy', services });
  while (writer.counts().writes.length === 0) await wait(5);
  assert.deepEqual(writer.counts().writes[0], { kind: 'Service', outcome: 'conflict', count: 1 });
  await bringInto(writer, { services });
  assert.match(JSON.stringify((await server.get(WEB))?.['status']), /192\.0\.2\.7/);
  await writer.stop();
});

test('a node says what it carries, and takes it back', async () => {
  const { leadership: _leadership, ...rest } = dependencies();
  const writer = createNodeWriter({ ...rest, installation: 'gatehouse-system' });
  const place = { apiVersion: 'gatehouse.dev/v1', kind: 'ServiceVIPStatus', namespace: 'shop', name: vipStatusName('web', 'node-1') };
  const interfaces = new Map([['192.0.2.1', ['eth0']]]);
  writer.update({ objects: await read(), services: [serviceStatus('web', ['192.0.2.1'])], interfaces, peers: new Map() });
  while (writer.pending > 0) await wait(5);
  assert.deepEqual((await server.get(place))?.['status'], {
    node: 'node-1',
    serviceName: 'web',
    serviceNamespace: 'shop',
    addresses: ['192.0.2.1'],
    forwarding: 'proxy',
    interfaces: [{ name: 'eth0' }],
    peers: [],
  });
  writer.update({ objects: await read(), services: [], interfaces, peers: new Map() });
  while (writer.pending > 0) await wait(5);
  assert.equal(await server.get(place), null);
  await writer.stop();
});
