import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { makeAuthority, makeLeaf } from '../../test/support/certificates.ts';
import {
  applyNames, captureClientHello, commonName, connectTls, echo, servedName, startEchoServer, startRelay,
} from '../../test/support/tlsServer.ts';

const authority = makeAuthority();
const names = {
  default: makeLeaf(authority, 'default.test'),
  'a.test': makeLeaf(authority, 'a.test'),
  'rsa.test': makeLeaf(authority, 'rsa.test', { keyType: 'rsa' }),
  'ed25519.test': makeLeaf(authority, 'ed25519.test', { keyType: 'ed25519' }),
  '*.w.test': makeLeaf(authority, '*.w.test'),
};

const choices: readonly [string, string][] = [
  ['a.test', 'a.test'], ['A.Test', 'a.test'], ['a.test.', 'a.test'], ['x.w.test', '*.w.test'], ['X.W.TEST.', '*.w.test'],
  ['y.x.w.test', 'default.test'], ['w.test', 'default.test'], ['b.test', 'default.test'], ['', 'default.test'],
  ['*.w.test', 'default.test'], ['b\u00fccher.test', 'default.test'], [`${'a'.repeat(240)}.w.test`, 'default.test'],
];
for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const [servername, expected] of choices) {
    test(`${maxVersion}: server name ${JSON.stringify(servername.slice(0, 20))} gets ${expected}`, async (t) => {
      const { port } = await startEchoServer(t, names);
      assert.equal(await servedName(t, port, { servername, maxVersion }), expected);
    });
  }

  test(`${maxVersion}: default and named certificates with different kinds of key never stand in for each other`, async (t) => {
    for (const keyType of ['ec', 'rsa'] as const) {
      const { port } = await startEchoServer(t, { ...names, default: makeLeaf(authority, 'default.test', { keyType }) });
      for (const sigalgs of ['ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:ed25519', 'rsa_pss_rsae_sha256:ed25519:ecdsa_secp256r1_sha256']) {
        const options = { maxVersion, sigalgs };
        assert.equal(await servedName(t, port, { ...options, servername: 'a.test' }), 'a.test');
        assert.equal(await servedName(t, port, { ...options, servername: 'rsa.test' }), 'rsa.test');
        assert.equal(await servedName(t, port, { ...options, servername: 'ed25519.test' }), 'ed25519.test');
        assert.equal(await servedName(t, port, options), 'default.test');
      }
    }
  });
}

const resumptionVersions = ['TLSv1.2', 'TLSv1.3'] as const;

/** A session as a client of `servername` keeps it. */
async function sessionOf(t: TestContext, port: number, options: ConnectionOptions): Promise<Buffer | undefined> {
  const first = await connectTls(t, port, options);
  const sessions: Buffer[] = [];
  first.on('session', (session: Buffer) => sessions.push(session));
  await echo(first, 'tickets come before the first data');
  return sessions.at(-1) ?? first.getSession();
}

