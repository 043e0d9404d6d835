import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { suite, test, type TestContext } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import type { EchoedRequest } from './support/backend.ts';
import { makeAuthority, makeIntermediate, makeLeaf, makeRevocationList, type Issued } from './support/certificates.ts';
import type { Gatehouse } from './support/gatehouse.ts';
import { ingress, nginx, opaqueSecret, service, tlsSecret, type Manifest } from './support/manifests.ts';
import { getOnce, openssl, testFiles, type TestFiles } from './support/opensslClient.ts';
import { lacks } from './support/requirement.ts';
import { send } from './support/send.ts';
import { backendFor, serve } from './support/serve.ts';

const run = promisify(execFile);
const HOUR_MS = 3_600_000;
const ERROR_PAGE = 'https://help.test/certificates';

const servers = makeAuthority('Server Root');
const clients = makeAuthority('Client Root');
const strangers = makeAuthority('Stranger Root');
const first = makeIntermediate(clients, 'First Intermediate');
const second = makeIntermediate(first, 'Second Intermediate');

const client = (authority: Issued, name: string, options = {}): Issued => makeLeaf(authority, name, { usage: 'client', ...options });
const CERTIFICATES = {
  good: client(clients, 'good'),
  'one intermediate': client(first, 'good'),
  'two intermediates': client(second, 'deep'),
  'wrong authority': client(strangers, 'good'),
  expired: client(clients, 'good', { notBeforeMs: Date.now() - 2 * HOUR_MS, notAfterMs: Date.now() - HOUR_MS }),
  'not valid yet': client(clients, 'good', { notBeforeMs: Date.now() + HOUR_MS }),
  revoked: client(clients, 'revoked'),
  'self-signed': makeLeaf(null, 'good', { usage: 'client' }),
  "a server's": makeLeaf(clients, 'good'),
} as const;
type Shown = keyof typeof CERTIFICATES | 'none';
const SHOWN = ['none', ...Object.keys(CERTIFICATES)] as readonly Shown[];

const secret = { 'auth-tls-secret': 'default/clients' };
/** Host → its annotations. All have one certificate, so that nothing but the policy tells them apart. */
const HOSTS = {
  'on.test': { ...secret, 'auth-tls-pass-certificate-to-upstream': 'true' },
  'optional.test': { ...secret, 'auth-tls-verify-client': 'optional' },
  'any.test': { ...secret, 'auth-tls-verify-client': 'optional_no_ca', 'auth-tls-pass-certificate-to-upstream': 'true' },
  'off.test': { ...secret, 'auth-tls-verify-client': 'off' },
  'listed.test': { 'auth-tls-secret': 'default/listed' },
  'deep.test': { ...secret, 'auth-tls-verify-depth': '2' },
  'shallow.test': { ...secret, 'auth-tls-verify-depth': '0' },
  'named.test': { ...secret, 'auth-tls-match-cn': 'CN=good$' },
  'page.test': { ...secret, 'auth-tls-error-page': ERROR_PAGE },
  'open.test': {},
  'missing.test': { 'auth-tls-secret': 'default/nowhere' },
  'broken.test': { 'auth-tls-secret': 'default/broken' },
} as const satisfies Record<string, Record<string, string>>;
type Host = keyof typeof HOSTS;

const leaf = makeLeaf(servers, 'hosts.test', { dnsNames: Object.keys(HOSTS) });

function hostManifests(backend: { readonly address: string; readonly port: number }): Manifest[] {
  return [
    ...Object.entries(HOSTS).map(([host, annotations]) =>
      ingress(host.replace('.', '-'), host, [{ path: '/', service: 'web' }], {
        annotations: nginx({ 'ssl-redirect': 'false', ...annotations }),
        spec: { tls: [{ hosts: [host], secretName: 'hosts' }] },
      })),
    tlsSecret('hosts', { certificate: leaf.chainPem, key: leaf.privateKeyPem }),
    opaqueSecret('listed', { 'ca.crt': clients.certificatePem, 'ca.crl': makeRevocationList(clients, [CERTIFICATES.revoked]) }),
    opaqueSecret('broken', { 'ca.crt': 'no certificate' }),
    ...service('web', [backend]),
  ];
}

function authorities(pem: string): Manifest[] {
  return [opaqueSecret('clients', { 'ca.crt': pem })];
}

interface Answer {
  readonly status: number | null;
  readonly location: string | null;
  /** What the backend saw; null: it was not asked. */
  readonly seen: EchoedRequest | null;
}

type Ask = (host: Host, shown: Shown, fields?: readonly string[]) => Promise<Answer>;

function seenIn(text: string): EchoedRequest | null {
  const body = /^\{"backend":.*\}/m.exec(text)?.[0];
  return body === undefined ? null : (JSON.parse(body) as EchoedRequest);
}

