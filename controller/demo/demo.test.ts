import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { access, readdir, readFile, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { checkManifests } from '../cli/checkManifests.ts';
import { DEFAULT_TRANSLATION } from '../runtime/translationChoices.ts';
import { startDemoBackends } from './backends.ts';
import { makeDemoCertificate } from './demoCertificates.ts';
import { SHOP_FOLDER, writeDemoFolder } from './demoFolder.ts';
import { nextFreePort } from './freePort.ts';
import { printThingsToTry, thingsToTry } from './thingsToTry.ts';

test('every Service of the example has a backend, and each one answers', async () => {
  const backends = await startDemoBackends();
  try {
    const files = (await readdir(SHOP_FOLDER)).filter((file) => file.endsWith('.yaml'));
    const texts = await Promise.all(files.map((file) => readFile(join(SHOP_FOLDER, file), 'utf8')));
    const documents = texts.flatMap((text) => text.split('\n---\n')).filter((text) => text.includes('kind: Service'));
    const named = documents.map((text) => /name: (.*)/.exec(text)?.[1]);
    assert.deepEqual(new Set(backends.services.map(({ service }) => service)), new Set(named));
    for (const port of backends.services.flatMap(({ ports }) => ports)) {
      const response = await fetch(`http://127.0.0.1:${port}/some/path`);
      assert.equal(response.status, 200);
      assert.ok((await response.text()).endsWith('\n'));
    }
  } finally {
    await backends.stop();
  }
});

test('the chat sends back what it is sent, and stopping ends its connections', async () => {
  const backends = await startDemoBackends();
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

test('the folder is a copy of the example that translates without a single problem, and goes without a trace', async () => {
  const services = ['front', 'cart', 'api-v1', 'api-v2', 'chat', 'checkout'].map((service, index) => ({ service, ports: [4000 + index] }));
  const folder = await writeDemoFolder(services, Date.now());
  try {
    assert.equal((await stat(folder.path)).mode & 0o777, 0o700);
    assert.equal((await stat(join(folder.manifests, 'certificate.yaml'))).mode & 0o777, 0o600);
    const report = await checkManifests([folder.manifests], DEFAULT_TRANSLATION, Date.now());
    assert.deepEqual(report.problems, []);
    assert.equal(report.ingresses, 6);
  } finally {
    await folder.remove();
  }
  await assert.rejects(access(folder.path));
  await folder.remove();
});

test('the certificate is for its name and verifies against its authority', () => {
  const made = makeDemoCertificate('checkout.shop.test', Date.now());
  const authority = new X509Certificate(made.authorityPem);
  const leaf = new X509Certificate(made.certificatePem);
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
  const things = thingsToTry(addresses, folder);
  const tls = things.find(({ command }) => command.includes('--cacert'));
  assert.match(tls?.command ?? '', /--cacert '\/t\/it'\\''s here\/authority\.pem' --resolve checkout\.shop\.test:2:127\.0\.0\.1/);
  const printed = printThingsToTry(things, addresses).split('\n');
  assert.deepEqual(printed.filter((line) => /^ {2}[^#]/.test(line)).map((line) => line.slice(2)), things.map(({ command }) => command));
});
