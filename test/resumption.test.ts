import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import forge from 'node-forge';
import type { Backend } from './support/backend.ts';
import { makeAuthority, makeLeaf, type Issued } from './support/certificates.ts';
import type { Gatehouse } from './support/gatehouse.ts';
import { ingress, nginx, opaqueSecret, service, settings, tlsSecret, type Manifest } from './support/manifests.ts';
import { getOnce, openssl, testFiles, type OpensslOutcome, type TestFiles } from './support/opensslClient.ts';
import { accepts, processGone } from './support/processState.ts';
import { lacks } from './support/requirement.ts';
import { backendFor, serve } from './support/serve.ts';

const VERSIONS = ['-tls1_3', '-tls1_2'] as const;
type Version = (typeof VERSIONS)[number];

const authority = makeAuthority();
const clients = makeAuthority('Client Root');
const shared = makeLeaf(authority, 'shared', { dnsNames: ['open.test', 'second.test', 'guarded.test', 'asked.test', 'other-guarded.test'] });
const other = makeLeaf(authority, 'other.test');
const client = makeLeaf(clients, 'client', { usage: 'client' });

/** host → Secret of its certificate and annotations. */
const HOSTS: readonly (readonly [host: string, secret: string, annotations?: Record<string, string>])[] = [
  ['open.test', 'shared'],
  ['second.test', 'shared'],
  ['other.test', 'other'],
  ['guarded.test', 'shared', { 'auth-tls-secret': 'default/clients' }],
  ['other-guarded.test', 'shared', { 'auth-tls-secret': 'default/clients', 'auth-tls-verify-depth': '3' }],
  ['asked.test', 'shared', { 'auth-tls-secret': 'default/clients', 'auth-tls-verify-client': 'optional' }],
];

function secretOf(name: string, leaf: Issued): Manifest {
  return tlsSecret(name, { certificate: leaf.chainPem, key: leaf.privateKeyPem });
}

interface World {
  readonly gatehouse: Gatehouse;
  readonly backend: Backend;
  readonly files: TestFiles;
  /** Changes the ConfigMap. */
  set(data: Record<string, string>): Promise<void>;
  /** A connection that does a request; it saves its session as `save`, and offers the one saved as `offer`. */
  visit(host: string, version: Version, sessions: { readonly save?: string; readonly offer?: string }): Promise<OpensslOutcome>;
}

async function startWorld(t: TestContext, workers = 1): Promise<World> {
  const [backend, files] = [await backendFor(t, 'web'), await testFiles(t)];
  const pair = await files.pair('client', client);
  const manifests = (data: Record<string, string>): Manifest[] => [
    settings(data),
    ...HOSTS.map(([host, secretName, annotations = {}]) =>
      ingress(host.replace('.', '-'), host, [{ path: '/', service: 'web' }], { annotations: nginx(annotations), spec: { tls: [{ hosts: [host], secretName }] } })),
    secretOf('shared', shared),
    secretOf('other', other),
    opaqueSecret('clients', { 'ca.crt': clients.certificatePem }),
    ...service('web', [backend]),
  ];
  const gatehouse = await serve(t, manifests({}), { workers, args: ['--configmap', 'default/settings'] });
  return {
    gatehouse,
    backend,
    files,
    set: (data) => gatehouse.write('manifests.yaml', manifests(data)),
    async visit(host, version, { save, offer }) {
      const sessions = [...(save === undefined ? [] : ['-sess_out', files.path(save)]), ...(offer === undefined ? [] : ['-sess_in', files.path(offer)])];
      const flags = [version, '-cert', pair.certificate, '-key', pair.key, ...sessions];
      const outcome = await openssl({ port: gatehouse.https, serverName: host, request: getOnce(host), flags });
      assert.equal(outcome.status, 200, `${host}: ${outcome.text}`);
      return outcome;
    },
  };
}

/** Ends the proxy as a crash would, and waits for the next one. */
async function killProxy(gatehouse: Gatehouse): Promise<void> {
  const before = await gatehouse.proxyPid();
  process.kill(before, 'SIGKILL');
  await processGone(before);
  while (!(await accepts(gatehouse.https))) await sleep(10);
}

/** A session as `openssl s_client` saves it (SSL_SESSION of OpenSSL), with max_early_data, field 15, of 16 KB. */
function allowEarlyData(pem: string): string {
  const { asn1 } = forge;
  const session = asn1.fromDer(forge.pem.decode(pem)[0]?.body ?? '');
  const fields = session.value as forge.asn1.Asn1[];
  const limit = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.INTEGER, false, '\x40\x00');
  const field = asn1.create(asn1.Class.CONTEXT_SPECIFIC, 15 as forge.asn1.Type, true, [limit]);
  const isAfter = (other: forge.asn1.Asn1): boolean => other.tagClass === asn1.Class.CONTEXT_SPECIFIC && Number(other.type) > 15;
  session.value = [...fields.filter((other) => !isAfter(other)), field, ...fields.filter(isAfter)];
  return forge.pem.encode({ type: 'SSL SESSION PARAMETERS', body: asn1.toDer(session).getBytes() });
}

