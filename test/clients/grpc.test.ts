import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Metadata, ServerCredentials, status } from '@grpc/grpc-js';
import { makeAuthority, makeLeaf } from '../support/certificates.ts';
import { echoClient, startEchoServer, type EchoClient, type EchoServer } from '../support/grpc.ts';
import { ingress, nginx, service, tlsSecret } from '../support/manifests.ts';
import { serve } from '../support/serve.ts';

const HOST = 'grpc.test';
const authority = makeAuthority();
const leaf = makeLeaf(authority, HOST);

interface Setup {
  readonly client: EchoClient;
  readonly server: EchoServer;
}

/** A grpc-js client over TLS, Gatehouse, and a grpc-js server: in clear text, or over TLS. */
async function connectThrough(t: TestContext, backend: 'GRPC' | 'GRPCS' = 'GRPC'): Promise<Setup> {
  const pair = { private_key: Buffer.from(leaf.privateKeyPem), cert_chain: Buffer.from(leaf.chainPem) };
  const server = await startEchoServer(t, backend === 'GRPC' ? ServerCredentials.createInsecure() : ServerCredentials.createSsl(null, [pair]));
  const gatehouse = await serve(t, [
    tlsSecret('grpc', { certificate: leaf.chainPem, key: leaf.privateKeyPem }),
    ingress('grpc', HOST, [{ path: '/', service: 'grpc' }], {
      annotations: nginx({ 'backend-protocol': backend, 'proxy-body-size': '0' }),
      spec: { tls: [{ hosts: [HOST], secretName: 'grpc' }] },
    }),
    ...service('grpc', [{ address: '127.0.0.1', port: server.port }]),
  ]);
  return { client: echoClient(t, gatehouse.https, { host: HOST, authorityPem: authority.certificatePem }), server };
}

for (const backend of ['GRPC', 'GRPCS'] as const) {
  test(`${backend}: unary calls carry messages, metadata, trailers and statuses`, async (t) => {
    const { client, server } = await connectThrough(t, backend);
    const metadata = new Metadata();
    metadata.set('customer', 'seven');
    metadata.set('blob-bin', Buffer.from([0, 255, 10, 13]));
    const { answer, trailers } = await client.unary(Buffer.from('hello'), { metadata });
    assert.equal(answer.toString(), 'hello');
    assert.deepEqual(trailers.get('echo-bytes'), ['5']);
    assert.deepEqual(server.metadata[0]?.get('customer'), ['seven']);
    assert.deepEqual(server.metadata[0]?.get('blob-bin'), [Buffer.from([0, 255, 10, 13])]);
    const wanted = new Metadata();
    wanted.set('want-status', String(status.ALREADY_EXISTS));
    await assert.rejects(client.unary(Buffer.from('x'), { metadata: wanted }), { code: status.ALREADY_EXISTS, details: 'as you wish' });
  });

  test(`${backend}: streams of the client, of the server and of both`, async (t) => {
    const { client } = await connectThrough(t, backend);
    const pieces = Array.from({ length: 200 }, (_, index) => Buffer.alloc(1000, index % 250));
    assert.deepEqual(await client.gather(pieces), Buffer.concat(pieces));
    assert.deepEqual(await client.spread(500), Array.from({ length: 500 }, (_, index) => String(index)));
    const chat = client.chat();
    for (let turn = 0; turn < 50; turn += 1) assert.equal(await chat.say(`turn ${turn}`), `turn ${turn}`);
    chat.end();
    await chat.ended;
  });
}

test('a deadline reaches the server, and ends a call that is not answered', async (t) => {
  const { client, server } = await connectThrough(t);
  await client.unary(Buffer.from('x'), { deadlineMs: 30_000 });
  const left = (server.deadlines[0] ?? 0) - Date.now();
  assert.ok(left > 0 && left <= 30_000, String(left));
  const { failed } = client.never(300);
  assert.equal((await failed).code, status.DEADLINE_EXCEEDED);
});

test('a call that is cancelled is cancelled at the server', async (t) => {
  const { client, server } = await connectThrough(t);
  await client.unary(Buffer.from('warm'));
  const call = client.never(null);
  await client.unary(Buffer.from('the call before has arrived'));
  call.cancel();
  assert.equal((await call.failed).code, status.CANCELLED);
  while (server.cancelled() === 0) await client.unary(Buffer.from('not yet'));
  assert.equal(server.cancelled(), 1);
});

test('large metadata and large messages pass unchanged', async (t) => {
  const { client, server } = await connectThrough(t);
  const metadata = new Metadata();
  for (let index = 0; index < 8; index += 1) metadata.set(`large-${index}`, String(index).repeat(1000));
  const message = Buffer.alloc(3 * 1024 * 1024, 'message ');
  const { answer } = await client.unary(message, { metadata });
  assert.ok(answer.equals(message));
  assert.deepEqual(server.metadata[0]?.get('large-7'), ['7'.repeat(1000)]);
});

test('10,000 streams are opened on one connection, 100 at a time, and every one is answered', async (t) => {
  const { client } = await connectThrough(t);
  const lanes = Array.from({ length: 100 }, async (_, lane) => {
    for (let turn = 0; turn < 100; turn += 1) {
      const text = `${lane}/${turn}`;
      assert.equal((await client.unary(Buffer.from(text))).answer.toString(), text);
    }
  });
  await Promise.all(lanes);
});

test('a call to nobody ends with UNAVAILABLE, not with a page', async (t) => {
  const gatehouse = await serve(t, [
    tlsSecret('grpc', { certificate: leaf.chainPem, key: leaf.privateKeyPem }),
    ingress('grpc', HOST, [{ path: '/', service: 'grpc' }], {
      annotations: nginx({ 'backend-protocol': 'GRPC' }),
      spec: { tls: [{ hosts: [HOST], secretName: 'grpc' }] },
    }),
    ...service('grpc', []),
  ]);
  const client = echoClient(t, gatehouse.https, { host: HOST, authorityPem: authority.certificatePem });
  await assert.rejects(client.unary(Buffer.from('anybody?')), { code: status.UNAVAILABLE });
});