interface World {
  readonly gatehouse: Gatehouse;
  readonly files: TestFiles;
}

async function startWorld(t: TestContext): Promise<World> {
  const [backend, files] = [await backendFor(t, 'web'), await testFiles(t)];
  for (const [name, issued] of Object.entries(CERTIFICATES)) await files.pair(name, issued);
  const gatehouse = await serve(t, hostManifests(backend));
  await gatehouse.write('clients.yaml', authorities(clients.certificatePem));
  return { gatehouse, files };
}

/** `openssl s_client` shows the leaf by -cert, and what lies between it and the root by -cert_chain. */
function opensslFlags(files: TestFiles, shown: Shown): string[] {
  if (shown === 'none') return [];
  const chain = files.path(`${shown}.crt`);
  return ['-cert', chain, '-key', files.path(`${shown}.key`), ...(shown.includes('intermediate') ? ['-cert_chain', chain] : [])];
}

function byOpenssl({ gatehouse, files }: World, version: string): Ask {
  return async (host, shown, fields = []) => {
    const request = getOnce(host, fields.map((field) => `${field}\r\n`).join(''));
    const { status, text } = await openssl({ port: gatehouse.https, serverName: host, request, flags: [version, ...opensslFlags(files, shown)] });
    return { status, location: /^location: (.*?)\r?$/im.exec(text)?.[1] ?? null, seen: seenIn(text) };
  };
}

function byCurl({ gatehouse, files }: World, version: string): Ask {
  return async (host, shown, fields = []) => {
    const { https: port } = gatehouse;
    const certificate = shown === 'none' ? [] : ['--cert', files.path(`${shown}.crt`), '--key', files.path(`${shown}.key`)];
    const flags = ['-sSk', version, '--resolve', `${host}:${port}:127.0.0.1`, ...certificate, ...fields.flatMap((field) => ['-H', field])];
    const { stdout } = await run('curl', [...flags, '-w', '\n%{http_version} %{http_code} %{redirect_url}', `https://${host}:${port}/`]);
    const [, httpVersion, status, location = ''] = /\n(\S+) (\d+) (\S*)$/.exec(stdout) ?? [];
    assert.equal(httpVersion, version === '--http2' ? '2' : '1.1');
    return { status: Number(status), location: location === '' ? null : location, seen: seenIn(stdout) };
  };
}

/** The statuses of a host, certificate by certificate; what is not named is answered 400. */
const ACCEPTED: Readonly<Record<Exclude<Host, 'open.test' | 'off.test' | 'any.test' | 'missing.test' | 'broken.test'>, Partial<Record<Shown, number>>>> = {
  'on.test': { good: 200, 'one intermediate': 200, revoked: 200 },
  'optional.test': { none: 200, good: 200, 'one intermediate': 200, revoked: 200 },
  // Without a list of the intermediate's own nothing below it can be known to be good.
  'listed.test': { good: 200 },
  'deep.test': { good: 200, 'one intermediate': 200, 'two intermediates': 200, revoked: 200 },
  'shallow.test': { good: 200, revoked: 200 },
  'named.test': { good: 200, 'one intermediate': 200, revoked: 403 },
  'page.test': { good: 200, 'one intermediate': 200, revoked: 200 },
};

async function checkHost(ask: Ask, host: keyof typeof ACCEPTED): Promise<void> {
  const refused = host === 'page.test' ? 302 : 400;
  await Promise.all(SHOWN.map(async (shown) => {
    const { status, location, seen } = await ask(host, shown);
    const expected = ACCEPTED[host][shown] ?? refused;
    assert.equal(status, expected, `${host} by ${shown}`);
    assert.equal(location, expected === 302 ? ERROR_PAGE : null);
    assert.equal(seen !== null, expected === 200, `${host} by ${shown}: the backend`);
  }));
}

const verdictOf = ({ seen }: Answer): unknown => seen?.headers['ssl-client-verify'];

async function checkUnverified(ask: Ask): Promise<void> {
  const verdicts = new Map<Shown, unknown>();
  for (const shown of SHOWN) verdicts.set(shown, verdictOf(await ask('any.test', shown)));
  assert.deepEqual(Object.fromEntries(verdicts), {
    none: 'NONE',
    good: 'SUCCESS',
    'one intermediate': 'SUCCESS',
    'two intermediates': 'FAILED:certificate chain too long',
    'wrong authority': 'FAILED:unable to verify the first certificate',
    expired: 'FAILED:certificate has expired',
    'not valid yet': 'FAILED:certificate is not yet valid',
    revoked: 'SUCCESS',
    'self-signed': 'FAILED:self-signed certificate',
    "a server's": 'FAILED:unsuitable certificate purpose',
  });
}

