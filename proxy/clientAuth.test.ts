import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { connect, type ConnectionOptions } from 'node:tls';
import type { ClientAuth } from '../core/ir/clientAuth.ts';
import { certificateFrom, makeAuthority, makeIntermediate, makeLeaf, makeRevocationList, type Issued } from '../test/support/certificates.ts';
import { lacks } from '../test/support/requirement.ts';
import { assertNothingOpen } from './testing/nothingOpen.ts';
import { answering, response, startRawBackend } from './testing/rawBackend.ts';
import { connectRaw, RawPeer, type RawMessage } from './testing/rawPeer.ts';
import { startEngine, type RouteChanges, type RunningEngine } from './testing/startEngine.ts';

after(assertNothingOpen);

const skip = lacks('openssl');
const HOUR_MS = 3_600_000;
const root = makeAuthority('Client Root');
const intermediate = makeIntermediate(root, 'Client Intermediate');
const deeper = makeIntermediate(intermediate, 'Client Deeper');
const client = (authority: Issued | null, options: Parameters<typeof makeLeaf>[2] = {}): Issued => makeLeaf(authority, 'alice', { usage: 'client', ...options });

const alice = client(root);
const revoked = client(root);
const clients = {
  good: alice,
  'behind one intermediate': client(intermediate),
  'behind two intermediates': client(deeper),
  revoked,
  expired: client(root, { notBeforeMs: Date.now() - 48 * HOUR_MS, notAfterMs: Date.now() - HOUR_MS }),
  'not yet valid': client(root, { notBeforeMs: Date.now() + HOUR_MS }),
  'of another authority': client(makeAuthority('Other Root')),
  'of an authority of the same name': client(makeAuthority('Client Root')),
  'self-signed': client(null),
  'meant for servers': makeLeaf(root, 'alice'),
};

const POLICY: ClientAuth = {
  identity: 'policy-1', authoritiesPem: root.certificatePem, crlPem: null, mode: 'required', depth: 1,
  passCertificate: false, errorPage: null, matchCommonName: null,
};

const wildcard = certificateFrom(makeLeaf(null, '*.one.test'), 'one');
const HOSTS = {
  'mtls.one.test': POLICY,
  'other.one.test': { ...POLICY, identity: 'policy-2' },
  'optional.test': { ...POLICY, identity: 'policy-3', mode: 'optional' },
  'judged.test': { ...POLICY, identity: 'policy-4', mode: 'optionalNoCa', passCertificate: true },
  'page.test': { ...POLICY, identity: 'policy-5', errorPage: 'https://help.test/certificates' },
  'alice.test': { ...POLICY, identity: 'policy-6', matchCommonName: '^CN=ali' },
  'bob.test': { ...POLICY, identity: 'policy-7', matchCommonName: '^CN=bob$' },
  'broken.test': { ...POLICY, identity: 'policy-8', matchCommonName: 'CN=(' },
  'deep.test': { ...POLICY, identity: 'policy-9', depth: 2 },
  'flat.test': { ...POLICY, identity: 'policy-10', depth: 0 },
  'revoking.test': { ...POLICY, identity: 'policy-11', crlPem: makeRevocationList(root, [revoked]) },
  'unusable.test': { ...POLICY, identity: 'policy-12', crlPem: '-----BEGIN X509 CRL-----\nbroken\n-----END X509 CRL-----' },
  '*.all.test': { ...POLICY, identity: 'policy-13' },
} satisfies Record<string, ClientAuth>;

interface Gateway {
  readonly engine: RunningEngine;
  readonly seen: readonly RawMessage[];
}

async function start(t: TestContext, routes: readonly RouteChanges[] = []): Promise<Gateway> {
  const seen: RawMessage[] = [];
  const backend = await startRawBackend(answering(() => response('served'), seen as RawMessage[]));
  t.after(() => backend.close());
  const hosts = [...Object.keys(HOSTS), 'public.one.test', 'public.all.test', 'plain.test'];
  const engine = await startEngine(t, {
    clusters: { web: [backend.port] },
    certificate: certificateFrom(makeLeaf(null, 'default.test'), 'default'),
    certificates: { '*.one.test': wildcard, 'plain.test': certificateFrom(makeLeaf(null, 'plain.test'), 'plain') },
    clientAuth: HOSTS,
    routes: [...routes, ...hosts.map((host) => ({ host }))],
  });
  return { engine, seen };
}

