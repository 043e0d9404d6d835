import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { lacks } from '../support/requirement.ts';
import { until } from '../support/until.ts';
import { at, records } from './json.ts';
import { usePlane } from './testPlane.ts';

const skip = lacks('kubectl');
/** Before 1.27, clients took what a server can do from OpenAPI v2, which ours has no content of. */
const isOld = skip === false && /GitVersion:"v1\.(1\d|2[0-6])\.|Client Version: v1\.(1\d|2[0-6])\./.test(execFileSync('kubectl', ['version', '--client'], { encoding: 'utf8' }));
const folder = mkdtempSync(join(tmpdir(), 'kubectl-'));
const plane = usePlane({}, (started) => writeFileSync(join(folder, 'config'), started.kubeconfig()));

after(() => {
  rmSync(folder, { recursive: true, force: true });
});

const environment = { ...process.env, KUBECONFIG: join(folder, 'config'), HOME: folder };

async function kubectl(...flags: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('kubectl', flags, { env: environment, maxBuffer: 1 << 24 });
  return stdout;
}

/** What kubectl says when it fails. */
async function failure(...flags: string[]): Promise<string> {
  return await kubectl(...flags).then(() => '', (error: unknown) => String(at(error, 'stderr')));
}

function manifest(name: string, ...objects: object[]): string {
  const path = join(folder, `${name}.yaml`);
  writeFileSync(path, objects.map((object) => stringify(object)).join('---\n'));
  return path;
}

const service = (port: number): object => ({
  apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ name: 'http', port }, { name: 'tls', port: 443 }] },
});
const ingress = (host: string): object => ({
  apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'web' },
  spec: { ingressClassName: 'gatehouse', rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }] } }] },
});
const gadget = {
  apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'gadgets.example.test' },
  spec: {
    group: 'example.test', scope: 'Namespaced', names: { plural: 'gadgets', kind: 'Gadget', shortNames: ['gg'] },
    versions: [{
      name: 'v1', served: true, storage: true, subresources: { status: {} }, additionalPrinterColumns: [{ name: 'Range', type: 'string', jsonPath: '.spec.range' }],
      schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { range: { type: 'string', description: 'What it spans.' } } }, status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } } },
    }],
  },
};

test('kubectl apply creates, leaves alone and changes Services and Ingresses', { skip }, async () => {
  const path = manifest('both', service(80), ingress('a.test'));
  assert.equal(await kubectl('apply', '-f', path), 'service/web created\ningress.networking.k8s.io/web created\n');
  assert.equal(await kubectl('apply', '-f', path), 'service/web unchanged\ningress.networking.k8s.io/web unchanged\n');
  const changed = manifest('both', service(8080), ingress('b.test'));
  assert.equal(await kubectl('apply', '-f', changed), 'service/web configured\ningress.networking.k8s.io/web configured\n');
  const stored: unknown = JSON.parse(await kubectl('get', 'service', 'web', '-o', 'json'));
  assert.deepEqual(records(at(stored, 'spec', 'ports')).map(({ port }) => port), [8080, 443]);
});

test('kubectl apply --server-side takes over, and says who is in the way', { skip }, async () => {
  const path = manifest('map', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'sided' }, data: { a: '1' } });
  assert.equal(await kubectl('apply', '--server-side', '-f', path), 'configmap/sided serverside-applied\n');
  const other = manifest('map', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'sided' }, data: { a: '2' } });
  assert.match(await failure('apply', '--server-side', '--field-manager=other', '-f', other), /Apply failed with 1 conflict: conflict with "kubectl": \.data\.a/);
  assert.equal(await kubectl('apply', '--server-side', '--field-manager=other', '--force-conflicts', '-f', other), 'configmap/sided serverside-applied\n');
});

test('kubectl apply refuses a field that is misspelt', { skip }, async () => {
  const path = manifest('typo', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'typo' }, spec: { prots: [] } });
  assert.match(await failure('apply', '-f', path), /unknown field "spec\.prots"/);
});