const FORGED = ['ssl-client-verify: SUCCESS', 'SSL-Client-Subject-DN: CN=admin', 'ssl-client-issuer-dn: CN=Client Root', 'ssl-client-cert: forged', 'ssl_client_verify: SUCCESS'];

function certificateFields({ seen }: Answer): Record<string, unknown> {
  return Object.fromEntries(Object.entries(seen?.headers ?? {}).filter(([name]) => /^ssl.client/i.test(name)));
}

async function checkFields(ask: Ask): Promise<void> {
  assert.deepEqual(certificateFields(await ask('on.test', 'good', FORGED)), {
    'ssl-client-verify': 'SUCCESS',
    'ssl-client-subject-dn': 'CN=good',
    'ssl-client-issuer-dn': 'CN=Client Root',
    'ssl-client-cert': encodeURIComponent(CERTIFICATES.good.certificatePem),
  });
  assert.deepEqual(certificateFields(await ask('optional.test', 'good', FORGED)), {
    'ssl-client-verify': 'SUCCESS',
    'ssl-client-subject-dn': 'CN=good',
    'ssl-client-issuer-dn': 'CN=Client Root',
  });
  assert.deepEqual(certificateFields(await ask('optional.test', 'none', FORGED)), { 'ssl-client-verify': 'NONE' });
  for (const host of ['off.test', 'open.test'] as const) {
    assert.deepEqual(certificateFields(await ask(host, 'good', FORGED)), {}, host);
  }
}

/** A connection that is used for several requests. */
async function openTls(t: TestContext, port: number, serverName: string, shown?: Issued): Promise<TLSSocket> {
  const pair = shown === undefined ? {} : { cert: shown.chainPem, key: shown.privateKeyPem };
  const socket = connect({ host: '127.0.0.1', port, servername: serverName, ca: servers.certificatePem, ...pair });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

async function statusOn(socket: TLSSocket, host: string): Promise<number> {
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  let octets = '';
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    octets += chunk.toString('latin1');
    const head = octets.indexOf('\r\n\r\n');
    const length = Number(/^content-length: (\d+)/im.exec(octets)?.[1] ?? Infinity);
    const isWhole = octets.length >= head + 4 + length || octets.endsWith('\r\n0\r\n\r\n');
    if (head > 0 && isWhole) return Number(octets.slice(9, 12));
  }
}

suite('certificates of clients', { skip: lacks('openssl') || lacks('curl') }, () => {
  test('through a whole Gatehouse', async (t) => {
    const world = await startWorld(t);
    const { gatehouse } = world;
    const ways: Record<string, Ask> = {
      'openssl, TLS 1.3': byOpenssl(world, '-tls1_3'),
      'openssl, TLS 1.2': byOpenssl(world, '-tls1_2'),
      'curl, HTTP/1.1': byCurl(world, '--http1.1'),
      'curl, HTTP/2': byCurl(world, '--http2'),
    };
    for (const [way, ask] of Object.entries(ways)) {
      for (const host of Object.keys(ACCEPTED) as (keyof typeof ACCEPTED)[]) {
        await t.test(`${way}: ${host} takes the certificates it should and no others`, () => checkHost(ask, host));
      }
      await t.test(`${way}: optional_no_ca leaves every certificate to the backend`, () => checkUnverified(ask));
      await t.test(`${way}: the backend gets what the proxy has found, never what the client says`, () => checkFields(ask));
      await t.test(`${way}: a missing or a broken Secret denies the host to everybody`, async () => {
        for (const host of ['missing.test', 'broken.test'] as const) {
          assert.deepEqual([(await ask(host, 'none')).status, (await ask(host, 'good')).status], [503, 503], host);
        }
      });
    }
    await t.test('a client is asked for a certificate of the authorities, and only where one is wanted', async () => {
      const { https: port } = gatehouse;
      assert.match((await openssl({ port, serverName: 'on.test' })).text, /Acceptable client certificate CA names\n.*Client Root/);
      for (const serverName of ['off.test', 'open.test', 'missing.test', null]) {
        assert.match((await openssl({ port, serverName })).text, /No client certificate CA names sent/, String(serverName));
      }
    });
    await t.test('a request for another host on the same connection is answered 421', () => checkOtherHosts(t, gatehouse));
    await t.test('and over HTTP/2, whose connection goes on', async () => {
      assert.deepEqual(await statusesOverHttp2(t, gatehouse.https, ['open.test', 'on.test', 'optional.test', 'open.test']), [200, 421, 421, 200]);
      assert.deepEqual(await statusesOverHttp2(t, gatehouse.https, ['on.test', 'named.test', 'open.test', 'on.test']), [200, 421, 200, 200]);
    });
    await t.test('without a server name, or with an unknown one, a protected host is not reached', async () => {
      for (const serverName of [null, 'unknown.test']) {
        const flags = opensslFlags(world.files, 'good');
        const { status } = await openssl({ port: gatehouse.https, serverName, request: getOnce('on.test'), flags });
        assert.equal(status, 421, String(serverName));
      }
      assert.equal((await openssl({ port: gatehouse.https, serverName: null, request: getOnce('open.test') })).status, 200);
    });
    await t.test('plain HTTP shows no certificate, whatever the client says', async () => {
      const statuses: Record<string, number> = {};
      for (const host of Object.keys(HOSTS)) {
        const { status, body } = await send({ port: gatehouse.http, host, headers: { 'ssl-client-verify': 'SUCCESS', 'ssl-client-subject-dn': 'CN=good' } });
        statuses[host] = status;
        const isAsked = host === 'optional.test' || host === 'any.test';
        if (status === 200) assert.deepEqual(certificateFields({ status, location: null, seen: seenIn(body) }), isAsked ? { 'ssl-client-verify': 'NONE' } : {}, host);
      }
      assert.deepEqual(statuses, {
        'on.test': 403, 'optional.test': 200, 'any.test': 200, 'off.test': 200, 'listed.test': 403, 'deep.test': 403,
        'shallow.test': 403, 'named.test': 403, 'page.test': 302, 'open.test': 200, 'missing.test': 503, 'broken.test': 503,
      });
    });
    await t.test('another Secret holds for the next connection, and other hosts notice nothing', () => replaceAuthorities(t, world));
  });
});

