import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { makeLeaf } from '../support/certificates.ts';
import type { Gatehouse } from '../support/gatehouse.ts';
import { ingress, nginx, service, settings, tlsSecret } from '../support/manifests.ts';
import { lacks } from '../support/requirement.ts';
import { backendFor, serve } from '../support/serve.ts';

const run = promisify(execFile);
const HOST = 'h2.test';
const leaf = makeLeaf(null, HOST);

/** One host by TLS and in clear text, with settings for the latter. */
async function serveHost(t: TestContext, backends: readonly { readonly address: string; readonly port: number }[], annotations: Record<string, string> = {}): Promise<Gatehouse> {
  return serve(t, [
    settings({ 'http2-cleartext': 'true', 'proxy-body-size': '0' }),
    tlsSecret('h2', { certificate: leaf.chainPem, key: leaf.privateKeyPem }),
    ingress('h2', HOST, [{ path: '/', service: 'web' }], {
      annotations: nginx({ 'ssl-redirect': 'false', ...annotations }),
      spec: { tls: [{ hosts: [HOST], secretName: 'h2' }] },
    }),
    ...service('web', backends),
  ], { args: ['--configmap', 'default/settings'] });
}

function curl(gatehouse: Gatehouse, scheme: 'http' | 'https', ...flags: readonly string[]): Promise<{ stdout: string }> {
  const port = scheme === 'https' ? gatehouse.https : gatehouse.http;
  return run('curl', ['-sSk', '--resolve', `${HOST}:${port}:127.0.0.1`, ...flags, `${scheme}://${HOST}:${port}/`], { maxBuffer: 64 * 1024 * 1024 });
}

test('curl speaks HTTP/2 over TLS to a backend of HTTP/1.1', { skip: lacks('curl') }, async (t) => {
  const backend = await backendFor(t, 'web');
  const gatehouse = await serveHost(t, [backend]);
  const { stdout } = await curl(gatehouse, 'https', '--http2', '-w', '\n%{http_version} %{http_code}', '-d', 'a body', '-b', 'one=1; two=2');
  const [body = '', verdict] = stdout.split(/\n(?=\d)/);
  assert.equal(verdict, '2 200');
  const seen = JSON.parse(body) as { httpVersion: string; body: string; headers: Record<string, string> };
  assert.equal(seen.httpVersion, '1.1');
  assert.equal(seen.body, 'a body');
  assert.equal(seen.headers['host'], `${HOST}:${gatehouse.https}`);
  assert.equal(seen.headers['cookie'], 'one=1; two=2');
  assert.equal(seen.headers['x-forwarded-proto'], 'https');
});

test('curl speaks HTTP/2 with prior knowledge, and HTTP/1.1 goes on beside it', { skip: lacks('curl') }, async (t) => {
  const backend = await backendFor(t, 'web');
  const gatehouse = await serveHost(t, [backend]);
  const version = ['-o', '/dev/null', '-w', '%{http_version} %{http_code}'];
  assert.equal((await curl(gatehouse, 'http', '--http2-prior-knowledge', ...version)).stdout, '2 200');
  assert.equal((await curl(gatehouse, 'http', '--http1.1', ...version)).stdout, '1.1 200');
  assert.equal((await curl(gatehouse, 'https', '--http1.1', ...version)).stdout, '1.1 200');
});

test('large bodies go both ways over HTTP/2 unchanged', { skip: lacks('curl') }, async (t) => {
  const backend = await backendFor(t, 'web', (request, response) => request.pipe(response));
  const gatehouse = await serveHost(t, [backend]);
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-h2-'));
  t.after(() => rm(folder, { recursive: true }));
  const text = 'sixteen octets.\n'.repeat(1024 * 1024);
  await writeFile(join(folder, 'body'), text);
  const { stdout } = await curl(gatehouse, 'https', '--http2', '--data-binary', `@${join(folder, 'body')}`);
  assert.ok(stdout === text);
});

test('h2load gets 20,000 answers on 10 connections of 100 streams each, none of them wrong', { skip: lacks('h2load') }, async (t) => {
  const backend = await backendFor(t, 'web', (_request, response) => response.end('hello'));
  const gatehouse = await serveHost(t, [backend]);
  const flags = ['-n', '20000', '-c', '10', '-m', '100', `--connect-to=127.0.0.1:${gatehouse.https}`];
  const { stdout } = await run('h2load', [...flags, `https://${HOST}/`]);
  assert.match(stdout, /20000 total, 20000 started, 20000 done, 20000 succeeded, 0 failed, 0 errored, 0 timeout/);
  assert.match(stdout, /20000 2xx/);
});

test('a backend of HTTP/2 is asked in HTTP/2 by clients of either version', { skip: lacks('curl') }, async (t) => {
  const versions: string[] = [];
  const server = createServer((request, response) => {
    versions.push(request.httpVersion);
    response.end('hello');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const port = (server.address() as AddressInfo).port;
  const gatehouse = await serveHost(t, [{ address: '127.0.0.1', port }], { 'backend-protocol': 'GRPC' });
  assert.equal((await curl(gatehouse, 'http', '--http1.1')).stdout, 'hello');
  assert.equal((await curl(gatehouse, 'https', '--http2')).stdout, 'hello');
  assert.deepEqual(versions, ['2.0', '2.0']);
});
