import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../bin/gatehouse', import.meta.url));

interface Outcome {
  readonly status: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function check(...argv: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(COMMAND, ['check', ...argv], (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : (error.code ?? null), stdout, stderr });
    });
  });
}

/** A temporary folder with one file per entry. */
async function folderOf(context: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-check-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

function ingress(path: string): string {
  return `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
spec:
  rules:
    - host: shop.test
      http:
        paths:
          - path: ${path}
            pathType: Prefix
            backend:
              service:
                name: web
                port:
                  number: 80
`;
}

const SERVICE = `apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec:
  ports: [{ name: http, port: 80 }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-1, namespace: shop, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
ports: [{ name: http, port: 8080 }]
endpoints: [{ addresses: [192.0.2.1], conditions: { ready: true } }]
`;

test('a good folder exits 0 with one line that counts what is there', async (context) => {
  const folder = await folderOf(context, { 'ingress.yaml': ingress('/'), 'service.yaml': SERVICE });
  assert.deepEqual(await check(folder), { status: 0, stdout: '2 files, 3 objects, 1 Ingress, 1 host, 0 errors, 0 warnings\n', stderr: '' });
});

test('a bad field is named by file, line, object, field, rule and value, and exits 1', async (context) => {
  const folder = await folderOf(context, { 'ingress.yaml': ingress('cart'), 'service.yaml': SERVICE });
  const { status, stdout } = await check(folder);
  assert.equal(status, 1);
  const [problem = '', summary] = stdout.split('\n');
  assert.ok(problem.startsWith(`${join(folder, 'ingress.yaml')}:11: error: Ingress shop/web: spec.rules[0].http.paths[0].path: `), problem);
  assert.match(problem, /\(got "cart"\); /);
  assert.match(summary ?? '', /1 error, 0 warnings/);
});

test('a warning alone exits 0', async (context) => {
  const folder = await folderOf(context, { 'ingress.yaml': ingress('/'), 'service.yaml': SERVICE.split('---')[0] ?? '' });
  const { status, stdout } = await check(folder);
  assert.equal(status, 0, stdout);
  assert.match(stdout, /ingress\.yaml:\d+: warning: /);
});

test('a file that is no YAML is named, and the files beside it are read all the same', async (context) => {
  const folder = await folderOf(context, { 'broken.yaml': 'kind: [\n', 'ingress.yaml': ingress('/'), 'service.yaml': SERVICE });
  const { status, stdout } = await check(folder);
  assert.equal(status, 1);
  assert.match(stdout, /broken\.yaml:\d+: error: /);
  assert.match(stdout, /1 Ingress, 1 host/);
});

test('JSON output is one document with counts and problems', async (context) => {
  const folder = await folderOf(context, { 'ingress.yaml': ingress('cart'), 'service.yaml': SERVICE });
  const { status, stdout } = await check('--output', 'json', folder);
  assert.equal(status, 1);
  const report = JSON.parse(stdout) as { readonly errors: number; readonly problems: readonly { readonly value: string }[] };
  assert.equal(report.errors, 1);
  assert.equal(report.problems[0]?.value, '"cart"');
});

test('a path that does not exist exits 1 and is named', async () => {
  const { status, stderr } = await check('/nonexistent/manifests');
  assert.equal(status, 1);
  assert.match(stderr, /there is no file or folder "\/nonexistent\/manifests"/);
});

test('flags decide what is served as they do for run', async (context) => {
  const folder = await folderOf(context, { 'ingress.yaml': ingress('/'), 'service.yaml': SERVICE });
  const { stdout } = await check('--watch-ingress-without-class=false', folder);
  assert.match(stdout, /0 Ingresses, 0 hosts/);
});
