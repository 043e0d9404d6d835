import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { captureClientHello } from '../../test/support/tlsServer.ts';
import { lacks } from '../../test/support/requirement.ts';
import { ClientHelloReader, type ClientHelloResult } from './clientHello.ts';

function read(...chunks: readonly Buffer[]): ClientHelloResult {
  const reader = new ClientHelloReader();
  let result: ClientHelloResult = { type: 'incomplete' };
  for (const chunk of chunks) result = reader.push(chunk);
  assert.deepEqual(reader.octets(), Buffer.concat(chunks));
  return result;
}

const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
const vector16 = (...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  return Buffer.concat([u16(content.length), content]);
};
const vector8 = (content: Buffer): Buffer => Buffer.concat([Buffer.of(content.length), content]);
const extension = (type: number, data: Buffer): Buffer => Buffer.concat([u16(type), vector16(data)]);
const serverName = (name: Buffer, nameType = 0): Buffer => extension(0, vector16(Buffer.of(nameType), vector16(name)));
const alpn = (...names: readonly string[]): Buffer => extension(16, vector16(...names.map((name) => vector8(Buffer.from(name)))));

interface Parts {
  readonly version?: number;
  readonly sessionId?: Buffer;
  readonly suites?: Buffer;
  readonly compression?: Buffer;
  /** Null: the hello ends before its extensions. */
  readonly extensions?: readonly Buffer[] | null;
  readonly behind?: Buffer;
}

/** The body of a ClientHello, without message header. */
function bodyOf(parts: Parts): Buffer {
  const { extensions = [] } = parts;
  return Buffer.concat([
    u16(parts.version ?? 0x0303),
    Buffer.alloc(32, 7),
    vector8(parts.sessionId ?? Buffer.alloc(32, 1)),
    vector16(parts.suites ?? Buffer.from('130113021303', 'hex')),
    vector8(parts.compression ?? Buffer.of(0)),
    extensions === null ? Buffer.alloc(0) : vector16(...extensions),
    parts.behind ?? Buffer.alloc(0),
  ]);
}

function messageOf(body: Buffer, type = 1): Buffer {
  return Buffer.concat([Buffer.of(type, 0), u16(body.length), body]);
}

/** A message in records of at most `fragmentBytes`. */
function records(message: Buffer, fragmentBytes = 16_384): Buffer {
  const fragments: Buffer[] = [];
  for (let at = 0; at < message.length; at += fragmentBytes) {
    fragments.push(Buffer.of(22, 3, 1), vector16(message.subarray(at, at + fragmentBytes)));
  }
  return Buffer.concat(fragments);
}

const hello = (parts: Parts): Buffer => records(messageOf(bodyOf(parts)));
const GREASE = extension(0x1a1a, Buffer.alloc(1));
const ordinary = hello({ extensions: [GREASE, serverName(Buffer.from('Shop.test')), alpn('h2', 'http/1.1'), extension(0x2a2a, Buffer.alloc(0))] });
const expected: ClientHelloResult = { type: 'hello', hello: { serverName: 'Shop.test', alpnProtocols: ['h2', 'http/1.1'] } };

test('server name and protocols are read as sent, among unknown extensions', () => {
  assert.deepEqual(read(ordinary), expected);
});

test('a hello split anywhere is read alike, and is never taken for whole before its last octet', () => {
  for (let at = 1; at < ordinary.length; at += 1) {
    const reader = new ClientHelloReader();
    assert.deepEqual(reader.push(ordinary.subarray(0, at)), { type: 'incomplete' }, `cut at ${at}`);
    assert.deepEqual(reader.push(ordinary.subarray(at)), expected, `split at ${at}`);
  }
});

test('a hello in single octets is read alike', () => {
  assert.deepEqual(read(...Array.from(ordinary, (octet) => Buffer.of(octet))), expected);
});

test('a hello spread over records of any size is read alike, in one read and in single octets', () => {
  const message = ordinary.subarray(5);
  for (let fragmentBytes = 1; fragmentBytes <= message.length; fragmentBytes += 1) {
    const fragmented = records(message, fragmentBytes);
    assert.deepEqual(read(fragmented), expected);
    assert.deepEqual(read(...Array.from(fragmented, (octet) => Buffer.of(octet))), expected);
  }
});

