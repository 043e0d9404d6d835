import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, Agent, type RequestOptions } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { test, type TestContext } from 'node:test';
import { Registry } from 'prom-client';
import { silentLogger } from '../../core/log/logger.ts';
import { createManualClock } from '../../core/time/manualClock.ts';
import { makeAuthority, makeLeaf, type Issued } from '../../test/support/certificates.ts';
import type { ListenAddress } from '../runtime/listenAddress.ts';
import { createPairHolder, type PairHolder } from './certificates/servingPair.ts';
import { reviewObject } from './review.ts';
import { ALLOWED, type Review } from './reviewInput.ts';
import { clusterOf, raw, rawIngress, type Raw } from './testing/cluster.ts';
import { createWebhookMetrics } from './webhookMetrics.ts';
import { createWebhookServer, type WebhookServerOptions } from './webhookServer.ts';

const NAME = 'gatehouse-webhook.gatehouse.svc';

interface Started {
  readonly address: ListenAddress;
  readonly authority: Issued;
  readonly pairs: PairHolder;
  readonly registry: Registry;
  /** Sends one request; resolves to status and body. */
  readonly send: (body: string | Buffer, options?: RequestOptions) => Promise<{ readonly status: number; readonly text: string }>;
  readonly tls: (options?: ConnectionOptions) => Promise<TLSSocket>;
}

function pairOf({ certificatePem, privateKeyPem }: Issued): { certificatePem: string; keyPem: string } {
  return { certificatePem, keyPem: privateKeyPem };
}

async function start(t: TestContext, options: Partial<WebhookServerOptions> = {}): Promise<Started> {
  const authority = makeAuthority();
  const pairs = createPairHolder();
  pairs.set(pairOf(makeLeaf(authority, NAME)));
  const registry = new Registry();
  const context = clusterOf([rawIngress('shop/first', ['shop.example /'])]);
  const server = createWebhookServer({
    listen: { address: '127.0.0.1', port: 0 },
    certificates: pairs,
    clientAuthorities: null,
    review: (asked) => reviewObject(asked, context),
    metrics: createWebhookMetrics(registry),
    logger: silentLogger,
    ...options,
  });
  const address = await server.start();
  t.after(() => server.stop());
  const trust = { host: address.address, port: address.port, servername: NAME, ca: authority.certificatePem };
  return {
    address,
    authority,
    pairs,
    registry,
    tls: async (more = {}) => {
      const socket = connect({ ...trust, ...more });
      socket.on('error', () => {});
      t.after(() => socket.destroy());
      await once(socket, 'secureConnect');
      return socket;
    },
    send: (body, more = {}) =>
      new Promise((resolve, reject) => {
        const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...(more.headers as object) };
        const outgoing = request({ method: 'POST', path: '/validate', agent: false, ...trust, ...more, headers }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part: string) => (text += part));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        });
        outgoing.on('error', reject);
        outgoing.end(body);
      }),
  };
}

function admission(object: Raw, more: Readonly<Record<string, unknown>> = {}): string {
  const kind = String(object['kind']);
  const [group = ''] = String(object['apiVersion']).includes('/') ? String(object['apiVersion']).split('/') : [''];
  const review = { uid: 'u-1', operation: 'CREATE', kind: { group, version: 'v1', kind }, object, ...more };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: review });
}

const GOOD = rawIngress('shop/web', ['web.example /']);

async function metric(registry: Registry, line: string): Promise<boolean> {
  return (await registry.metrics()).split('\n').includes(line);
}

test('A good object is allowed, a bad one denied with 400 BadRequest and a message that names object, field and rule', async (t) => {
  const { send, registry } = await start(t);
  const good = await send(admission(GOOD));
  assert.deepEqual(JSON.parse(good.text), { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: 'u-1', allowed: true } });
  const bad = await send(admission(rawIngress('shop/second', ['shop.example /'])));
  assert.equal(bad.status, 200);
  const { response } = JSON.parse(bad.text);
  assert.equal(response.allowed, false);
  assert.deepEqual([response.status.code, response.status.reason], [400, 'BadRequest']);
  assert.equal(
    response.status.message,
    'spec.rules[0].http.paths[0]: host, path and type must not be those of an older Ingress; Ingress shop/first has them (got "shop.example prefix /"); Ingress shop/first is served there',
  );
  assert.ok(await metric(registry, 'gatehouse_webhook_requests_total{kind="Ingress",outcome="denied"} 1'));
});

