import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer, type Http2Session } from 'node:http2';
import { generateKeyPairSync } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import { after, test, type TestContext } from 'node:test';
import { createServer, TLSSocket, type TlsOptions } from 'node:tls';
import forge from 'node-forge';
import { issueCertificate } from '../../controller/certificates/issueCertificate.ts';
import type { Certificate, CertificateKey } from '../../core/ir/certificate.ts';
import type { Transport, UpstreamTls } from '../../core/ir/transport.ts';
import { certificateFrom, makeAuthority, makeIntermediate, makeLeaf, type Issued } from '../../test/support/certificates.ts';
import { assertNothingOpen } from '../testing/nothingOpen.ts';
import { H1Upstream } from './h1/h1Upstream.ts';
import { H2Upstream } from './h2/h2Upstream.ts';
import { AskedRequest, headOf, targetOf, tlsTransport, upstreamOptions } from './testing/askUpstream.ts';
import type { Upstream } from './upstream.ts';
import { UpstreamTlsIdentities } from './upstreamTls.ts';

after(assertNothingOpen);

const root = makeAuthority();
const leaf = makeLeaf(root, 'backend.test');

interface TlsBackend {
  readonly port: number;
  /** Requests that arrived, as `SNI client-CN resumed`. */
  readonly seen: string[];
  connections: number;
}

