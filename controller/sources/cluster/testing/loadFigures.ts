/**
 * Measures what it costs to read 10,000 Ingresses and 20,000 EndpointSlices (three endpoints each) over HTTP: time, heap and
 * resident memory. `node --expose-gc controller/sources/cluster/testing/loadFigures.ts`; the API server is a child process.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createKubeApi } from '../../../cluster/kubeClient.ts';
import { tokenConnection } from '../../../cluster/testing/scriptedServer.ts';
import { createLogger } from '../../../../core/log/logger.ts';
import { createClusterSource } from '../clusterSource.ts';

const COUNTS: Readonly<Record<string, number>> = { ingresses: 10_000, endpointslices: 20_000, services: 10_000 };

if (process.send === undefined) await measure();
else serve();

async function measure(): Promise<void> {
  const child = fork(new URL(import.meta.url), { execArgv: ['--disable-warning=ExperimentalWarning'] });
  const [port] = (await once(child, 'message')) as [number];
  const api = createKubeApi(tokenConnection(new URL(`http://127.0.0.1:${port}`)), { version: '0.0.0' });
  const source = createClusterSource({
    api,
    kinds: ['Ingress', 'EndpointSlice', 'Service'],
    namespaces: [],
    ownNamespace: null,
    secrets: 'named',
    logger: createLogger({ level: 'info', format: 'text', name: 'load' }),
  });
  const before = memory();
  const startedMs = performance.now();
  let objects = 0;
  let peakBytes = 0;
  const sampling = setInterval(() => (peakBytes = Math.max(peakBytes, process.memoryUsage.rss())), 5);
  await source.start((batch) => (objects = batch.upserts.length));
  clearInterval(sampling);
  const seconds = (performance.now() - startedMs) / 1000;
  const after = memory();
  process.stdout.write(`${JSON.stringify({ objects, seconds, before, after, peakRssMiB: Math.round(peakBytes / 2 ** 20) }, null, 2)}\n`);
  await source.stop();
  api.close();
  child.kill();
}

function memory(): Readonly<Record<string, number>> {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rssMiB: Math.round(rss / 2 ** 20), heapMiB: Math.round(heapUsed / 2 ** 20), externalMiB: Math.round(external / 2 ** 20) };
}

/** Pages are made as they are asked for. */
function serve(): void {
  const server = http.createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.searchParams.has('watch')) {
      response.writeHead(200).flushHeaders();
      return;
    }
    const plural = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
    const from = Number(url.searchParams.get('continue') ?? 0);
    const to = Math.min(COUNTS[plural] ?? 0, from + Number(url.searchParams.get('limit')));
    const items = Array.from({ length: to - from }, (_, at) => rawObject(plural, from + at));
    const metadata = { resourceVersion: '999999', ...(to < (COUNTS[plural] ?? 0) ? { continue: String(to) } : {}) };
    response.end(JSON.stringify({ metadata, items }));
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

function rawObject(plural: string, count: number): unknown {
  const name = `application-${count % 10_000}`;
  const metadata = {
    name: plural === 'endpointslices' ? `${name}-${count}` : name,
    namespace: `team-namespace-${count % 200}`,
    uid: `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`,
    resourceVersion: String(100_000 + count),
    creationTimestamp: '2026-01-31T12:00:00Z',
    labels: { 'app.kubernetes.io/name': name, 'app.kubernetes.io/managed-by': 'Helm', 'kubernetes.io/service-name': name },
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'x'.repeat(800), 'nginx.ingress.kubernetes.io/proxy-read-timeout': '60' },
    managedFields: [{ manager: 'helm', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:rules': 'x'.repeat(600) } } }],
  };
  return { metadata, ...bodyOf(plural, name, count) };
}

function bodyOf(plural: string, name: string, count: number): object {
  if (plural === 'services') return { spec: { type: 'ClusterIP', clusterIPs: ['10.0.0.1'], selector: { app: name }, ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }] } };
  if (plural === 'ingresses') {
    const backend = { service: { name, port: { number: 80 } } };
    const paths = ['/', '/api', '/static'].map((path) => ({ path, pathType: 'Prefix', backend }));
    return { spec: { ingressClassName: 'gatehouse', tls: [{ hosts: [`${name}.example.com`], secretName: `${name}-tls` }], rules: [{ host: `${name}.example.com`, http: { paths } }] } };
  }
  const endpoints = [1, 2, 3].map((last) => ({
    addresses: [`10.${count % 250}.${(count >> 8) % 250}.${last}`],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `ip-10-0-${(count + last) % 250}-17.eu-central-1.compute.internal`,
    zone: `eu-central-1${'abc'[last - 1]}`,
    targetRef: { kind: 'Pod', name: `${name}-pod-${last}`, namespace: 'team' },
  }));
  return { addressType: 'IPv4', ports: [{ name: 'http', port: 8080, protocol: 'TCP' }], endpoints };
}
