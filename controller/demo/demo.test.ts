import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { access, readdir, readFile, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import { checkManifests } from '../cli/checkManifests.ts';
import { DEFAULT_TRANSLATION } from '../runtime/translationChoices.ts';
import { startDemoBackends } from './backends.ts';
import { makeDemoCertificates } from './demoCertificates.ts';
import { SHOP_FOLDER, TLS_HOSTS, writeDemoFolder } from './demoFolder.ts';
import { nextFreePort } from './freePort.ts';
import { printThingsToTry, thingsToTry } from './thingsToTry.ts';

const CERTIFICATES = makeDemoCertificates(TLS_HOSTS, Date.now());
const VAULT = CERTIFICATES.certificates['vault.shop.test'];

test('every Service of the example has a backend, and each one answers', async () => {
  const backends = await startDemoBackends(VAULT);
  try {
    const files = (await readdir(SHOP_FOLDER)).filter((file) => file.endsWith('.yaml'));
    const texts = await Promise.all(files.map((file) => readFile(join(SHOP_FOLDER, file), 'utf8')));
    const documents = texts.flatMap((text) => text.split('\n---\n')).filter((text) => text.includes('kind: Service'));
    const named = documents.map((text) => /name: (.*)/.exec(text.slice(text.indexOf('kind: Service')))?.[1]);
    assert.deepEqual(new Set(backends.services.map(({ service }) => service)), new Set(named));
    const http = backends.services.filter(({ portName }) => portName === 'http');
    for (const port of http.flatMap(({ ports }) => ports)) {
      const response = await fetch(`http://127.0.0.1:${port}/some/path`);
      assert.equal(response.status, 200);
      assert.ok((await response.text()).endsWith('\n'));
    }
  } finally {
    await backends.stop();
  }
});

test('the chat sends back what it is sent, and stopping ends its connections', async () => {
  const backends = await startDemoBackends(VAULT);
  const port = backends.services.find(({ service }) => service === 'chat')?.ports[0];
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(socket, 'open');
  socket.send('hello');
  const [data] = await once(socket, 'message') as [Buffer];
  assert.equal(data.toString(), 'hello');
  const closed = once(socket, 'close');
  await backends.stop();
  await closed;
});

test('the echo servers send back what they are sent', async () => {
  const backends = await startDemoBackends(VAULT);
  try {
    const portOf = (service: string): number => backends.services.find((one) => one.service === service)?.ports[0] ?? assert.fail(service);
    const run = promisify(execFile);
    const knock = join(SHOP_FOLDER, 'knock.mjs');
    for (const [protocol, service] of [['tcp', 'orders'], ['udp', 'telemetry']] as const) {
      const { stdout } = await run(process.execPath, [knock, protocol, `127.0.0.1:${portOf(service)}`, 'hello']);
      assert.equal(stdout, 'hello\n');
    }
    const vault = connectTls({ host: '127.0.0.1', port: portOf('vault'), servername: 'vault.shop.test', ca: CERTIFICATES.authorityPem });
    vault.write('GET / HTTP/1.1\r\nHost: vault.shop.test\r\n\r\n');
    assert.match(await text(vault), /Only you and the vault/);
  } finally {
    await backends.stop();
  }
});

test('the folder is a copy of the example that translates without a single problem, and goes without a trace', async () => {
  const http = ['front', 'cart', 'api-v1', 'api-v2', 'chat', 'checkout'].map((service) => [service, 'http', 'TCP'] as const);
  const others = [['orders', 'orders', 'TCP'], ['telemetry', 'telemetry', 'UDP'], ['quotes', 'grpc', 'TCP'], ['vault', 'https', 'TCP']] as const;
  const services = [...http, ...others].map(([service, portName, protocol], index) => ({ service, portName, protocol, ports: [4000 + index] }));
  const folder = await writeDemoFolder({ services, certificates: CERTIFICATES, poolOctet: 3 });
  try {
    assert.equal((await stat(folder.path)).mode & 0o777, 0o700);
    assert.equal((await stat(join(folder.manifests, 'certificates.yaml'))).mode & 0o777, 0o600);
    const report = await checkManifests([folder.manifests], DEFAULT_TRANSLATION, { nowMs: Date.now(), nodeName: 'demo', localAddresses: [] });
    assert.deepEqual(report.problems, []);
    assert.equal(report.ingresses, 8);
    assert.match(await readFile(join(folder.manifests, 'pool.yaml'), 'utf8'), /- 127\.77\.3\.1-127\.77\.3\.99$/m);
  } finally {
    await folder.remove();
  }
  await assert.rejects(access(folder.path));
  await folder.remove();
});

test('the certificate is for its name and verifies against its authority', () => {
  const authority = new X509Certificate(CERTIFICATES.authorityPem);
  const leaf = new X509Certificate(CERTIFICATES.certificates['checkout.shop.test'].certificatePem);
  assert.ok(leaf.verify(authority.publicKey));
  assert.ok(leaf.checkIssued(authority));
  assert.equal(leaf.checkHost('checkout.shop.test'), 'checkout.shop.test');
  assert.equal(leaf.ca, false);
});

test('a port that somebody listens on is passed over, and so is one already chosen', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const next = await nextFreePort({ address: '127.0.0.1', port }, []);
    assert.ok(next.port > port);
    assert.ok((await nextFreePort({ address: '127.0.0.1', port }, [next.port])).port > next.port);
  } finally {
    server.close();
  }
});

test('paths with blanks and quotes are one word of the commands', () => {
  const at = (port: number) => ({ address: '127.0.0.1', port });
  const addresses = { http: at(1), https: at(2), admin: at(3) };
  const folder = { path: "/t/it's here", manifests: "/t/it's here/manifests", authorityFile: "/t/it's here/authority.pem", remove: () => Promise.resolve() };
  const things = thingsToTry(addresses, folder, 0);
  const tls = things.find(({ command }) => command.includes('--cacert') && command.includes('checkout'));
  assert.match(tls?.command ?? '', /--cacert '\/t\/it'\\''s here\/authority\.pem' --resolve checkout\.shop\.test:2:127\.0\.0\.1/);
  const printed = printThingsToTry(things, addresses).split('\n');
  assert.deepEqual(printed.filter((line) => /^ {2}[^#]/.test(line)).map((line) => line.slice(2)), things.map(({ command }) => command));
});