async function checkOtherHosts(t: TestContext, { https }: Gatehouse): Promise<void> {
  const expected: readonly (readonly [Host, Host, number])[] = [
    ['open.test', 'on.test', 421],
    ['open.test', 'optional.test', 421],
    ['off.test', 'on.test', 421],
    ['optional.test', 'on.test', 421],
    ['any.test', 'on.test', 421],
    ['on.test', 'listed.test', 421],
    ['on.test', 'named.test', 421],
    ['on.test', 'optional.test', 421],
    ['on.test', 'open.test', 200],
  ];
  for (const [serverName, host, status] of expected) {
    const socket = await openTls(t, https, serverName, CERTIFICATES.good);
    const own = await statusOn(socket, serverName);
    assert.deepEqual([own, await statusOn(socket, host)], [200, status], `${host} on a connection for ${serverName}`);
    socket.destroy();
  }
}

/** Statuses of GETs for these hosts, one after the other on one HTTP/2 connection for the first of them. */
async function statusesOverHttp2(t: TestContext, port: number, hosts: readonly [Host, ...Host[]]): Promise<number[]> {
  const { chainPem: cert, privateKeyPem: key } = CERTIFICATES.good;
  const session = connectHttp2(`https://127.0.0.1:${port}`, { servername: hosts[0], ca: servers.certificatePem, cert, key, checkServerIdentity: () => undefined });
  t.after(() => session.destroy());
  const statuses: number[] = [];
  for (const host of hosts) {
    const stream = session.request({ ':authority': host });
    const [fields] = (await once(stream, 'response')) as [Record<string, unknown>];
    statuses.push(Number(fields[':status']));
    await once(stream.resume(), 'close');
  }
  return statuses;
}

async function replaceAuthorities(t: TestContext, { gatehouse, files }: World): Promise<void> {
  const [open, guarded, closed] = [
    await openTls(t, gatehouse.https, 'open.test'),
    await openTls(t, gatehouse.https, 'listed.test', CERTIFICATES.good),
    await openTls(t, gatehouse.https, 'on.test', CERTIFICATES.good),
  ];
  const use = async (): Promise<number[]> => [await statusOn(open, 'open.test'), await statusOn(guarded, 'listed.test'), await statusOn(closed, 'on.test')];
  assert.deepEqual(await use(), [200, 200, 200]);
  await gatehouse.write('clients.yaml', authorities(strangers.certificatePem));
  // What was shown under the old authorities counts no more, on no connection; the client is told to make a new one.
  assert.deepEqual(await use(), [200, 200, 421]);
  const ask = byOpenssl({ gatehouse, files }, '-tls1_3');
  assert.equal((await ask('on.test', 'good')).status, 400);
  assert.equal((await ask('on.test', 'wrong authority')).status, 200);
  await gatehouse.write('clients.yaml', authorities('nothing of use'));
  assert.deepEqual([await statusOn(open, 'open.test'), await statusOn(guarded, 'listed.test')], [200, 200]);
  assert.equal((await ask('on.test', 'wrong authority')).status, 503);
  await gatehouse.write('clients.yaml', authorities(clients.certificatePem));
  assert.equal((await ask('on.test', 'good')).status, 200);
  assert.deepEqual(await use(), [200, 200, 200]);
}
