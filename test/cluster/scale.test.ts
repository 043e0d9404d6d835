import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../../bench/child.ts';
import type { PlainObject } from '../apiserver/admin.ts';
import { OWN_NAMESPACE, startCluster } from '../support/cluster.ts';
import { LACKS_OWN_ADDRESS, startClusterBackend } from '../support/clusterBackends.ts';
import { application, applications, fill } from '../support/clusterFill.ts';
import { startClusterGatehouse } from '../support/clusterGatehouse.ts';
import { addressesOf, awaitAddresses, servicePlace } from '../support/clusterObjects.ts';
import { recordStatuses, statusWrites } from '../support/clusterStatusRecord.ts';
import { loadBalancer, pool } from '../support/loadBalancer.ts';
import { service } from '../support/manifests.ts';
import { highestResidentBytes, residentBytes } from '../support/processState.ts';
import { send } from '../support/send.ts';
import { until } from '../support/until.ts';

const APPLICATIONS = 10_000;
/** A real API server needs several ms for each object. */
const APPLICATIONS_ON_REAL = 1_000;
const MIB = 1024 * 1024;
/** About one and a half times what was measured with two workers on four cores: 405 MiB and 345 MiB. */
const MOST_CONTROLLER_BYTES = 620 * MIB;
const MOST_PROXY_BYTES = 540 * MIB;
const SERVICES = 1_000;
/** An address of a pool in the loopback network that the pools of other tests have no part of. */
const SECOND_OCTET = 90 + (process.pid % 30);

const INGRESS_CLASS: PlainObject = { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'gatehouse' }, spec: { controller: 'gatehouse.dev/ingress' } };

test('10,000 Ingresses and 20,000 EndpointSlices are loaded in bounded memory, and then one change is served', { skip: LACKS_OWN_ADDRESS, timeout: 300_000 }, async (t) => {
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  const count = cluster.kind === 'real' ? APPLICATIONS_ON_REAL : APPLICATIONS;
  await fill(cluster, [INGRESS_CLASS, ...applications(count)]);
  const startMs = performance.now();
  const gatehouse = await startClusterGatehouse({ kubeconfig: cluster.kubeconfig(), workers: 2, args: ['--allow-local-backends'] });
  t.after(() => gatehouse.stop());
  const readyMs = performance.now() - startMs;
  const { ingresses, problems } = await gatehouse.status();
  assert.deepEqual([ingresses.length, problems], [count, []]);
  const backend = await startClusterBackend(t, 'late');
  const changeMs = performance.now();
  const late = [...application(count)].filter(({ kind }) => kind === 'Ingress');
  await fill(cluster, [...(service(`app-${count}`, [backend]) as PlainObject[]), ...late]);
  await until('the change is served', async () => (await send({ port: gatehouse.http, host: `app-${count}.test` })).body === 'late');
  const servedMs = performance.now() - changeMs;
  const pids = [gatehouse.process.pid ?? 0, await gatehouse.proxyPid()] as const;
  const [controller, proxy] = [await highestResidentBytes(pids[0]), await highestResidentBytes(pids[1])];
  const [controllerNow, proxyNow] = [await residentBytes(pids[0]), await residentBytes(pids[1])];
  t.diagnostic(`${count} Ingresses, ${2 * count} EndpointSlices: ready after ${Math.round(readyMs)} ms, one change served after ${Math.round(servedMs)} ms`);
  t.diagnostic(`controller at most ${Math.round(controller / MIB)} MiB, now ${Math.round(controllerNow / MIB)}; proxy at most ${Math.round(proxy / MIB)} MiB, now ${Math.round(proxyNow / MIB)}`);
  assert.ok(controller < MOST_CONTROLLER_BYTES, `the controller had ${controller} octets`);
  assert.ok(proxy < MOST_PROXY_BYTES, `the proxy had ${proxy} octets`);
});

test('1,000 Services of type LoadBalancer get their addresses at once, each by one write, and keep them', { timeout: 120_000 }, async (t) => {
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  const port = await freePort();
  const { metadata, ...rest } = pool('large', [`127.${SECOND_OCTET}.0.0/22`]);
  await fill(cluster, [{ ...rest, metadata: { ...metadata, namespace: OWN_NAMESPACE } }]);
  const gatehouse = await startClusterGatehouse({ kubeconfig: cluster.kubeconfig(), args: ['--vips', 'bind'] });
  t.after(() => gatehouse.stop());
  const record = recordStatuses(t, cluster);
  const names = Array.from({ length: SERVICES }, (_, index) => `service-${index}`);
  const startMs = performance.now();
  await fill(cluster, names.flatMap((name) => loadBalancer(name, [{ port, backends: [] }])) as unknown as PlainObject[]);
  const createdMs = performance.now() - startMs;
  const addressed = async (): Promise<readonly string[]> => {
    const services = await cluster.admin.list({ apiVersion: 'v1', kind: 'Service', namespace: 'default' });
    return services.flatMap((each) => addressesOf(each));
  };
  await until('all Services have addresses', async () => (await addressed()).length === SERVICES, 90_000);
  t.diagnostic(`${SERVICES} Services created within ${Math.round(createdMs)} ms, all statuses after ${Math.round(performance.now() - startMs)} ms`);
  assert.equal(new Set(await addressed()).size, SERVICES, 'no address twice');
  // What comes after all others is written after them.
  await fill(cluster, loadBalancer('last', [{ port, backends: [] }]) as unknown as PlainObject[]);
  await awaitAddresses(cluster, servicePlace('last'));
  await record.stop();
  assert.deepEqual(record.flaps(), []);
  const writes = statusWrites(cluster);
  if (writes === null) return;
  const ofServices = [...writes].filter(([key]) => key.startsWith('services '));
  const total = ofServices.reduce((sum, [, count]) => sum + count, 0);
  t.diagnostic(`${total} writes of the statuses of ${ofServices.length} Services`);
  assert.ok(total <= (SERVICES + 1) * 1.05, `${total} writes`);
});
