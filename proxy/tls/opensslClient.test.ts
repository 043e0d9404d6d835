import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { makeAuthority, makeLeaf } from '../../test/support/certificates.ts';
import { lacks } from '../../test/support/requirement.ts';
import { servedName, startEchoServer } from '../../test/support/tlsServer.ts';

/** The server seen by somebody else's TLS: `openssl s_client`. */
const skip = lacks('openssl');

const authority = makeAuthority();
const names = {
  default: makeLeaf(authority, 'default.test'),
  'a.test': makeLeaf(authority, 'a.test'),
  'rsa.test': makeLeaf(authority, 'rsa.test', { keyType: 'rsa' }),
  '*.w.test': makeLeaf(authority, '*.w.test'),
};

interface ClientResult {
  /** Everything the client printed. */
  readonly text: string;
  readonly status: number | null;
  /** Common name of the certificate it got; empty when it got none. */
  readonly served: string;
}

interface ClientInput {
  /** Written once the handshake is done; then the client's input is closed. */
  readonly afterHandshake?: string;
}

/** Runs s_client to its end. */
async function sClient(port: number, args: readonly string[], input: ClientInput = {}): Promise<ClientResult> {
  const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args], { stdio: 'pipe' });
  let text = '';
  let told = false;
  const onText = (chunk: Buffer): void => {
    text += chunk.toString('latin1');
    if (told || !text.includes('Verify return code')) return;
    told = true;
    client.stdin.end(input.afterHandshake ?? 'Q\n');
  };
  client.stdout.on('data', onText);
  client.stderr.on('data', onText);
  // The client may be gone before it has read its input.
  client.stdin.on('error', () => client.stdin.destroy());
  const [status] = await once(client, 'close') as [number | null];
  return { text, status, served: /subject=CN ?= ?(\S+)/.exec(text)?.[1] ?? '' };
}

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-tls-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

const versions = ['-tls1_2', '-tls1_3'];
const choices: readonly [string | null, string][] = [
  ['a.test', 'a.test'], ['A.TEST', 'a.test'], ['a.test.', 'a.test'], ['rsa.test', 'rsa.test'], ['x.w.test', '*.w.test'],
  ['y.x.w.test', 'default.test'], ['other.test', 'default.test'], [null, 'default.test'],
];
for (const version of versions) {
  for (const [servername, expected] of choices) {
    test(`s_client ${version} with server name ${servername ?? '(none)'} gets ${expected}`, { skip }, async (t) => {
      const { port } = await startEchoServer(t, names);
      const result = await sClient(port, [version, ...(servername === null ? ['-noservername'] : ['-servername', servername])]);
      assert.equal(result.served, expected);
    });
  }
}

test('s_client verifies chain and host name', { skip }, async (t) => {
  const { port } = await startEchoServer(t, names);
  const ca = join(await temporaryFolder(t), 'ca.pem');
  await writeFile(ca, authority.certificatePem);
  for (const host of ['a.test', 'x.w.test', 'rsa.test']) {
    const result = await sClient(port, ['-servername', host, '-verify_hostname', host, '-CAfile', ca, '-verify_return_error']);
    assert.match(result.text, /Verify return code: 0 \(ok\)/);
    assert.equal(result.status, 0);
  }
});

for (const version of ['-tls1', '-tls1_1']) {
  test(`s_client ${version} is refused with a protocol version alert`, { skip }, async (t) => {
    const { port, failures } = await startEchoServer(t, names);
    const result = await sClient(port, [version, '-cipher', 'ALL:@SECLEVEL=0']);
    assert.match(result.text, /alert protocol version/);
    assert.deepEqual(failures, [{ code: 'ERR_SSL_UNSUPPORTED_PROTOCOL' }]);
  });
}

const suites = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'];
for (const [host, prefix] of [['a.test', 'ECDHE-ECDSA'], ['rsa.test', 'ECDHE-RSA']] as const) {
  for (const suite of suites.map((rest) => `${prefix}-${rest}`)) {
    test(`TLS 1.2 with ${suite} is served`, { skip }, async (t) => {
      const { port } = await startEchoServer(t, names);
      const result = await sClient(port, ['-tls1_2', '-servername', host, '-cipher', suite]);
      assert.match(result.text, new RegExp(`Cipher is ${suite}`));
      assert.equal(result.served, host);
    });
  }
}