test('kubectl get shows tables, wide ones too', { skip }, async () => {
  const [head = '', row = ''] = (await kubectl('get', 'svc', 'web')).split('\n');
  assert.deepEqual(head.split(/\s+/), ['NAME', 'TYPE', 'CLUSTER-IP', 'EXTERNAL-IP', 'PORT(S)', 'AGE']);
  assert.match(row, /^web\s+LoadBalancer\s+10\.96\.\S+\s+<pending>\s+8080:3\d+\/TCP,443:3\d+\/TCP\s/);
  assert.match(await kubectl('get', 'svc', 'web', '-o', 'wide'), /app=web/);
  assert.match(await kubectl('get', 'ing'), /^NAME\s+CLASS\s+HOSTS\s+ADDRESS\s+PORTS\s+AGE\nweb\s+gatehouse\s+b\.test\s+80\s/);
  assert.match(await kubectl('get', 'all', '-A'), /service\/kubernetes/);
});

test('kubectl get prints YAML, names and JSONPath', { skip }, async () => {
  assert.equal(at(parse(await kubectl('get', 'ing', 'web', '-o', 'yaml')), 'spec', 'ingressClassName'), 'gatehouse');
  assert.equal(await kubectl('get', 'svc', '-l', 'component=apiserver', '-o', 'name'), 'service/kubernetes\n');
  assert.equal(await kubectl('get', 'svc', 'web', '-o', 'jsonpath={.spec.type}'), 'LoadBalancer');
});

test('kubectl get of many objects pages through them', { skip }, async () => {
  const maps = Array.from({ length: 25 }, (_, index) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `many-${index}`, labels: { many: 'of-them' } } }));
  await kubectl('apply', '-f', manifest('many', { apiVersion: 'v1', kind: 'List', items: maps }));
  assert.equal((await kubectl('get', 'cm', '-l', 'many', '--chunk-size=10', '-o', 'name')).trim().split('\n').length, 25);
  await kubectl('delete', 'cm', '-l', 'many');
});

test('kubectl get -w shows changes as they come', { skip }, async () => {
  const child = spawn('kubectl', ['get', 'svc', 'web', '-w', '--output-watch-events', '--no-headers'], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  // One listener for good: what comes while nobody listens is lost.
  child.stdout.on('data', (chunk: Buffer) => { output += String(chunk); });
  const seen = (expected: RegExp): Promise<unknown> => until(`kubectl shows ${expected.source}`, () => expected.test(output));
  await seen(/ADDED\s+web/);
  await plane.client.patch('/api/v1/namespaces/default/services/web/status', 'merge', { status: { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } } });
  await seen(/MODIFIED\s+web\s+LoadBalancer\s+\S+\s+192\.0\.2\.7/);
  child.kill();
  await once(child, 'exit');
});

test('kubectl describe shows the object and its Events', { skip }, async () => {
  const { body } = await plane.client.get('/api/v1/namespaces/default/services/web');
  await plane.client.post('/api/v1/namespaces/default/events', {
    apiVersion: 'v1', kind: 'Event', metadata: { name: 'web.1' }, reason: 'IPAllocated', message: 'address 192.0.2.7', type: 'Normal', count: 1,
    involvedObject: { kind: 'Service', namespace: 'default', name: 'web', uid: at(body, 'metadata', 'uid') }, source: { component: 'gatehouse' },
    firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:00Z',
  });
  const described = await kubectl('describe', 'svc', 'web');
  assert.match(described, /LoadBalancer Ingress:\s+192\.0\.2\.7/);
  assert.match(described, /IPAllocated\s+\S+( ago)?\s+gatehouse\s+address 192\.0\.2\.7/);
  assert.match(await kubectl('describe', 'ing', 'web'), /b\.test\s+\n?\s+\/\s+web:80/);
  assert.match(await kubectl('get', 'events'), /IPAllocated/);
});

