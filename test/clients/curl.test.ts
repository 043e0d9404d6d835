import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { once } from 'node:events';
import { suite, test, type TestContext } from 'node:test';
import type { EchoedRequest } from '../support/backend.ts';
import { makeAuthority, makeLeaf } from '../support/certificates.ts';
import { ingress, nginx, service, tlsSecret } from '../support/manifests.ts';
import { lacks } from '../support/requirement.ts';
import { backendFor, serve } from '../support/serve.ts';

interface CurlResult {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs curl to its end, `input` as its standard input. */
async function curl(args: readonly string[], input: Buffer = Buffer.alloc(0)): Promise<CurlResult> {
  const child = spawn('curl', ['-sS', '--max-time', '20', ...args], { stdio: 'pipe' });
  const stdout = buffer(child.stdout);
  const stderr = text(child.stderr);
  child.stdin.on('error', () => child.stdin.destroy());
  child.stdin.end(input);
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout: await stdout, stderr: await stderr };
}

async function curlJson(args: readonly string[], input?: Buffer): Promise<EchoedRequest> {
  const { status, stdout, stderr } = await curl(args, input);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout.toString()) as EchoedRequest;
}

interface Shop {
  /** Arguments that resolve the name, and the URL of a path. */
  readonly plain: readonly string[];
  readonly secure: readonly string[];
  readonly http: (path: string) => string;
  readonly https: (path: string) => string;
}

async function shop(t: TestContext): Promise<Shop> {
  const authority = makeAuthority();
  const leaf = makeLeaf(authority, 'shop.test');
  const backend = await backendFor(t, 'shop');
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-curl-'));
  t.after(() => rm(folder, { recursive: true }));
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, authority.certificatePem);
  const { http, https } = await serve(t, [
    ingress('limited', 'shop.test', [{ path: '/limited', service: 'shop' }], { annotations: nginx({ 'proxy-body-size': '1m' }) }),
    ingress('shop', 'shop.test', [{ path: '/', service: 'shop' }], { spec: { tls: [{ hosts: ['shop.test'], secretName: 'shop' }] } }),
    tlsSecret('shop', { certificate: leaf.chainPem, key: leaf.privateKeyPem }),
    ...service('shop', [backend]),
  ]);
  return {
    plain: ['--resolve', `shop.test:${http}:127.0.0.1`],
    secure: ['--resolve', `shop.test:${https}:127.0.0.1`, '--cacert', caFile],
    http: (path) => `http://shop.test:${http}${path}`,
    https: (path) => `https://shop.test:${https}${path}`,
  };
}

suite('curl', { skip: lacks('curl') }, () => {
  test('through a whole Gatehouse', async (t: TestContext) => {
    const { plain, secure, http, https } = await shop(t);

    await t.test('--resolve reaches the Ingress, and its certificate verifies', async () => {
      assert.equal((await curlJson([...plain, http('/a?b=c')])).url, '/a?b=c');
      const echoed = await curlJson([...secure, '--http1.1', https('/a')]);
      assert.equal(echoed.headers['x-forwarded-proto'], 'https');
      assert.equal(echoed.headers['x-forwarded-host'], `shop.test:${new URL(https('/')).port}`);
    });
    await t.test('three URLs take one connection', async () => {
      for (const [arguments_, url] of [[plain, http], [[...secure, '--http1.1'], https]] as const) {
        const format = ['-w', '%{num_connects}\n', '-o', '/dev/null'];
        const { stdout } = await curl([...arguments_, ...format, url('/1'), '-o', '/dev/null', url('/2'), '-o', '/dev/null', url('/3')]);
        assert.equal(stdout.toString(), '1\n0\n0\n');
      }
    });
    await t.test('HTTP/1.0 gets a whole answer, with and without keep-alive', async () => {
      for (const more of [[], ['-H', 'Connection: keep-alive']]) {
        const { stdout } = await curl([...plain, '-0', '-i', ...more, http('/old')]);
        const [head = '', body = ''] = stdout.toString('latin1').split('\r\n\r\n');
        assert.match(head, /^HTTP\/1\.1 200 /);
        assert.doesNotMatch(head, /transfer-encoding/i);
        assert.equal((JSON.parse(body) as EchoedRequest).httpVersion, '1.1');
      }
    });
    await t.test('HEAD gets the head alone', async () => {
      const { status, stdout } = await curl([...plain, '-I', http('/head')]);
      assert.equal(status, 0);
      assert.match(stdout.toString('latin1'), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
    });
    await t.test('-T uploads a file after 100 Continue', async () => {
      const body = randomBytes(700_000);
      const folder = await mkdtemp(join(tmpdir(), 'gatehouse-curl-'));
      t.after(() => rm(folder, { recursive: true }));
      await writeFile(join(folder, 'file'), body);
      const { stdout, stderr } = await curl([...plain, '-v', '-H', 'Expect: 100-continue', '--expect100-timeout', '15', '-T', join(folder, 'file'), http('/up')]);
      assert.match(stderr, /< HTTP\/1\.1 100 Continue/);
      const echoed = JSON.parse(stdout.toString()) as EchoedRequest;
      assert.equal(echoed.method, 'PUT');
      assert.equal(echoed.headers['content-length'], String(body.length));
      assert.ok(Buffer.from(echoed.body, 'latin1').equals(body));
    });
    await t.test('an upload from standard input goes in chunks', async () => {
      const body = randomBytes(300_000);
      const echoed = await curlJson([...plain, '-T', '-', '-H', 'Expect:', http('/up')], body);
      assert.equal(echoed.headers['transfer-encoding'], 'chunked');
      assert.equal(echoed.headers['content-length'], undefined);
      assert.ok(Buffer.from(echoed.body, 'latin1').equals(body));
    });
    await t.test('a body above the limit is answered 413, with and without its length', async () => {
      const body = Buffer.alloc(1_100_000);
      for (const more of [[], ['-H', 'Transfer-Encoding: chunked']]) {
        const { stdout } = await curl([...plain, '-o', '/dev/null', '-w', '%{http_code}', '--data-binary', '@-', ...more, http('/limited')], body);
        assert.equal(stdout.toString(), '413');
      }
    });
  });
});