for (const suite of ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']) {
  test(`TLS 1.3 with ${suite} is served`, { skip }, async (t) => {
    const { port } = await startEchoServer(t, names);
    const result = await sClient(port, ['-tls1_3', '-servername', 'a.test', '-ciphersuites', suite]);
    assert.match(result.text, new RegExp(`Cipher is ${suite}`));
  });
}

const refusedSuites = ['AES128-GCM-SHA256', 'ECDHE-RSA-AES128-SHA256', 'ECDHE-RSA-AES256-SHA', 'DHE-RSA-AES128-GCM-SHA256', 'AES128-SHA', 'PSK-AES128-GCM-SHA256', 'AECDH-AES128-SHA'];
for (const suite of refusedSuites) {
  test(`TLS 1.2 with only ${suite} is refused`, { skip }, async (t) => {
    const { port, failures } = await startEchoServer(t, names);
    const result = await sClient(port, ['-tls1_2', '-servername', 'rsa.test', '-cipher', `${suite}:@SECLEVEL=0`]);
    assert.match(result.text, /Cipher is \(NONE\)/);
    assert.equal(failures.length, 1);
  });
}

test('the client\'s order of suites counts', { skip }, async (t) => {
  const { port } = await startEchoServer(t, names);
  for (const order of [suites, suites.toReversed()]) {
    const list = order.map((rest) => `ECDHE-ECDSA-${rest}`);
    const result = await sClient(port, ['-tls1_2', '-servername', 'a.test', '-cipher', list.join(':')]);
    assert.match(result.text, new RegExp(`Cipher is ${list[0]}`));
  }
});

test('renegotiation asked for by the client is refused, other connections go on', { skip }, async (t) => {
  const { port, connections } = await startEchoServer(t, names);
  const result = await sClient(port, ['-tls1_2', '-servername', 'a.test'], { afterHandshake: 'R\n' });
  assert.match(result.text, /RENEGOTIATING/);
  assert.match(result.text, /no renegotiation/);
  assert.notEqual(result.status, 0);
  assert.equal(connections(), 1);
  assert.equal(await servedName(t, port, { servername: 'a.test' }), 'a.test');
});

for (const version of versions) {
  test(`s_client ${version}: a saved session is resumed by another server of the same secret, for its own host only`, { skip }, async (t) => {
    const [{ port }, other] = [await startEchoServer(t, names), await startEchoServer(t, names)];
    const file = join(await temporaryFolder(t), 'session.pem');
    const first = await sClient(port, [version, '-servername', 'a.test', '-sess_out', file], { afterHandshake: 'tickets come first\nQ\n' });
    assert.match(first.text, /New, TLS/);
    for (const host of ['a.test', 'x.w.test', 'rsa.test', 'other.test']) {
      const second = await sClient(other.port, [version, '-servername', host, '-sess_in', file]);
      if (host === 'a.test') assert.match(second.text, /Reused, TLS/);
      else assert.doesNotMatch(second.text, /Reused, TLS/);
      assert.equal(other.secured.at(-1)?.certificate, host === 'x.w.test' ? 'test/*.w.test' : host === 'other.test' ? 'default' : `test/${host}`);
    }
  });
}

test('without tickets TLS 1.2 gives none; TLS 1.3 allows no early data in any case', { skip }, async (t) => {
  const { port } = await startEchoServer(t, names);
  const silent = await startEchoServer(t, names, { sessionTickets: false });
  const old = await sClient(silent.port, ['-tls1_2', '-servername', 'a.test']);
  assert.doesNotMatch(old.text, /TLS session ticket:/);
  const now = await sClient(port, ['-tls1_3', '-servername', 'a.test'], { afterHandshake: 'tickets come first\nQ\n' });
  assert.match(now.text, /Max Early Data: 0\n/);
  assert.doesNotMatch(now.text, /Max Early Data: [1-9]/);
});
