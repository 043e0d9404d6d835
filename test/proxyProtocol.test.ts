import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { freePort, stopChild, whenListening } from '../bench/child.ts';
import { loadBalancer, testRange } from './support/loadBalancer.ts';
import { ingress, service, settings } from './support/manifests.ts';
import { lacks, lacksWhen } from './support/requirement.ts';
import { backendFor, serve } from './support/serve.ts';

const run = promisify(execFile);
const { prefix, pool } = testRange();
const VIP = `${prefix}.1`;
const CLIENT = '127.0.0.9';

const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so';

const at = (port: number) => ({ address: '127.0.0.1', port });

/** Starts a server from a configuration until the test ends. */
async function startServer(t: TestContext, command: (file: string, folder: string) => readonly string[], configuration: (folder: string) => string, port: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-peer-'));
  const file = join(folder, 'peer.conf');
  await writeFile(file, configuration(folder));
  const [program = '', ...args] = command(file, folder);
  const child = spawn(program, args, { stdio: 'ignore' });
  t.after(async () => {
    await stopChild(child);
    await rm(folder, { recursive: true, force: true });
  });
  await whenListening(port, child);
}

/** HAProxy that gives what comes to `port` to `target`, with `options` on the server line. */
function startHaproxy(t: TestContext, port: number, lines: { readonly bind?: string; readonly server: string }): Promise<void> {
  return startServer(t, (file) => ['haproxy', '-db', '-f', file], () => `defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen front
  bind 127.0.0.1:${port}${lines.bind ?? ''}
  server one ${lines.server}
`, port);
}

/** nginx that answers with the client address the PROXY header gave. */
function startNginxReceiver(t: TestContext, port: number): Promise<void> {
  return startServer(t, (file, folder) => ['nginx', '-e', join(folder, 'error.log'), '-c', file], (folder) => `daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http { access_log off; client_body_temp_path ${folder}; server { listen 127.0.0.1:${port} proxy_protocol; return 200 "$proxy_protocol_addr to $proxy_protocol_server_addr:$proxy_protocol_server_port"; } }
`, port);
}

/** The backend's view of a request that curl sends from CLIENT. */
async function fetchEcho(url: string, ...flags: readonly string[]): Promise<Record<string, string>> {
  const { stdout } = await run('curl', ['-sS', '--interface', CLIENT, ...flags, url]);
  return (JSON.parse(stdout) as { headers: Record<string, string> }).headers;
}

async function serveHttp(t: TestContext, trusted: string): Promise<number> {
  const backend = await backendFor(t, 'web');
  const config = settings({ 'use-proxy-protocol': 'true', 'proxy-real-ip-cidr': trusted });
  const objects = [config, ingress('web', '', [{ path: '/', service: 'web' }]), ...service('web', [backend])];
  return (await serve(t, objects, { args: ['--configmap', 'default/settings'] })).http;
}

for (const version of ['send-proxy', 'send-proxy-v2']) {
  test(`HAProxy ${version} in front: the backend is told the client's address`, { skip: lacks('haproxy') }, async (t) => {
    const [http, port] = [await serveHttp(t, '127.0.0.1/32'), await freePort()];
    await startHaproxy(t, port, { server: `127.0.0.1:${http} ${version}` });
    const headers = await fetchEcho(`http://127.0.0.1:${port}/`);
    assert.equal(headers['x-real-ip'], CLIENT);
    assert.equal(headers['x-forwarded-for'], CLIENT);
  });
}

test('nginx in front as a stream proxy: the backend is told the client\'s address', { skip: lacksWhen(!existsSync(STREAM_MODULE), 'nginx has no stream module (libnginx-mod-stream)') }, async (t) => {
  const [http, port] = [await serveHttp(t, '127.0.0.1/32'), await freePort()];
  await startServer(t, (file, folder) => ['nginx', '-e', join(folder, 'error.log'), '-c', file], (folder) => `load_module ${STREAM_MODULE};
daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
stream { server { listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${http}; proxy_protocol on; } }
`, port);
  const headers = await fetchEcho(`http://127.0.0.1:${port}/`);
  assert.equal(headers['x-real-ip'], CLIENT);
});