test('Warnings are short, few and printable', async (t) => {
  const { send } = await start(t);
  const names = Array.from({ length: 50 }, (_, index) => [`gatehouse.dev/unknown-${'x'.repeat(30)}-${index}`, 'v']);
  const { text } = await send(admission(rawIngress('shop/web', ['web.example /'], { annotations: Object.fromEntries(names) })));
  const { warnings, allowed } = JSON.parse(text).response;
  assert.equal(allowed, true);
  assert.ok(warnings.length <= 21, String(warnings.length));
  for (const warning of warnings) assert.ok(warning.length <= 120 && !/\p{C}/u.test(warning), warning);
  assert.match(warnings.at(-1), /and \d+ more/);
});

test('What is no AdmissionReview of v1 is 400, and nothing of it comes back', async (t) => {
  const { send, registry } = await start(t);
  const bodies = [
    '', 'secret-text', '{', '[]', 'null', '3', '{}',
    '{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{}}',
    '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}',
    '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":[]}',
    admission(GOOD, { uid: '' }), admission(GOOD, { uid: 7 }), admission(GOOD, { operation: 'PATCH' }), admission(GOOD, { kind: 'Ingress' }),
    admission(GOOD, { uid: 'x'.repeat(1000) }),
  ];
  for (const body of bodies) {
    const { status, text } = await send(body);
    assert.equal(status, 400, body.slice(0, 80));
    assert.ok(!text.includes('secret-text'));
  }
  assert.ok(await metric(registry, `gatehouse_webhook_requests_total{kind="other",outcome="refused"} ${bodies.length}`));
});

test('Deep nesting is refused before anything walks it, as lists, as maps, and inside an object', async (t) => {
  const { send } = await start(t);
  const deep = 100_000;
  for (const body of ['['.repeat(deep), '{"a":'.repeat(deep), admission({ ...GOOD, spec: JSON.parse('['.repeat(200) + ']'.repeat(200)) as unknown })]) {
    assert.equal((await send(body)).status, 400);
  }
  const text = admission(raw('Ingress', 'shop/web', { note: '[{'.repeat(500) }));
  assert.equal((await send(text)).status, 200, 'brackets in a text nest nothing');
});

test('Keys that name parts of prototypes are keys like any other', async (t) => {
  const { send } = await start(t);
  const hostile = admission(GOOD).replace('"metadata":{', '"__proto__":{"allowed":true},"constructor":{"prototype":{}},"metadata":{"__proto__":{"name":"x"},');
  const { status, text } = await send(hostile);
  assert.equal(status, 200);
  assert.equal(JSON.parse(text).response.allowed, true);
  assert.equal(({} as Record<string, unknown>)['allowed'], undefined);
  const request = '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","__proto__":{"request":{"uid":"u"}}}';
  assert.equal((await send(request)).status, 400);
});