/** A TLS backend that answers HTTP/1.1 and HTTP/2 by ALPN. */
async function startBackend(t: TestContext, issued: Issued, own: TlsOptions = {}): Promise<TlsBackend> {
  const sockets = new Set<Socket>();
  const sessions = new Set<Http2Session>();
  const server = createSecureServer({ cert: issued.chainPem, key: issued.privateKeyPem, allowHTTP1: true, ...own });
  const backend: TlsBackend = { port: 0, seen: [], connections: 0 };
  server.on('connection', (socket: Socket) => {
    backend.connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.on('session', (session) => sessions.add(session.on('error', () => {})));
  server.on('tlsClientError', () => {});
  server.on('request', (request, response) => {
    const socket = request.socket as TLSSocket;
    const client = socket.getPeerX509Certificate?.()?.subject ?? '-';
    backend.seen.push(`${String(socket.servername)} ${client} ${socket.isSessionReused()}`);
    response.end('ok');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    for (const session of sessions) session.destroy();
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return Object.assign(backend, { port: (server.address() as AddressInfo).port });
}

type Protocol = Transport['protocol'];

function upstreamFor(t: TestContext, protocol: Protocol, certificates: Map<string, Certificate> = new Map()): Upstream {
  const tls = new UpstreamTlsIdentities({ certificate: (key) => certificates.get(key) });
  const upstream = protocol === 'http1' ? new H1Upstream(upstreamOptions({ tls })) : new H2Upstream(upstreamOptions({ tls }));
  t.after(() => upstream.close());
  return upstream;
}

async function ask(upstream: Upstream, port: number, transport: Transport, reuse = true): Promise<number | string> {
  const over = await new AskedRequest(upstream, targetOf(port, transport, { reuse }), headOf()).over();
  if (typeof over === 'number') return over;
  assert.equal(over.sent, false, over.detail);
  return `${over.code}: ${over.detail}`;
}

const verified = { authoritiesPem: root.certificatePem, serverName: 'backend.test' };

for (const protocol of ['http1', 'http2'] as const) {
  const oneRequest = async (t: TestContext, issued: Issued, tls: Partial<UpstreamTls>, own: TlsOptions = {}): Promise<{ result: number | string; backend: TlsBackend }> => {
    const backend = await startBackend(t, issued, own);
    const result = await ask(upstreamFor(t, protocol), backend.port, tlsTransport(protocol, tls));
    return { result, backend };
  };

  test(`${protocol}: a verified backend gets the request, with the server name it is told`, async (t) => {
    const { result, backend } = await oneRequest(t, leaf, verified);
    assert.equal(result, 200);
    assert.deepEqual(backend.seen, ['backend.test - false']);
  });

  test(`${protocol}: without authorities any certificate will do, and without a server name none is sent`, async (t) => {
    const { result, backend } = await oneRequest(t, makeLeaf(null, 'other.test'), {});
    assert.equal(result, 200);
    assert.deepEqual(backend.seen, ['false - false']);
  });

  const refusals: readonly (readonly [string, () => Issued, Partial<UpstreamTls>, RegExp])[] = [
    ['of an unknown authority', () => makeLeaf(makeAuthority('Other Root'), 'backend.test'), {}, /UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER/],
    ['signed by itself', () => makeLeaf(null, 'backend.test'), {}, /DEPTH_ZERO_SELF_SIGNED_CERT/],
    ['for another name', () => makeLeaf(root, 'other.test'), {}, /does not name backend\.test/],
    ['with the name as common name only', () => makeLeaf(root, 'backend.test', { dnsNames: [] }), {}, /does not name backend\.test/],
    ['with a wildcard two labels up', () => makeLeaf(root, '*.test'), { verifyName: 'a.backend.test' }, /does not name/],
    ['for a name that begins with a dot', () => leaf, { verifyName: '.test' }, /does not name \.test/],
    ['for an address it only names as a host', () => makeLeaf(root, '127.0.0.1'), { verifyName: '127.0.0.1' }, /does not name 127\.0\.0\.1/],
    ['expired', () => makeLeaf(root, 'backend.test', { notBeforeMs: Date.now() - 2e9, notAfterMs: Date.now() - 1e9 }), {}, /CERT_HAS_EXPIRED/],
    ['not valid yet', () => makeLeaf(root, 'backend.test', { notBeforeMs: Date.now() + 1e9, notAfterMs: Date.now() + 2e9 }), {}, /CERT_NOT_YET_VALID/],
    ['with more intermediates than allowed', () => makeLeaf(makeIntermediate(makeIntermediate(root), 'Second'), 'backend.test'), { verifyDepth: 1 }, /more than 1 intermediate/],
  ];
  for (const [name, make, tls, expected] of refusals) {
    test(`${protocol}: a certificate ${name} is refused before any octet of a request`, async (t) => {
      const { result, backend } = await oneRequest(t, make(), { ...verified, ...tls });
      assert.match(String(result), /^tlsFailed: /);
      assert.match(String(result), expected);
      assert.deepEqual(backend.seen, []);
    });
  }

  test(`${protocol}: as many intermediates as allowed are taken`, async (t) => {
    const issued = makeLeaf(makeIntermediate(makeIntermediate(root), 'Second'), 'backend.test');
    assert.equal((await oneRequest(t, issued, { ...verified, verifyDepth: 2 })).result, 200);
  });

  test(`${protocol}: an address is looked for among the certificate's addresses`, async (t) => {
    assert.equal((await oneRequest(t, ipLeaf(), { ...verified, authoritiesPem: ipLeaf().certificatePem, verifyName: '127.0.0.1' })).result, 200);
  });

  test(`${protocol}: versions that do not meet, and settings that OpenSSL does not take, are TLS failures`, async (t) => {
    const old = await oneRequest(t, leaf, { ...verified, minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' });
    assert.match(String(old.result), /^tlsFailed: .* while shaking hands$/);
    const { result } = await oneRequest(t, leaf, { ...verified, authoritiesPem: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' });
    assert.match(String(result), /^tlsFailed: these TLS settings cannot be used/);
  });

  test(`${protocol}: ciphers bind TLS 1.2 and leave TLS 1.3 as it is`, async (t) => {
    const ciphers = 'ECDHE-ECDSA-AES256-GCM-SHA384';
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      assert.equal((await oneRequest(t, leaf, { ...verified, ciphers, maxVersion })).result, 200);
    }
    const { result } = await oneRequest(t, leaf, { ...verified, ciphers, maxVersion: 'TLSv1.2' }, { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' });
    assert.match(String(result), /^tlsFailed/);
  });

  test(`${protocol}: the client certificate is shown, and a changed one gets connections of its own`, async (t) => {
    const key = 'shop/client' as CertificateKey;
    const certificates = new Map<string, Certificate>();
    const backend = await startBackend(t, leaf, { requestCert: true, rejectUnauthorized: true, ca: root.certificatePem, maxVersion: 'TLSv1.2' });
    const upstream = upstreamFor(t, protocol, certificates);
    const transport = tlsTransport(protocol, { ...verified, clientCertificate: key });
    assert.match(String(await ask(upstream, backend.port, transport)), /^tlsFailed: no client certificate shop\/client/);
    for (const name of ['one', 'two']) {
      certificates.set(key, certificateFrom(clientLeaf(name), key));
      assert.equal(await ask(upstream, backend.port, transport), 200);
      assert.equal(await ask(upstream, backend.port, transport), 200);
    }
    assert.deepEqual(backend.seen, ['backend.test CN=one false', 'backend.test CN=one false', 'backend.test CN=two false', 'backend.test CN=two false']);
    assert.equal(backend.connections, 2);
    assert.match(String(await ask(upstream, backend.port, tlsTransport(protocol, verified))), /^tlsFailed/);
  });

  test(`${protocol}: connections and sessions are never shared between identities`, async (t) => {
    const backend = await startBackend(t, leaf);
    const upstream = upstreamFor(t, protocol);
    const open = tlsTransport(protocol, { serverName: 'backend.test' });
    assert.equal(await ask(upstream, backend.port, open), 200);
    assert.equal(await ask(upstream, backend.port, open), 200);
    assert.match(String(await ask(upstream, backend.port, tlsTransport(protocol, { ...verified, verifyName: 'x.test' }))), /^tlsFailed/);
    assert.equal(await ask(upstream, backend.port, tlsTransport(protocol, verified)), 200);
    assert.equal(backend.connections, 3);
    assert.deepEqual(backend.seen, ['backend.test - false', 'backend.test - false', 'backend.test - false']);
  });

  test(`${protocol}: a later connection of the same identity resumes the session`, async (t) => {
    const backend = await startBackend(t, leaf, { maxVersion: 'TLSv1.2' });
    const upstream = upstreamFor(t, protocol);
    const target = targetOf(backend.port, tlsTransport(protocol, verified));
    assert.equal(await ask(upstream, backend.port, tlsTransport(protocol, verified)), 200);
    upstream.retire(target.endpoint);
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    assert.equal(await ask(upstream, backend.port, tlsTransport(protocol, verified)), 200);
    assert.deepEqual(backend.seen.map((each) => each.endsWith('true')), [false, true]);
  });
}

test('a backend that does not agree to HTTP/2 gets no request', async (t) => {
  for (const own of [{}, { ALPNProtocols: ['http/1.1'] }]) {
    const received: Buffer[] = [];
    const server = createServer({ cert: leaf.chainPem, key: leaf.privateKeyPem, ...own }, (socket) => {
      socket.on('error', () => {}).on('data', (chunk: Buffer) => received.push(chunk));
    });
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const result = await ask(upstreamFor(t, 'http2'), (server.address() as AddressInfo).port, tlsTransport('http2', verified));
    server.close();
    await once(server, 'close');
    assert.match(String(result), /^tlsFailed/);
    assert.deepEqual(received, []);
  }
});

test('Node never makes the object of a certificate that it crashes over', async (t) => {
  const backend = await startBackend(t, leaf);
  const legacy = t.mock.method(TLSSocket.prototype, 'getPeerCertificate');
  for (const protocol of ['http1', 'http2'] as const) {
    assert.equal(await ask(upstreamFor(t, protocol), backend.port, tlsTransport(protocol, verified)), 200);
  }
  assert.equal(legacy.mock.callCount(), 0);
});

function clientLeaf(commonName: string): Issued {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const template = { commonName, dnsNames: [], notBeforeMs: Date.now() - 1e8, notAfterMs: Date.now() + 1e9, usage: 'client' } as const;
  const certificatePem = issueCertificate(template, publicKey, root);
  const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { commonName, certificatePem, chainPem: certificatePem, privateKey, privateKeyPem };
}

let issuedForAddress: Issued | null = null;

/** Signed by itself, with an address as subjectAltName. */
function ipLeaf(): Issued {
  if (issuedForAddress !== null) return issuedForAddress;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = forge.pki.privateKeyFromPem(privateKey.export({ type: 'pkcs1', format: 'pem' }).toString());
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  certificate.serialNumber = '01';
  certificate.validity.notBefore = new Date(Date.now() - 1e8);
  certificate.validity.notAfter = new Date(Date.now() + 1e9);
  certificate.setSubject([{ name: 'commonName', value: 'By address' }]);
  certificate.setIssuer([{ name: 'commonName', value: 'By address' }]);
  certificate.setExtensions([{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }]);
  certificate.sign(key, forge.md.sha256.create());
  const certificatePem = forge.pki.certificateToPem(certificate);
  const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return (issuedForAddress = { commonName: 'By address', certificatePem, chainPem: certificatePem, privateKey, privateKeyPem });
}