test('kubectl label, annotate, patch and replace change an object', { skip }, async () => {
  assert.equal(await kubectl('label', 'svc', 'web', 'tier=front'), 'service/web labeled\n');
  assert.equal(await kubectl('annotate', 'svc', 'web', 'example.test/note=x'), 'service/web annotated\n');
  assert.equal(await kubectl('patch', 'svc', 'web', '-p', '{"spec":{"ports":[{"port":443,"targetPort":8443}]}}'), 'service/web patched\n');
  assert.equal(await kubectl('patch', 'ing', 'web', '--type=json', '-p', '[{"op":"replace","path":"/spec/rules/0/host","value":"c.test"}]'), 'ingress.networking.k8s.io/web patched\n');
  const stored = JSON.parse(await kubectl('get', 'svc', 'web', '-o', 'json')) as object;
  assert.deepEqual(new Set(records(at(stored, 'spec', 'ports')).map(({ targetPort }) => targetPort)), new Set([8080, 8443]));
  assert.equal(at(stored, 'metadata', 'labels', 'tier'), 'front');
  assert.match(await kubectl('label', 'svc', 'web', 'tier-'), /^service\/web (un)?labeled\n$/);
  assert.equal(await kubectl('replace', '-f', manifest('replace', JSON.parse(await kubectl('get', 'svc', 'web', '-o', 'json')) as object)), 'service/web replaced\n');
});

test('kubectl edit sends what the editor has changed', { skip }, async () => {
  const editor = join(folder, 'editor.sh');
  writeFileSync(editor, '#!/bin/sh\nsed -i "s/c\\.test/d.test/" "$1"\n', { mode: 0o755 });
  await promisify(execFile)('kubectl', ['edit', 'ing', 'web'], { env: { ...environment, KUBE_EDITOR: editor } });
  assert.equal(await kubectl('get', 'ing', 'web', '-o', 'jsonpath={.spec.rules[0].host}'), 'd.test');
});

test('kubectl works with custom resources by name and short name', { skip }, async () => {
  await kubectl('apply', '-f', manifest('crd', gadget));
  await kubectl('wait', '--for=condition=Established', '--timeout=10s', 'crd/gadgets.example.test');
  const path = manifest('gadget', { apiVersion: 'example.test/v1', kind: 'Gadget', metadata: { name: 'one' }, spec: { range: 'a-b' } });
  for (let tries = 0; tries < 50 && (await failure('apply', '-f', path)) !== ''; tries += 1) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.match(await kubectl('get', 'gg'), /^NAME\s+RANGE\none\s+a-b\s*\n$/);
  const changed = manifest('gadget', { apiVersion: 'example.test/v1', kind: 'Gadget', metadata: { name: 'one' }, spec: { range: 'c-d' } });
  assert.equal(await kubectl('apply', '-f', changed), 'gadget.example.test/one configured\n');
  assert.match(await kubectl('describe', 'gadget', 'one'), /Range:\s+c-d/);
  if (!isOld) assert.match(await kubectl('explain', 'gadget.spec'), /range\s+<string>/);
  assert.equal(await kubectl('delete', 'gg', 'one'), 'gadget.example.test "one" deleted\n');
});

test('kubectl diff and a dry run on the server change nothing', { skip: isOld || skip }, async () => {
  const path = manifest('dry', service(9090));
  assert.equal(await kubectl('apply', '--dry-run=server', '-f', path), 'service/web configured (server dry run)\n');
  assert.notEqual(await kubectl('get', 'svc', 'web', '-o', 'jsonpath={.spec.ports[*].port}'), '9090');
  const shown = await kubectl('diff', '-f', path).catch((error: unknown) => String(at(error, 'stdout')));
  assert.match(shown, /^\+\s+port: 9090$/m);
});

test('kubectl auth can-i and api-resources ask the server', { skip }, async () => {
  assert.equal(await kubectl('auth', 'can-i', 'list', 'services'), 'yes\n');
  assert.match(await kubectl('api-resources', '--api-group=networking.k8s.io'), /ingresses\s+ing\s+networking\.k8s\.io\/v1\s+true\s+Ingress/);
});

test('kubectl delete waits until an object is gone', { skip }, async () => {
  assert.match(await kubectl('delete', 'svc,ing', 'web'), /service "web" deleted\ningress\.networking\.k8s\.io "web" deleted/);
  assert.match(await failure('get', 'svc', 'web'), /Error from server \(NotFound\): services "web" not found/);
});