suite('TLS sessions', { skip: lacks('openssl') }, () => {
  for (const version of VERSIONS) {
    test(`${version}: one saved session is resumed by every worker`, async (t) => {
      const world = await startWorld(t, 2);
      assert.equal((await world.visit('open.test', version, { save: 'session' })).isResumed, false);
      const resumed: boolean[] = [];
      // The kernel gives each connection to either worker; that one of them got all happens once in half a million runs.
      for (let turn = 0; turn < 20; turn += 1) resumed.push((await world.visit('open.test', version, { offer: 'session' })).isResumed);
      assert.deepEqual(resumed, resumed.map(() => true));
    });

    test(`${version}: a session outlives a kill -9 of the proxy`, async (t) => {
      const world = await startWorld(t, 2);
      await world.visit('open.test', version, { save: 'session' });
      await killProxy(world.gatehouse);
      for (let turn = 0; turn < 6; turn += 1) assert.ok((await world.visit('open.test', version, { offer: 'session' })).isResumed);
    });
  }

  test('are resumed where the same is served, and nowhere else', async (t) => {
    const world = await startWorld(t);
    for (const version of VERSIONS) {
      for (const host of ['open.test', 'other.test']) {
        await world.visit(host, version, { save: `${host}${version}` });
        assert.ok((await world.visit(host, version, { offer: `${host}${version}` })).isResumed, `${host} ${version}`);
      }
      for (const [from, to] of [
        ['open.test', 'other.test'],
        ['other.test', 'open.test'],
        ['open.test', 'guarded.test'],
        ['open.test', 'asked.test'],
        ['other.test', 'guarded.test'],
      ] as const) {
        await t.test(`${version}: a session of ${from} is not resumed for ${to}`, async () => {
          assert.equal((await world.visit(to, version, { offer: `${from}${version}` })).isResumed, false);
        });
      }
    }
  });

  test('of hosts that ask for a certificate are resumed nowhere', async (t) => {
    const world = await startWorld(t);
    for (const version of VERSIONS) {
      for (const from of ['guarded.test', 'asked.test']) {
        await world.visit(from, version, { save: `${from}${version}` });
        // Of TLS 1.3 they look like any other, and refer to nothing that is kept.
        if (!existsSync(world.files.path(`${from}${version}`))) continue;
        for (const to of ['guarded.test', 'asked.test', 'other-guarded.test', 'open.test']) {
          await t.test(`${version}: what ${from} left is not resumed for ${to}`, async () => {
            assert.equal((await world.visit(to, version, { offer: `${from}${version}` })).isResumed, false);
          });
        }
      }
    }
  });

  test('are not resumed after the certificate has changed', async (t) => {
    const world = await startWorld(t);
    await world.gatehouse.write('late.yaml', [
      ingress('late', 'late.test', [{ path: '/', service: 'web' }], { spec: { tls: [{ hosts: ['late.test'], secretName: 'late' }] } }),
      secretOf('late', makeLeaf(authority, 'late.test')),
    ]);
    for (const version of VERSIONS) await world.visit('late.test', version, { save: version });
    await world.gatehouse.write('late.yaml', [
      ingress('late', 'late.test', [{ path: '/', service: 'web' }], { spec: { tls: [{ hosts: ['late.test'], secretName: 'late' }] } }),
      secretOf('late', makeLeaf(authority, 'late.test')),
    ]);
    for (const version of VERSIONS) assert.equal((await world.visit('late.test', version, { offer: version })).isResumed, false, version);
  });

  test('ssl-session-tickets: "false" turns them off, and what was begun before counts no more', async (t) => {
    const world = await startWorld(t);
    for (const version of VERSIONS) await world.visit('open.test', version, { save: `on${version}` });
    await world.set({ 'ssl-session-tickets': 'false' });
    for (const version of VERSIONS) {
      assert.equal((await world.visit('open.test', version, { offer: `on${version}`, save: `off${version}` })).isResumed, false, version);
      if (!existsSync(world.files.path(`off${version}`))) continue;
      assert.equal((await world.visit('open.test', version, { offer: `off${version}` })).isResumed, false, version);
    }
    await world.set({});
    for (const version of VERSIONS) assert.ok((await world.visit('open.test', version, { offer: `on${version}` })).isResumed, version);
  });

  test('take no early data', async (t) => {
    const world = await startWorld(t);
    const { text } = await world.visit('open.test', '-tls1_3', { save: 'session' });
    assert.match(text, /Max Early Data: 0/);
    // openssl sends none where the server allows none, so the saved session is made to say otherwise.
    const session = world.files.path('session');
    await writeFile(session, allowEarlyData(await readFile(session, 'utf8')));
    await writeFile(world.files.path('early'), getOnce('open.test'));
    const flags = ['-tls1_3', '-sess_in', session, '-early_data', world.files.path('early')];
    const early = await openssl({ port: world.gatehouse.https, serverName: 'open.test', flags });
    assert.match(early.text, /Early data was rejected/);
    assert.deepEqual([early.isSecure, early.status], [true, null]);
    assert.equal(world.backend.requests.length, 1, 'only the first visit reached the backend');
  });

  test('of TLS 1.2 are not renegotiated', async (t) => {
    const world = await startWorld(t);
    for (const host of ['open.test', 'guarded.test']) {
      const { isSecure, text } = await openssl({ port: world.gatehouse.https, serverName: host, keyboard: 'R\n', flags: ['-tls1_2'] });
      assert.ok(isSecure);
      assert.match(text, /RENEGOTIATING/);
      assert.match(text, /no renegotiation|unexpected eof|errno=104/, text);
    }
  });
});