test('what follows the hello is kept and not looked at', () => {
  const reader = new ClientHelloReader();
  assert.deepEqual(reader.push(Buffer.concat([ordinary, Buffer.from('anything')])), expected);
  assert.deepEqual(reader.push(Buffer.from(' more')), expected);
  assert.equal(reader.octets().subarray(ordinary.length).toString(), 'anything more');
});

test('a hello without extensions, or without a server name, names none', () => {
  const none: ClientHelloResult = { type: 'hello', hello: { serverName: null, alpnProtocols: [] } };
  assert.deepEqual(read(hello({ extensions: null })), none);
  assert.deepEqual(read(hello({ extensions: [] })), none);
  assert.deepEqual(read(hello({ extensions: [GREASE] })), none);
});

test('names are handed on as octets: whether they are host names is for others to say', () => {
  for (const name of [Buffer.from('a\0b'), Buffer.alloc(256, 'a'), Buffer.from([0xff, 0x80]), Buffer.from('127.0.0.1')]) {
    assert.deepEqual(read(hello({ extensions: [serverName(name)] })), { type: 'hello', hello: { serverName: name.toString('latin1'), alpnProtocols: [] } });
  }
});

const LARGEST = 32_768;
const padded = (bytes: number): Buffer => {
  const empty = bodyOf({ extensions: [serverName(Buffer.from('shop.test')), extension(21, Buffer.alloc(0))] });
  return bodyOf({ extensions: [serverName(Buffer.from('shop.test')), extension(21, Buffer.alloc(bytes - empty.length))] });
};

test('the largest hello is read over several records, one octet more is refused by its length alone', () => {
  assert.equal(read(records(messageOf(padded(LARGEST)))).type, 'hello');
  assert.equal(read(records(messageOf(padded(LARGEST + 1))).subarray(0, 9)).type, 'invalid');
});

test('records without end are refused', () => {
  const reader = new ClientHelloReader();
  // One octet a record: six octets on the wire for each of the message.
  const wire = records(messageOf(padded(LARGEST)), 1);
  let at = 0;
  let result: ClientHelloResult = { type: 'incomplete' };
  for (; result.type === 'incomplete' && at < wire.length; at += 1000) result = reader.push(wire.subarray(at, at + 1000));
  assert.equal(result.type, 'invalid');
  assert.ok(at <= 132_000, String(at));
});

const malformed: readonly [string, Buffer][] = [
  ['an alert', Buffer.from('15030100020100', 'hex')],
  ['plain HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
  ['SSLv2', Buffer.from('802e0100020015', 'hex')],
  ['a record of version 2', Buffer.from('160200', 'hex')],
  ['an empty record', Buffer.from('1603010000', 'hex')],
  ['a record of 16385 octets', Buffer.from('1603014001', 'hex')],
  ['a ServerHello', records(messageOf(bodyOf({}), 2))],
  ['an empty message', Buffer.from('160301000401000000', 'hex')],
  ['a message of 16 MiB', Buffer.from('160301000401ffffff', 'hex')],
  ['version 2 in the hello', hello({ version: 0x0203 })],
  ['a session id of 33 octets', hello({ sessionId: Buffer.alloc(33) })],
  ['no cipher suites', hello({ suites: Buffer.alloc(0) })],
  ['half a cipher suite', hello({ suites: Buffer.alloc(3) })],
  ['no compression methods', hello({ compression: Buffer.alloc(0) })],
  ['octets behind the extensions', hello({ behind: Buffer.of(0) })],
  ['two server names extensions', hello({ extensions: [serverName(Buffer.from('a.test')), serverName(Buffer.from('b.test'))] })],
  ['an unknown extension twice', hello({ extensions: [GREASE, GREASE] })],
  ['two host names', hello({ extensions: [extension(0, vector16(Buffer.of(0), vector16(Buffer.from('a')), Buffer.of(0), vector16(Buffer.from('b'))))] })],
  ['a name of another type', hello({ extensions: [serverName(Buffer.from('a.test'), 1)] })],
  ['an empty name', hello({ extensions: [serverName(Buffer.alloc(0))] })],
  ['an empty list of names', hello({ extensions: [extension(0, u16(0))] })],
  ['an empty server name extension', hello({ extensions: [extension(0, Buffer.alloc(0))] })],
  ['octets behind the list of names', hello({ extensions: [extension(0, Buffer.concat([vector16(Buffer.of(0), vector16(Buffer.from('a'))), Buffer.of(0)]))] })],
  ['a name longer than its list', hello({ extensions: [extension(0, Buffer.from('0004000fff61', 'hex'))] })],
  ['an extension longer than the list', hello({ extensions: [Buffer.from('00000fff', 'hex')] })],
  ['a lone octet for an extension', hello({ extensions: [Buffer.of(0)] })],
  ['no protocols', hello({ extensions: [alpn()] })],
  ['an empty protocol', hello({ extensions: [alpn('h2', '')] })],
];
for (const [what, octets] of malformed) {
  test(`${what} is invalid, and stays so`, () => {
    const reader = new ClientHelloReader();
    assert.equal(reader.push(octets).type, 'invalid');
    assert.equal(reader.push(ordinary).type, 'invalid');
  });
}

test('a body cut anywhere inside, its lengths corrected to match, is invalid or names no server', () => {
  const body = bodyOf({ extensions: [serverName(Buffer.from('shop.test')), alpn('h2')] });
  for (let length = 1; length < body.length; length += 1) {
    const result = read(records(messageOf(body.subarray(0, length))));
    if (result.type === 'hello') assert.equal(result.hello.serverName, null);
  }
});

test('mutated hellos are judged without an exception, and a name found is made of octets that were sent', () => {
  const seed = Number(process.env['GATEHOUSE_SEED'] ?? Date.now() % 1_000_000);
  console.log(`seed ${seed} (GATEHOUSE_SEED)`);
  let state = seed >>> 0;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % below;
  };
  for (let round = 0; round < 20_000; round += 1) {
    const mutated = Buffer.from(ordinary);
    for (let flips = 0; flips <= random(4); flips += 1) mutated[random(mutated.length)] = random(256);
    const at = random(mutated.length);
    const result = read(mutated.subarray(0, at), mutated.subarray(at));
    if (result.type === 'hello' && result.hello.serverName !== null) assert.ok(mutated.includes(Buffer.from(result.hello.serverName, 'latin1')));
  }
});