interface Asked {
  readonly servername?: string;
  readonly host?: string;
  readonly certificate?: Issued;
  readonly fields?: string;
  readonly tls?: ConnectionOptions;
}

const get = (host: string, fields = ''): string => `GET / HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`;

/** Status of the answer to one request over TLS; `servername` is the host unless said otherwise, empty: none. */
async function ask(t: TestContext, { engine }: Gateway, asked: Asked): Promise<RawMessage> {
  const { host = asked.servername ?? '', servername = host, certificate, fields, tls } = asked;
  const shown = certificate === undefined ? {} : { cert: certificate.chainPem, key: certificate.privateKeyPem };
  const socket = connect({ port: engine.tlsPort, host: '127.0.0.1', servername, rejectUnauthorized: false, ...shown, ...tls });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  const peer = new RawPeer(socket);
  peer.send(get(host, fields));
  return peer.message();
}

const statusOf = (message: RawMessage): number => Number(message.startLine.split(' ')[1]);

/** client certificate (null: none) → status, for one host. */
const cases: readonly [keyof typeof HOSTS, Readonly<Partial<Record<keyof typeof clients | 'none', number>>>][] = [
  ['mtls.one.test', {
    none: 400, good: 200, 'behind one intermediate': 200, 'behind two intermediates': 400, expired: 400, 'not yet valid': 400,
    'of another authority': 400, 'of an authority of the same name': 400, 'self-signed': 400, 'meant for servers': 400,
  }],
  ['optional.test', { none: 200, good: 200, expired: 400, 'of another authority': 400, 'behind two intermediates': 400 }],
  ['judged.test', { none: 200, good: 200, expired: 200, 'of another authority': 200, 'self-signed': 200 }],
  ['page.test', { none: 302, good: 200, expired: 302 }],
  ['alice.test', { none: 400, good: 200 }],
  ['bob.test', { good: 403 }],
  ['broken.test', { good: 403 }],
  ['deep.test', { good: 200, 'behind one intermediate': 200, 'behind two intermediates': 200 }],
  ['flat.test', { good: 200, 'behind one intermediate': 400 }],
  ['revoking.test', { none: 400, good: 200, revoked: 400 }],
];

async function writePair(folder: string, certificate: Issued): Promise<readonly string[]> {
  const files = ['leaf', 'key', 'chain'].map((name) => join(folder, `${name}.pem`)) as [string, string, string];
  await writeFile(files[0], certificate.certificatePem);
  await writeFile(files[1], certificate.privateKeyPem);
  await writeFile(files[2], certificate.chainPem);
  return ['-cert', files[0], '-key', files[1], '-cert_chain', files[2]];
}

/** Status that `openssl s_client` gets. */
async function sClient(port: number, host: string, args: readonly string[]): Promise<number> {
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', host, '-quiet', ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.write(get(host, 'Connection: close\r\n'));
  let text = '';
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) text += chunk.toString('latin1');
  return Number(/HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0);
}

for (const version of ['-tls1_2', '-tls1_3']) {
  for (const [host, expected] of cases) {
    test(`s_client ${version} at ${host} is answered by its certificate`, { skip }, async (t) => {
      const { engine } = await start(t);
      const folder = await mkdtemp(join(tmpdir(), 'gatehouse-mtls-'));
      t.after(() => rm(folder, { recursive: true }));
      for (const [name, status] of Object.entries(expected)) {
        const certificate = name === 'none' ? null : clients[name as keyof typeof clients];
        const args = certificate === null ? [] : await writePair(folder, certificate);
        assert.equal(await sClient(engine.tlsPort, host, [version, ...args]), status, name);
      }
    });
  }
}

test('the error page is where clients without a valid certificate are sent', async (t) => {
  const answer = await ask(t, await start(t), { servername: 'page.test' });
  assert.equal(answer.get('location'), 'https://help.test/certificates');
});