for (const maxVersion of resumptionVersions) {
  test(`${maxVersion}: a session of one host offered for itself is resumed, for another it leads to a full handshake`, async (t) => {
    const { port, secured } = await startEchoServer(t, names);
    const session = await sessionOf(t, port, { servername: 'a.test', maxVersion });
    for (const servername of ['x.w.test', 'rsa.test', 'a.test', '', 'other.test']) {
      const second = await connectTls(t, port, { servername, maxVersion, ...(session === undefined ? {} : { session }) });
      assert.equal(second.isSessionReused(), servername === 'a.test', servername);
      const expected = servername === '' || servername === 'other.test' ? 'default.test' : servername.replace('x.', '*.');
      if (servername !== 'a.test') assert.equal(commonName(second), expected);
      await echo(second, 'served');
      assert.equal(secured.at(-1)?.certificate, expected === 'default.test' ? 'default' : `test/${expected}`);
    }
  });

  test(`${maxVersion}: a session is resumed by another server with the same secret, by none with another or another half day`, async (t) => {
    const first = await startEchoServer(t, names, { wallClock: () => 0 });
    const session = await sessionOf(t, first.port, { servername: 'a.test', maxVersion });
    const reused = async (options: Parameters<typeof startEchoServer>[2]): Promise<boolean> => {
      const { port } = await startEchoServer(t, names, options);
      const client = await connectTls(t, port, { servername: 'a.test', maxVersion, ...(session === undefined ? {} : { session }) });
      await echo(client, 'served');
      return client.isSessionReused();
    };
    assert.equal(await reused({ wallClock: () => 1000 }), true);
    assert.equal(await reused({ wallClock: () => 13 * 3_600_000 }), false);
    assert.equal(await reused({ wallClock: () => 0, ticketSecret: Buffer.alloc(32, 'another') }), false);
    assert.equal(await reused({ wallClock: () => 0, sessionTickets: false }), false);
  });

  test(`${maxVersion}: keys change with the half day under a running server`, async (t) => {
    let nowMs = 0;
    const { port } = await startEchoServer(t, names, { wallClock: () => nowMs });
    const options = { servername: 'a.test', maxVersion };
    const session = await sessionOf(t, port, options);
    nowMs = 12 * 3_600_000;
    const later = await connectTls(t, port, { ...options, ...(session === undefined ? {} : { session }) });
    assert.equal(later.isSessionReused(), false);
    const renewed = await sessionOf(t, port, options);
    const again = await connectTls(t, port, { ...options, ...(renewed === undefined ? {} : { session: renewed }) });
    assert.equal(again.isSessionReused(), true);
  });

  test(`${maxVersion}: without tickets no session is resumed`, async (t) => {
    const { port } = await startEchoServer(t, names, { sessionTickets: false });
    const session = await sessionOf(t, port, { servername: 'a.test', maxVersion });
    const second = await connectTls(t, port, { servername: 'a.test', maxVersion, ...(session === undefined ? {} : { session }) });
    assert.equal(second.isSessionReused(), false);
  });
}