async function assertRead(octets: Buffer, name: string | null, protocols: readonly string[]): Promise<void> {
  for (const chunks of [[octets], Array.from(octets, (octet) => Buffer.of(octet)), [records(octets.subarray(5), 100)]]) {
    assert.deepEqual(read(...chunks), { type: 'hello', hello: { serverName: name, alpnProtocols: protocols } });
  }
}

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`the hello of node:tls, ${maxVersion}`, async (t) => {
    await assertRead(await captureClientHello(t, { maxVersion, servername: 'Shop.test', ALPNProtocols: ['h2', 'http/1.1'] }), 'Shop.test', ['h2', 'http/1.1']);
    await assertRead(await captureClientHello(t, { maxVersion, servername: '' }), null, []);
  });
}

test('the hello of node:tls with a post-quantum key share is larger than a packet', async (t) => {
  const octets = await captureClientHello(t, { servername: 'shop.test', ecdhCurve: 'X25519MLKEM768' });
  assert.ok(octets.length > 1300);
  await assertRead(octets, 'shop.test', []);
});

/** The first flight of a program that connects to the port it is given. */
async function firstFlight(t: TestContext, program: string, args: (port: number) => readonly string[]): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = spawn(program, args(port), { stdio: ['pipe', 'ignore', 'ignore'] });
  const exited = once(client, 'exit');
  const [socket] = await once(server, 'connection') as [Socket];
  t.after(async () => {
    socket.destroy();
    server.close();
    await exited;
  });
  let octets = Buffer.alloc(0);
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    octets = Buffer.concat([octets, chunk]);
    if (octets.length >= 5 + octets.readUInt16BE(3)) break;
  }
  return octets;
}

for (const version of ['-tls1_2', '-tls1_3']) {
  test(`the hello of openssl s_client ${version}`, { skip: lacks('openssl') }, async (t) => {
    const octets = await firstFlight(t, 'openssl', (port) => ['s_client', '-connect', `127.0.0.1:${port}`, version, '-servername', 'shop.test', '-alpn', 'h2,http/1.1']);
    await assertRead(octets, 'shop.test', ['h2', 'http/1.1']);
  });
}

test('the hello of curl', { skip: lacks('curl') }, async (t) => {
  const octets = await firstFlight(t, 'curl', (port) => ['-sk', '--http1.1', '--resolve', `shop.test:${port}:127.0.0.1`, `https://shop.test:${port}/`]);
  await assertRead(octets, 'shop.test', ['http/1.1']);
});