test('A body larger than two objects can be is 413 before it is read; one whose length is not announced is 411', async (t) => {
  const { send, tls } = await start(t);
  assert.equal((await send(Buffer.alloc(7 * 1024 * 1024 + 1, 0x20))).status, 413);
  assert.equal((await send(Buffer.alloc(7 * 1024 * 1024, 0x20))).status, 400, 'the bound itself is taken');
  const socket = await tls();
  socket.write('POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999999999999\r\n\r\n');
  const [early] = (await once(socket, 'data')) as [Buffer];
  assert.match(early.toString(), /^HTTP\/1\.1 413 /);
  const chunked = await tls();
  chunked.write('POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n');
  const [answer] = (await once(chunked, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 411 /);
});

test('Bodies that are announced and not sent do not take the memory of others for ever', async (t) => {
  const { send, tls } = await start(t);
  const head = `POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${7 * 1024 * 1024}\r\n\r\n{`;
  const sockets = await Promise.all(Array.from({ length: 10 }, () => tls()));
  for (const socket of sockets) socket.write(head);
  const full = async (wanted: number): Promise<void> => {
    for (;;) if ((await send(Buffer.alloc(6.9 * 1024 * 1024, 0x20))).status === wanted) return;
  };
  await full(503);
  assert.equal((await send(admission(GOOD))).status, 200, 'small ones still have room');
  for (const socket of sockets) socket.destroy();
  await full(400);
});

test('Nothing else is served: other paths, methods and content types', async (t) => {
  const { send } = await start(t);
  for (const path of ['/', '/metrics', '/healthz', '/networking/v1/ingresses', '/validate/', '/validate/x', '//validate', '/../validate']) {
    assert.equal((await send(admission(GOOD), { path })).status, 404, path);
  }
  for (const method of ['PUT', 'PATCH', 'DELETE']) assert.equal((await send(admission(GOOD), { method })).status, 404, method);
  for (const type of ['text/plain', 'application/yaml', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    assert.equal((await send(admission(GOOD), { headers: { 'content-type': type } })).status, 415, type);
  }
  assert.equal((await send(admission(GOOD), { path: '/validate?timeout=10s' })).status, 200, 'API servers append their timeout');
});

test('A body that comes slowly is given up on', async (t) => {
  const { tls } = await start(t, { requestTimeoutMs: 500 });
  const socket = await tls();
  const body = admission(GOOD);
  socket.write(`POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`);
  const drip = setInterval(() => socket.write(' '), 200);
  t.after(() => clearInterval(drip));
  let text = '';
  socket.on('data', (part: Buffer) => (text += part.toString()));
  await once(socket, 'close');
  assert.match(text, /^HTTP\/1\.1 408 /);
});

test('Plain HTTP and strangers\' octets get no answer', async (t) => {
  const { address } = await start(t);
  const socket = connectTcp(address.port, address.address);
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  socket.write('POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}');
  const received: Buffer[] = [];
  socket.on('data', (part: Buffer) => received.push(part));
  await once(socket, 'close');
  assert.ok(!Buffer.concat(received).toString().includes('HTTP/'));
});

test('Connections beyond the limit are dropped, those before go on', async (t) => {
  const { tls, address } = await start(t);
  const sockets = await Promise.all(Array.from({ length: 128 }, () => tls()));
  const extra: Socket = connectTcp(address.port, address.address);
  t.after(() => extra.destroy());
  extra.on('error', () => {}).resume();
  await once(extra, 'close');
  const [first] = sockets;
  first?.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const [answer] = (await once(first as TLSSocket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 404 /);
});

test('A new certificate is for new connections; a connection that is open goes on, even within a request', async (t) => {
  const { tls, pairs, authority } = await start(t);
  const body = admission(GOOD);
  const socket = await tls();
  const before = socket.getPeerCertificate().serialNumber;
  socket.write(`POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 20)}`);
  pairs.set(pairOf(makeLeaf(authority, NAME)));
  const later = await tls();
  assert.notEqual(later.getPeerCertificate().serialNumber, before);
  socket.write(body.slice(20));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 200 /);
});

test('A pair that cannot be used leaves the one before', async (t) => {
  const { send, pairs } = await start(t);
  pairs.set({ certificatePem: 'nonsense', keyPem: 'nonsense' });
  assert.equal((await send(admission(GOOD))).status, 200);
});

test('Until there is a certificate handshakes fail; with the first one they succeed', async (t) => {
  const pairs = createPairHolder();
  const { tls, send, authority } = await start(t, { certificates: pairs });
  await assert.rejects(tls());
  pairs.set(pairOf(makeLeaf(authority, NAME)));
  assert.equal((await send(admission(GOOD))).status, 200);
});

test('With client authorities only callers of theirs are heard, also after the certificate has changed', async (t) => {
  const clients = makeAuthority('Client Root');
  const { send, pairs, authority } = await start(t, { clientAuthorities: clients.certificatePem });
  const own = makeLeaf(clients, 'kube-apiserver', { usage: 'client' });
  const strange = makeLeaf(makeAuthority('Other Root'), 'kube-apiserver', { usage: 'client' });
  for (let round = 0; round < 2; round += 1) {
    await assert.rejects(send(admission(GOOD)));
    await assert.rejects(send(admission(GOOD), { cert: strange.certificatePem, key: strange.privateKeyPem }));
    assert.equal((await send(admission(GOOD), { cert: own.certificatePem, key: own.privateKeyPem })).status, 200);
    pairs.set(pairOf(makeLeaf(authority, NAME)));
  }
});

test('A review that would come too late, or fails, or is too early, lets the change pass and says so', async (t) => {
  const clock = createManualClock();
  let review: () => Review | null = () => ALLOWED;
  const { tls, send, registry } = await start(t, { clock, review: () => review() });
  const body = admission(GOOD);
  const socket = await tls();
  socket.write(`POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`);
  // A request on another connection is answered only after the head of the first one has been read.
  await send(body);
  clock.advance(2_001);
  socket.write(body);
  const [late] = (await once(socket, 'data')) as [Buffer];
  assert.match(late.toString(), /"allowed":true,"warnings":\["gatehouse has not judged this object: the answer would have come too late"\]/);
  review = () => {
    throw new Error('broken');
  };
  assert.match((await send(body)).text, /"allowed":true.*internal error/);
  review = () => null;
  assert.match((await send(body)).text, /"allowed":true.*still starting/);
  for (const [outcome, count] of [['unjudged', 2], ['failed', 1]] as const) {
    assert.ok(await metric(registry, `gatehouse_webhook_requests_total{kind="Ingress",outcome="${outcome}"} ${count}`), await registry.metrics());
  }
});

test('Connections are kept for further requests', async (t) => {
  const { send } = await start(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (let count = 0; count < 3; count += 1) assert.equal((await send(admission(GOOD), { agent })).status, 200);
  assert.equal(Object.values(agent.freeSockets).flat().length, 1);
});