test('no request without a valid certificate reaches a backend, and each is counted by its reason', async (t) => {
  const gateway = await start(t);
  await ask(t, gateway, { servername: 'mtls.one.test' });
  await ask(t, gateway, { servername: 'bob.test', certificate: alice });
  await ask(t, gateway, { servername: 'public.one.test', host: 'mtls.one.test', certificate: alice });
  assert.equal(gateway.seen.length, 0);
  const lines = await gateway.engine.logged(3);
  assert.deepEqual(lines.map((line) => [line.status, line['answered_by']]), [[400, 'clientCertificate'], [403, 'clientCertificate'], [421, 'misdirected']]);
});

/** Ways to a protected host over a connection that was made for something else, all with a good certificate at hand. */
const bypasses: readonly (Asked & { readonly what: string; readonly status: number })[] = [
  { what: 'another name of the same certificate', servername: 'public.one.test', host: 'mtls.one.test', status: 421 },
  { what: 'another policy of the same authorities', servername: 'other.one.test', host: 'mtls.one.test', status: 421 },
  { what: 'no server name', servername: '', host: 'mtls.one.test', status: 421 },
  { what: 'an unknown server name', servername: 'unknown.test', host: 'mtls.one.test', status: 421 },
  { what: 'the name of a host with another certificate', servername: 'plain.test', host: 'mtls.one.test', status: 421 },
  { what: 'a public host under a protected wildcard', servername: 'public.all.test', host: 'x.all.test', status: 421 },
  { what: 'a port and capitals in Host', servername: 'public.one.test', host: 'MTLS.one.test:443', status: 421 },
  { what: 'a dot at the end of Host', servername: 'public.one.test', host: 'mtls.one.test.', status: 421 },
  { what: 'capitals in the server name, for its own host', servername: 'MTLS.ONE.test', host: 'mtls.one.test', status: 200 },
  { what: 'a name under a protected wildcard, for another one there', servername: 'x.all.test', host: 'y.all.test', status: 200 },
  { what: 'a public host under a protected wildcard, for itself', servername: 'public.all.test', host: 'public.all.test', status: 200 },
  { what: 'a protected host, for a public one of the same certificate', servername: 'mtls.one.test', host: 'public.one.test', status: 200 },
];
for (const { what, status, ...asked } of bypasses) {
  test(`a connection for ${what} is answered ${status}`, async (t) => {
    assert.equal(statusOf(await ask(t, await start(t), { ...asked, certificate: alice })), status);
  });
}

test('a session of a public host, or of another policy, resumes nothing at a protected one', async (t) => {
  const gateway = await start(t);
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const servername of ['public.one.test', 'other.one.test', 'mtls.one.test']) {
      const first = connect({ port: gateway.engine.tlsPort, host: '127.0.0.1', servername, rejectUnauthorized: false, maxVersion, cert: alice.chainPem, key: alice.privateKeyPem });
      const sessions: Buffer[] = [];
      first.on('session', (one: Buffer) => sessions.push(one));
      await once(first, 'secureConnect');
      const peer = new RawPeer(first);
      peer.send(get('public.one.test'));
      await peer.message();
      const session = sessions.at(-1) ?? first.getSession();
      first.destroy();
      const tls: ConnectionOptions = { maxVersion, ...(session === undefined ? {} : { session }) };
      assert.equal(statusOf(await ask(t, gateway, { servername: 'mtls.one.test', tls })), 400, `${maxVersion} ${servername}`);
    }
  }
});

test('a policy that appears, changes or goes holds for connections that are open', async (t) => {
  const backend = await startRawBackend(answering(() => response('served')));
  t.after(() => backend.close());
  const options = { clusters: { web: [backend.port] }, certificate: certificateFrom(makeLeaf(null, 'default.test'), 'default'), routes: [{ host: 'h.test' }] };
  const engine = await startEngine(t, options);
  const socket = connect({ port: engine.tlsPort, host: '127.0.0.1', servername: 'h.test', rejectUnauthorized: false });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  const peer = new RawPeer(socket);
  const status = async (): Promise<number> => {
    peer.send(get('h.test'));
    return statusOf(await peer.message());
  };
  assert.equal(await status(), 200);
  engine.apply({ ...options, clientAuth: { 'h.test': POLICY } });
  assert.equal(await status(), 421);
  engine.apply(options);
  assert.equal(await status(), 200);
});

