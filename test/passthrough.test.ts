import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net';
import { suite, test, type TestContext } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { makeAuthority, makeLeaf, type Issued } from './support/certificates.ts';
import { ingress, nginx, service, tlsSecret, type BackendAddress, type Manifest } from './support/manifests.ts';
import { getOnce, openssl } from './support/opensslClient.ts';
import { lacks } from './support/requirement.ts';
import { send } from './support/send.ts';
import { serve } from './support/serve.ts';
import { startTlsBackend, type SeenByBackend } from './support/tlsBackend.ts';

const authority = makeAuthority();
/** What the proxy shows for each host it opens, and the backends show for theirs. */
const proxied = makeLeaf(authority, 'proxy', { dnsNames: ['passed.test', 'opened.test', 'own.wild.test'] });
const sealed = makeLeaf(authority, 'sealed backend', { dnsNames: ['passed.test', '*.wild.test'] });
const PROXIED = tlsSecret('proxied', { certificate: proxied.chainPem, key: proxied.privateKeyPem });

function hostOf(name: string, host: string, backends: readonly BackendAddress[], annotations: Record<string, string> = {}): Manifest[] {
  return [
    ingress(name, host, [{ path: '/', service: name }], {
      annotations: nginx({ 'ssl-redirect': 'false', ...annotations }),
      spec: { tls: [{ hosts: [host], secretName: 'proxied' }] },
    }),
    ...service(name, backends),
  ];
}

const PASSED = { 'ssl-passthrough': 'true' };

/** Whose certificate a client sees, and which backend answers what it asks. */
async function reach(port: number, serverName: string | null, host = serverName ?? 'passed.test'): Promise<readonly [certificate: string, backend: string | null]> {
  const { commonName, text } = await openssl({ port, serverName, request: getOnce(host) });
  const body = /^\{"backend":.*?\}/m.exec(text)?.[0];
  return [commonName, body === undefined ? null : (JSON.parse(body) as SeenByBackend).backend];
}

const DEFAULT = 'Gatehouse Default Certificate';