test('curl --haproxy-protocol is believed from a trusted address', { skip: lacks('curl') }, async (t) => {
  const http = await serveHttp(t, '127.0.0.0/8');
  const headers = await fetchEcho(`http://127.0.0.1:${http}/`, '--haproxy-protocol');
  assert.equal(headers['x-real-ip'], CLIENT);
});

test('a PROXY header from somebody who is not trusted is no request, and a trusted peer must send one', async (t) => {
  const http = await serveHttp(t, '127.1.0.0/16');
  const forged = await run('curl', ['-sS', '-o', '/dev/null', '-w', '%{http_code}', '--interface', CLIENT, '--haproxy-protocol', `http://127.0.0.1:${http}/`]);
  assert.equal(forged.stdout, '400');
  const plain = await fetchEcho(`http://127.0.0.1:${http}/`);
  assert.equal(plain['x-real-ip'], CLIENT);
  await assert.rejects(run('curl', ['-sS', '--interface', '127.1.0.1', `http://127.0.0.1:${http}/`]), 'curl has no answer');
});

for (const version of ['v1', 'v2'] as const) {
  test(`nginx behind a VIP reads the PROXY header ${version} it is sent`, { skip: lacks('nginx') }, async (t) => {
    const [backend, port] = [await freePort(), await freePort()];
    await startNginxReceiver(t, backend);
    await serve(t, [pool, ...loadBalancer('web', [{ port, backends: [at(backend)] }], { annotations: { 'gatehouse.dev/proxy-protocol': version } })]);
    const { stdout } = await run('curl', ['-sS', '--interface', CLIENT, `http://${VIP}:${port}/`]);
    assert.equal(stdout, `${CLIENT} to ${VIP}:${port}`);
  });

  test(`HAProxy behind a VIP reads the PROXY header ${version} it is sent`, { skip: lacks('haproxy') }, async (t) => {
    const [web, haproxy, port] = [await freePort(), await freePort(), await freePort()];
    await startNginxReceiver(t, web);
    // HAProxy passes on what it was told, so that the receiver behind it can say it.
    await startHaproxy(t, haproxy, { bind: ' accept-proxy', server: `127.0.0.1:${web} send-proxy` });
    const annotations = { 'gatehouse.dev/proxy-protocol': version };
    await serve(t, [pool, ...loadBalancer('web', [{ port, backends: [at(haproxy)] }], { annotations })]);
    const { stdout } = await run('curl', ['-sS', '--interface', CLIENT, `http://${VIP}:${port}/`]);
    assert.match(stdout, new RegExp(`^${CLIENT} to `));
  });
}

test('a VIP port takes a PROXY header and gives one: the client stays known across two proxies', { skip: lacks('haproxy') }, async (t) => {
  const [web, haproxy, port] = [await freePort(), await freePort(), await freePort()];
  await startNginxReceiver(t, web);
  const annotations = { 'gatehouse.dev/proxy-protocol': 'v2', 'gatehouse.dev/accept-proxy-protocol': '127.0.0.1/32' };
  await serve(t, [pool, ...loadBalancer('web', [{ port, backends: [at(web)] }], { annotations })]);
  await startHaproxy(t, haproxy, { server: `${VIP}:${port} send-proxy-v2` });
  const { stdout } = await run('curl', ['-sS', '--interface', CLIENT, `http://127.0.0.1:${haproxy}/`]);
  assert.match(stdout, new RegExp(`^${CLIENT} to `));
});

test('tcp-services with PROXY twice: taken from the front, given to the back', { skip: lacks('haproxy') }, async (t) => {
  const [web, haproxy, port] = [await freePort(), await freePort(), await freePort()];
  await startNginxReceiver(t, web);
  const services = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'tcp', namespace: 'default' }, data: { [String(port)]: 'default/web:80:PROXY:PROXY' } };
  const inside = { spec: { type: 'ClusterIP' } };
  await serve(t, [services, ...loadBalancer('web', [{ port: 80, backends: [at(web)] }], inside)], { args: ['--tcp-services-configmap', 'default/tcp'] });
  await startHaproxy(t, haproxy, { server: `127.0.0.1:${port} send-proxy` });
  const { stdout } = await run('curl', ['-sS', '--interface', CLIENT, `http://127.0.0.1:${haproxy}/`]);
  assert.match(stdout, new RegExp(`^${CLIENT} to `));
});