test('before the first certificate handshakes fail cleanly, afterwards the same server serves', async (t) => {
  const server = await startEchoServer(t, {});
  for (const servername of ['', 'a.test']) {
    await assert.rejects(connectTls(t, server.port, { servername }), { code: 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE' });
  }
  assert.equal(server.failures.length, 2);
  applyNames(server.certificates, names);
  assert.equal(await servedName(t, server.port), 'default.test');
  assert.equal(await servedName(t, server.port, { servername: 'a.test' }), 'a.test');
});

test('a changed certificate is served to new connections while an old one goes on undisturbed', async (t) => {
  const { port, certificates } = await startEchoServer(t, names);
  const open = [await connectTls(t, port, { servername: 'a.test' }), await connectTls(t, port)];
  const before = open.map((socket) => socket.getPeerX509Certificate()?.fingerprint256);
  for (let round = 0; round < 3; round += 1) {
    const renewed = { 'a.test': makeLeaf(authority, 'a.test'), default: makeLeaf(authority, 'default.test') };
    applyNames(certificates, renewed);
    const [named, unnamed] = [await connectTls(t, port, { servername: 'a.test' }), await connectTls(t, port)];
    assert.equal(named.getPeerX509Certificate()?.fingerprint256, new X509Certificate(renewed['a.test'].certificatePem).fingerprint256);
    assert.equal(unnamed.getPeerX509Certificate()?.fingerprint256, new X509Certificate(renewed.default.certificatePem).fingerprint256);
    for (const socket of open) await echo(socket, `round ${round}`);
  }
  assert.deepEqual(open.map((socket) => socket.getPeerX509Certificate()?.fingerprint256), before);
});

test('a certificate OpenSSL refuses costs its own name only', async (t) => {
  const server = await startEchoServer(t, { ...names, 'weak.test': makeLeaf(null, 'weak.test', { keyType: 'rsa1024' }) });
  assert.equal(await servedName(t, server.port, { servername: 'weak.test' }), 'default.test');
  assert.equal(await servedName(t, server.port, { servername: 'weak.test' }), 'default.test');
  assert.equal(await servedName(t, server.port, { servername: 'a.test' }), 'a.test');
  assert.equal(server.refusals.length, 1);
});

test('the whole chain is sent, so that a client with only the root verifies it', async (t) => {
  const { port } = await startEchoServer(t, names);
  for (const servername of ['a.test', 'x.w.test', 'rsa.test', 'ed25519.test']) {
    const socket = await connectTls(t, port, { servername, ca: authority.certificatePem, rejectUnauthorized: true });
    assert.equal(socket.authorized, true);
  }
});

const agreements: readonly [readonly string[] | null, string | false][] = [
  [['http/1.1'], 'http/1.1'], [['h2', 'http/1.1'], 'http/1.1'], [['http/1.0'], 'http/1.0'], [['http/1.0', 'http/1.1'], 'http/1.1'], [null, false],
];
for (const [offered, agreed] of agreements) {
  test(`ALPN: a client that offers ${offered?.join(', ') ?? 'nothing'} gets ${agreed || 'no protocol'}`, async (t) => {
    const { port } = await startEchoServer(t, names);
    const socket = await connectTls(t, port, offered === null ? {} : { ALPNProtocols: [...offered] });
    assert.equal(socket.alpnProtocol, agreed);
  });
}

test('ALPN: a client that offers only a protocol not served is refused', async (t) => {
  const { port } = await startEchoServer(t, names);
  await assert.rejects(connectTls(t, port, { ALPNProtocols: ['h2'] }), /no application protocol/);
});

test('the post-quantum group and the three classical ones are taken, others refused', async (t) => {
  const { port } = await startEchoServer(t, names);
  for (const ecdhCurve of ['X25519MLKEM768', 'X25519', 'P-256', 'P-384']) await connectTls(t, port, { ecdhCurve });
  await assert.rejects(connectTls(t, port, { ecdhCurve: 'P-521' }), /handshake failure/);
});

/** Waits until the peer has closed the connection, by FIN or RST. */
/** Whether by an end or by a reset: octets under way when the server closes are answered by one, and `once` would throw it. */
function closed(socket: Socket): Promise<void> {
  socket.on('error', () => socket.destroy()).resume();
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

test('a connection that never sends anything is cut by the handshake timeout', async (t) => {
  const server = await startEchoServer(t, names, { handshakeTimeoutMs: 50 });
  const failure = server.nextFailure();
  await closed(connectTcp(server.port, '127.0.0.1'));
  assert.deepEqual(await failure, { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' });
});

test('a connection that sends its ClientHello octet by octet for ever is cut by the same timeout', async (t) => {
  const server = await startEchoServer(t, names, { handshakeTimeoutMs: 100 });
  const hello = await captureClientHello(t, { servername: 'a.test' });
  const failure = server.nextFailure();
  const socket = connectTcp({ port: server.port, host: '127.0.0.1', noDelay: true });
  let sent = 0;
  // The last octet is never sent.
  const timer = setInterval(() => sent < hello.length - 1 && socket.write(hello.subarray(sent, (sent += 1))), 5);
  await closed(socket);
  clearInterval(timer);
  assert.deepEqual(await failure, { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' });
});

test('an idle connection is not cut once its handshake is done', async (t) => {
  const server = await startEchoServer(t, names, { handshakeTimeoutMs: 50 });
  const idle = await connectTls(t, server.port);
  await closed(connectTcp(server.port, '127.0.0.1'));
  await echo(idle, 'still here');
});

const garbage: readonly [string, Buffer][] = [
  ['plain HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')],
  ['zero octets', Buffer.alloc(64)],
  ['SSH', Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')],
  ['a record that claims 65535 octets', Buffer.from('160301ffff0100', 'hex')],
  ['an alert', Buffer.from('15030100020100', 'hex')],
  ['application data', Buffer.concat([Buffer.from('1703030010', 'hex'), Buffer.alloc(16)])],
  ['a ClientHello that ends inside its extensions', Buffer.from(`16030100050100000100`, 'hex')],
];
for (const [what, octets] of garbage) {
  test(`${what} instead of a ClientHello ends that connection only`, async (t) => {
    const server = await startEchoServer(t, names, { handshakeTimeoutMs: 200 });
    const socket = connectTcp(server.port, '127.0.0.1');
    socket.write(octets);
    await closed(socket);
    assert.equal(server.failures.length, 1);
    assert.equal(await servedName(t, server.port, { servername: 'a.test' }), 'a.test');
  });
}

test('a client that leaves in the middle of its ClientHello is counted and forgotten', async (t) => {
  const server = await startEchoServer(t, names);
  const hello = await captureClientHello(t, { servername: 'a.test' });
  for (const length of [1, 5, 6, 60, hello.length - 1]) {
    const failure = server.nextFailure();
    const socket = connectTcp(server.port, '127.0.0.1');
    socket.end(hello.subarray(0, length));
    await closed(socket);
    assert.equal((await failure).code, 'ECONNRESET');
  }
  assert.equal(server.connections(), 0);
});

/** Writes in single octets, each in a TCP segment of its own as far as the kernel lets it. */
async function dribble(chunk: Buffer, toServer: Socket): Promise<void> {
  for (const octet of chunk) {
    toServer.write(Buffer.of(octet));
    await new Promise(setImmediate);
  }
}

for (const options of [{ maxVersion: 'TLSv1.2' }, { ecdhCurve: 'X25519MLKEM768:X25519' }, { ecdhCurve: 'P-384' }] satisfies ConnectionOptions[]) {
  test(`a ClientHello in single octets gets its certificate (${JSON.stringify(options)})`, async (t) => {
    const { port } = await startEchoServer(t, names);
    const relay = await startRelay(t, port, dribble);
    assert.equal(await servedName(t, relay, { servername: 'a.test', ...options }), 'a.test');
  });
}

for (const fragmentBytes of [1, 3, 64, 500]) {
  test(`a ClientHello spread over TLS records of ${fragmentBytes} octets gets its certificate, never the default`, async (t) => {
    const { port } = await startEchoServer(t, names);
    let first = true;
    const relay = await startRelay(t, port, async (chunk, toServer) => {
      toServer.write(first ? fragmentRecord(chunk, fragmentBytes) : chunk);
      first = false;
    });
    assert.equal(await servedName(t, relay, { servername: 'a.test' }), 'a.test');
  });
}

/** Re-frames one handshake record as many (RFC 8446 5.1 allows it). */
function fragmentRecord(record: Buffer, fragmentBytes: number): Buffer {
  const fragments: Buffer[] = [];
  for (let at = 5; at < record.length; at += fragmentBytes) {
    const fragment = record.subarray(at, at + fragmentBytes);
    fragments.push(Buffer.of(0x16, 0x03, 0x01, fragment.length >> 8, fragment.length & 0xff), fragment);
  }
  return Buffer.concat(fragments);
}

const PLACEHOLDER = 'placeholder.test';
const wireNames: readonly [string, Buffer][] = [
  ['empty', Buffer.alloc(0)],
  ['with a NUL', Buffer.from('a.test\0.evil')],
  ['of NULs', Buffer.alloc(20)],
  ['of 0xff', Buffer.alloc(20, 0xff)],
  ['UTF-8', Buffer.from('b\u00fccher.w.test')],
  ['with a full-width dot', Buffer.from('x\uff0ew.test')],
  ['of 255 octets', Buffer.from(`${'a'.repeat(248)}.w.test`)],
  ['of 256 octets', Buffer.from(`${'a'.repeat(249)}.w.test`)],
  ['of 4000 octets', Buffer.from(`${'a.'.repeat(1997)}w.test`)],
  ['an IPv4 address', Buffer.from('127.0.0.1')],
  ['an IPv6 address', Buffer.from('::1')],
  ['a wildcard', Buffer.from('*.w.test')],
  ['__proto__', Buffer.from('__proto__')],
];
for (const [what, name] of wireNames) {
  test(`a server name on the wire that is ${what} gets the default certificate or an alert`, async (t) => {
    const server = await startEchoServer(t, names);
    const hello = await captureClientHello(t, { servername: PLACEHOLDER, maxVersion: 'TLSv1.2' });
    const socket = connectTcp(server.port, '127.0.0.1');
    socket.write(replaceServerName(hello, name));
    const [answer] = await once(socket, 'data') as [Buffer];
    socket.destroy();
    const served = Object.entries(names).filter(([, leaf]) => answer.includes(new X509Certificate(leaf.certificatePem).raw));
    // 0x15: alert record; 0x16: handshake record, with the certificate in the clear.
    if (answer[0] !== 0x15) assert.deepEqual(served.map(([pattern]) => pattern), ['default']);
    assert.equal(await servedName(t, server.port, { servername: 'a.test' }), 'a.test');
  });
}

test('the rewritten ClientHello is one the server understands', async (t) => {
  const { port } = await startEchoServer(t, names);
  const hello = await captureClientHello(t, { servername: PLACEHOLDER, maxVersion: 'TLSv1.2' });
  const socket = connectTcp(port, '127.0.0.1');
  socket.write(replaceServerName(hello, Buffer.from('x.w.test')));
  const [answer] = await once(socket, 'data') as [Buffer];
  socket.destroy();
  assert.ok(answer.includes(new X509Certificate(names['*.w.test'].certificatePem).raw));
});

/** Puts other octets in place of the placeholder and corrects the six lengths around it. */
function replaceServerName(hello: Buffer, name: Buffer): Buffer {
  const at = hello.indexOf(PLACEHOLDER);
  const growth = name.length - PLACEHOLDER.length;
  const grown = Buffer.concat([hello.subarray(0, at), name, hello.subarray(at + PLACEHOLDER.length)]);
  // Record, handshake message (its low 16 bits); name, list and extension just before the name.
  for (const offset of [3, 7, at - 2, at - 5, at - 7, extensionsAt(hello)]) {
    grown.writeUInt16BE(hello.readUInt16BE(offset) + growth, offset);
  }
  return grown;
}

/** Offset of the length of the extensions: after version, random, session id, suites and compression methods. */
function extensionsAt(hello: Buffer): number {
  const suitesAt = 44 + hello.readUInt8(43);
  const compressionAt = suitesAt + 2 + hello.readUInt16BE(suitesAt);
  return compressionAt + 1 + hello.readUInt8(compressionAt);
}

test('mutated ClientHellos never disturb the server', async (t) => {
  const seed = Number(process.env['GATEHOUSE_SEED'] ?? Date.now() % 1_000_000);
  console.log(`seed ${seed} (GATEHOUSE_SEED)`);
  let state = seed >>> 0;
  const random = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 8;
  const server = await startEchoServer(t, names, { handshakeTimeoutMs: 200 });
  const hello = await captureClientHello(t, { servername: 'a.test' });
  const attempts = Array.from({ length: 200 }, () => {
    const mutated = Buffer.from(hello);
    for (let flips = 0; flips <= random() % 4; flips += 1) mutated.writeUInt8(random() & 0xff, random() % mutated.length);
    return attempt(t, server.port, mutated);
  });
  await Promise.all(attempts);
  assert.equal(await servedName(t, server.port, { servername: 'a.test' }), 'a.test');
});

async function attempt(t: TestContext, port: number, octets: Buffer): Promise<void> {
  const socket = connectTcp(port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('data', () => socket.destroy());
  socket.write(octets);
  await closed(socket);
}

test('a client that half-closes after its request still gets an answer given later', async (t) => {
  const { port } = await startEchoServer(t, names, {
    onConnection: (socket) => socket.resume().on('end', () => setImmediate(() => socket.end('late answer'))),
  });
  const socket = await connectTls(t, port);
  socket.end('request');
  const [chunk] = await once(socket, 'data') as [Buffer];
  assert.equal(chunk.toString(), 'late answer');
});