/** A port that forwards to `port` what it gets octet by octet, each in a packet of its own. */
async function dripTo(t: TestContext, port: number): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const proxy = connectTcp({ host: '127.0.0.1', port, noDelay: true });
    for (const socket of [client, proxy]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    proxy.pipe(client);
    void drip(client, proxy);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

async function drip(from: Socket, to: Socket): Promise<void> {
  for await (const chunk of from as AsyncIterable<Buffer>) {
    for (const octet of chunk) {
      await new Promise((resolve) => to.write(Buffer.of(octet), resolve));
      await new Promise(setImmediate);
    }
  }
  to.end();
}

async function backends(t: TestContext, ...leaves: readonly (readonly [name: string, leaf: Issued])[]) {
  return Promise.all(leaves.map(([name, leaf]) => startTlsBackend(t, name, leaf)));
}

suite('TLS passthrough', { skip: lacks('openssl') }, () => {
  test('through a whole Gatehouse', async (t) => {
    const [passed, wild, opened] = await backends(t, ['passed', sealed], ['wild', sealed], ['opened', sealed]);
    assert.ok(passed !== undefined && wild !== undefined && opened !== undefined);
    const { http, https } = await serve(t, [
      PROXIED,
      ...hostOf('passed', 'passed.test', [passed], PASSED),
      ...hostOf('wild', '*.wild.test', [wild], PASSED),
      ...hostOf('own', 'own.wild.test', [opened]),
      ...hostOf('opened', 'opened.test', [opened]),
      ...hostOf('empty', 'empty.test', [], PASSED),
    ]);

    for (const [says, serverName, expected] of [
      ["a host that is passed through shows its backend's certificate", 'passed.test', ['sealed backend', 'passed']],
      ['case does not matter', 'PASSED.test', ['sealed backend', 'passed']],
      ["a host beside it is opened with the proxy's", 'opened.test', ['proxy', 'opened']],
      ['a wildcard host is passed through', 'a.wild.test', ['sealed backend', 'wild']],
      ['an exact host below a wildcard one is opened', 'own.wild.test', ['proxy', 'opened']],
      ['two labels below a wildcard belong to nobody', 'b.a.wild.test', [DEFAULT, null]],
      ['the domain of a wildcard belongs to nobody', 'wild.test', [DEFAULT, null]],
      ['a name that nobody serves gets the default certificate', 'nobody.test', [DEFAULT, null]],
      ['a host without endpoints is closed before a certificate is shown', 'empty.test', ['', null]],
    ] as const) {
      await t.test(says, async () => {
        assert.deepEqual(await reach(https, serverName), expected);
      });
    }
    await t.test('a ClientHello in single octets goes where it belongs', async () => {
      const port = await dripTo(t, https);
      assert.deepEqual(await reach(port, 'passed.test'), ['sealed backend', 'passed']);
      assert.deepEqual(await reach(port, 'opened.test'), ['proxy', 'opened']);
      assert.deepEqual(await reach(port, 'nobody.test'), [DEFAULT, null]);
    });
    await t.test('a request for it on an opened connection is misdirected, or in clear text where no name was sent', async () => {
      const ask = (serverName: string | null) => openssl({ port: https, serverName, request: getOnce('passed.test') });
      assert.equal((await ask('nobody.test')).status, 421);
      // As by plain HTTP: nothing of the client's TLS to the host was opened.
      const { commonName, status, text } = await ask(null);
      assert.deepEqual([commonName, status], [DEFAULT, 200]);
      assert.match(text, /"backend":"passed".*"secure":false/);
    });
    await t.test('plain HTTP is served as for any other host', async () => {
      for (const [host, backend] of [['passed.test', 'passed'], ['a.wild.test', 'wild'], ['opened.test', 'opened']] as const) {
        const { body } = await send({ port: http, host });
        const seen = JSON.parse(body) as SeenByBackend;
        assert.deepEqual([seen.backend, seen.secure], [backend, false]);
      }
      assert.equal((await send({ port: http, host: 'empty.test' })).status, 503);
    });
    await t.test('HTTP/2, TLS 1.2 and client certificates are between client and backend', async () => {
      const { commonName, text } = await openssl({ port: https, serverName: 'passed.test', flags: ['-tls1_2', '-alpn', 'h2'] });
      assert.equal(commonName, 'sealed backend');
      assert.match(text, /ALPN protocol: h2/);
      assert.match(text, /^New, TLSv1\.2/m);
    });
  });

  test('a host that is passed through no more is opened for new connections, and open ones go on', async (t) => {
    const [backend] = await backends(t, ['passed', sealed]);
    assert.ok(backend !== undefined);
    const manifests = (annotations: Record<string, string>) => [PROXIED, ...hostOf('passed', 'passed.test', [backend], annotations)];
    const gatehouse = await serve(t, manifests(PASSED));
    const connections: TLSSocket[] = [await openTls(t, gatehouse.https)];
    for (const [annotations, expected] of [[{}, 'proxy'], [PASSED, 'sealed backend'], [{}, 'proxy']] as const) {
      await gatehouse.write('manifests.yaml', manifests(annotations));
      assert.deepEqual(await reach(gatehouse.https, 'passed.test'), [expected, 'passed']);
      for (const connection of connections) await askOn(connection);
      connections.push(await openTls(t, gatehouse.https));
    }
    const seen = connections.map((connection) => connection.getPeerX509Certificate()?.subject);
    assert.deepEqual(seen, ['CN=sealed backend', 'CN=proxy', 'CN=sealed backend', 'CN=proxy']);
    // Before the backends end, which may reset them.
    for (const connection of connections) connection.destroy();
  });
});

test('an endpoint that comes late is reached, and one that goes keeps its connections', async (t) => {
  const [one, two] = await backends(t, ['passed', sealed], ['passed', makeLeaf(authority, 'second backend', { dnsNames: ['passed.test'] })]);
  assert.ok(one !== undefined && two !== undefined);
  const manifests = (...endpoints: readonly BackendAddress[]) => [PROXIED, ...hostOf('passed', 'passed.test', endpoints, PASSED)];
  const gatehouse = await serve(t, manifests());
  await assert.rejects(openTls(t, gatehouse.https), { code: 'ECONNRESET' });
  await gatehouse.write('manifests.yaml', manifests(one));
  const first = await openTls(t, gatehouse.https);
  await gatehouse.write('manifests.yaml', manifests(two));
  const second = await openTls(t, gatehouse.https);
  await Promise.all([askOn(first), askOn(second)]);
  assert.deepEqual([first, second].map((socket) => socket.getPeerX509Certificate()?.subject), ['CN=sealed backend', 'CN=second backend']);
  // Before the backends end, which may reset them.
  for (const connection of [first, second]) connection.destroy();
});

async function openTls(t: TestContext, port: number): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'passed.test', ca: authority.certificatePem });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** A request that is answered by the backend, on a connection that goes on. */
async function askOn(socket: TLSSocket): Promise<void> {
  socket.write('GET / HTTP/1.1\r\nHost: passed.test\r\n\r\n');
  let octets = '';
  while (!/\r\n\r\n[^]*"client":null\}/.test(octets)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    octets += chunk.toString('latin1');
  }
  assert.match(octets, /^HTTP\/1\.1 200 /);
}