test('a policy that OpenSSL cannot take lets nobody in', async (t) => {
  await assert.rejects(ask(t, await start(t), { servername: 'unusable.test', certificate: alice }));
});

test('a protected host over plain HTTP is forbidden or redirected, one that does not insist on certificates is served', async (t) => {
  const { engine } = await start(t, [{ host: 'mtls.one.test', match: { type: 'prefix', value: '/go' }, filters: [{ type: 'httpsRedirect', status: 308 }] }]);
  const peer = await connectRaw(engine.port);
  t.after(() => peer.socket.destroy());
  const answers: [number, string | undefined][] = [];
  for (const [host, path] of [['mtls.one.test', '/'], ['mtls.one.test', '/go'], ['page.test', '/'], ['optional.test', '/']]) {
    peer.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    const answer = await peer.message();
    answers.push([statusOf(answer), answer.get('location')]);
  }
  assert.deepEqual(answers, [[403, undefined], [308, 'https://mtls.one.test/go'], [302, 'https://help.test/certificates'], [200, undefined]]);
});

const forged = 'ssl-client-verify: SUCCESS\r\nSSL-Client-Subject-DN: CN=root\r\nSsl-Client-Issuer-Dn: CN=x\r\nssl-client-cert: y\r\n';

test('a backend of a protected host is told of the certificate, and of nothing a client made up', async (t) => {
  const gateway = await start(t);
  await ask(t, gateway, { servername: 'mtls.one.test', certificate: alice, fields: forged });
  await ask(t, gateway, { servername: 'judged.test', certificate: clients.expired });
  await ask(t, gateway, { servername: 'judged.test', fields: forged });
  await ask(t, gateway, { servername: 'public.one.test', fields: forged });
  await ask(t, gateway, { servername: 'mtls.one.test', host: 'public.one.test', certificate: alice, fields: forged });
  const names = ['ssl-client-verify', 'ssl-client-subject-dn', 'ssl-client-issuer-dn', 'ssl-client-cert'];
  const pem = encodeURIComponent(new X509Certificate(clients.expired.certificatePem).toString());
  assert.deepEqual(gateway.seen.map((request) => names.map((name) => request.get(name))), [
    ['SUCCESS', 'CN=alice', 'CN=Client Root', undefined],
    ['FAILED:certificate has expired', 'CN=alice', 'CN=Client Root', pem],
    ['NONE', undefined, undefined, undefined],
    [undefined, undefined, undefined, undefined],
    [undefined, undefined, undefined, undefined],
  ]);
});

test('a plain request cannot make up a certificate either', async (t) => {
  const { engine, seen } = await start(t);
  const peer = await connectRaw(engine.port);
  t.after(() => peer.socket.destroy());
  peer.send(get('plain.test', forged));
  await peer.message();
  assert.equal(seen[0]?.get('ssl-client-verify'), undefined);
  assert.equal(seen[0]?.get('ssl-client-subject-dn'), undefined);
});

test('client certificates on secp256k1, or of an authority on it, are judged and end nothing', async (t) => {
  const curious = makeAuthority('Curious Root', 'secp256k1');
  const backend = await startRawBackend(answering(() => response('served')));
  t.after(() => backend.close());
  const engine = await startEngine(t, {
    clusters: { web: [backend.port] },
    certificate: certificateFrom(makeLeaf(null, 'default.test'), 'default'),
    clientAuth: { 'h.test': { ...POLICY, authoritiesPem: curious.certificatePem } },
    routes: [{ host: 'h.test' }],
  });
  const gateway = { engine, seen: [] };
  const tls: ConnectionOptions = { maxVersion: 'TLSv1.2' };
  assert.equal(statusOf(await ask(t, gateway, { servername: 'h.test', certificate: client(curious) })), 200);
  // Not one of the curves that are offered.
  await assert.rejects(ask(t, gateway, { servername: 'h.test', certificate: client(curious, { keyType: 'secp256k1' }), tls }));
  assert.equal(statusOf(await ask(t, gateway, { servername: 'h.test', certificate: client(root), tls })), 400);
});
