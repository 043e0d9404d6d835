import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { suite, test, type TestContext } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import type { V1Secret } from '@kubernetes/client-node';
import { makeAuthority, makeLeaf, type Issued } from '../support/certificates.ts';
import type { Gatehouse } from '../support/gatehouse.ts';
import { ingress, service, tlsSecret, type Manifest } from '../support/manifests.ts';
import { lacks } from '../support/requirement.ts';
import { backendFor, serve } from '../support/serve.ts';

const HOUR_MS = 3_600_000;
const authority = makeAuthority();

/** What `openssl s_client` says of the certificate it is served. */
interface Served {
  readonly commonName: string;
  readonly verifyCode: number;
}

async function sClient(port: number, serverName: string | null): Promise<Served> {
  const name = serverName === null ? ['-noservername'] : ['-servername', serverName];
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...name], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  await once(child, 'close');
  return {
    commonName: /^subject=.*CN ?= ?([^,\n]+)/m.exec(text)?.[1] ?? '',
    verifyCode: Number(/Verify return code: (\d+)/.exec(text)?.[1] ?? -1),
  };
}

function secretOf(name: string, leaf: Issued, key = leaf.privateKeyPem): V1Secret {
  return tlsSecret(name, { certificate: leaf.chainPem, key });
}

function hosts(...entries: readonly (readonly [host: string, secretName: string])[]): Manifest[] {
  return entries.map(([host, secretName]) =>
    ingress(secretName, host, [{ path: '/', service: 'web' }], { spec: { tls: [{ hosts: [host], secretName }] } }),
  );
}

const DEFAULT = /Fake Certificate|Gatehouse|gatehouse|default/i;

suite('openssl s_client', { skip: lacks('openssl') }, () => {
  test('through a whole Gatehouse', async (t: TestContext) => {
    const backend = await backendFor(t, 'web');
    const exact = makeLeaf(authority, 'exact.test');
    const expired = makeLeaf(authority, 'expired.test', { notBeforeMs: Date.now() - 2 * HOUR_MS, notAfterMs: Date.now() - HOUR_MS });
    const gatehouse = await serve(t, [
      ...hosts(['exact.test', 'exact'], ['*.wild.test', 'wild'], ['expired.test', 'expired'], ['mismatched.test', 'mismatched'], ['missing.test', 'missing']),
      ...service('web', [backend]),
      secretOf('exact', exact),
      secretOf('wild', makeLeaf(authority, '*.wild.test')),
      secretOf('expired', expired),
      secretOf('mismatched', makeLeaf(authority, 'mismatched.test'), exact.privateKeyPem),
    ]);
    const { https } = gatehouse;

    for (const [says, serverName, expected] of [
      ['an exact name', 'exact.test', 'exact.test'],
      ['an exact name in upper case', 'EXACT.Test', 'exact.test'],
      ['one label under a wildcard', 'a.wild.test', '*.wild.test'],
      ['one label under a wildcard in upper case', 'A.WILD.TEST', '*.wild.test'],
    ] as const) {
      await t.test(`${says} gets its certificate`, async () => {
        assert.equal((await sClient(https, serverName)).commonName, expected);
      });
    }
    for (const [says, serverName] of [
      ['two labels under a wildcard', 'b.a.wild.test'],
      ['the domain of a wildcard', 'wild.test'],
      ['no name', null],
      ['an unknown name', 'unknown.test'],
      ['a name whose Secret has a key of another certificate', 'mismatched.test'],
      ['a name whose Secret is missing', 'missing.test'],
    ] as const) {
      await t.test(`${says} gets the default certificate`, async () => {
        assert.match((await sClient(https, serverName)).commonName, DEFAULT);
      });
    }
    await t.test('an expired certificate is served as it is, and reported', async () => {
      const { commonName, verifyCode } = await sClient(https, 'expired.test');
      assert.equal(commonName, 'expired.test');
      assert.notEqual(verifyCode, 0);
      const { problems } = (await gatehouse.api('/api/v1/status')) as { readonly problems: readonly { readonly object: unknown; readonly rule: string }[] };
      const about = (name: string): boolean => problems.some((problem) => JSON.stringify(problem.object).includes(name));
      assert.ok(about('expired') && about('mismatched') && about('missing'), JSON.stringify(problems));
    });
    await t.test('a replaced Secret is served to new connections, and open ones go on', () => replaceSecret(t, gatehouse, exact));
  });
});

async function replaceSecret(t: TestContext, gatehouse: Gatehouse, old: Issued): Promise<void> {
  await gatehouse.write('next.yaml', [...hosts(['next.test', 'next']), secretOf('next', makeLeaf(authority, 'next.test'))]);
  assert.equal((await sClient(gatehouse.https, 'next.test')).commonName, 'next.test');
  const open = connect({ host: '127.0.0.1', port: gatehouse.https, servername: 'next.test', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  t.after(() => open.destroy());
  await once(open, 'secureConnect');
  await ask(open);
  const before = makeLeaf(authority, 'next.test', { dnsNames: ['next.test', 'second.test'] });
  await gatehouse.write('next.yaml', [...hosts(['next.test', 'next']), secretOf('next', before)]);
  const peer = connect({ host: '127.0.0.1', port: gatehouse.https, servername: 'next.test', rejectUnauthorized: false });
  t.after(() => peer.destroy());
  await once(peer, 'secureConnect');
  assert.match(peer.getPeerX509Certificate()?.subjectAltName ?? '', /second\.test/);
  await ask(open);
  assert.equal((await sClient(gatehouse.https, 'exact.test')).commonName, old.commonName);
}

/** A request of an open connection, answered whole. */
async function ask(socket: TLSSocket): Promise<void> {
  socket.write('GET / HTTP/1.1\r\nHost: next.test\r\n\r\n');
  let octets = '';
  while (!/\r\n\r\n[^]*\}$/.test(octets)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    octets += chunk.toString('latin1');
  }
  assert.match(octets, /^HTTP\/1\.1 200 /);
}
