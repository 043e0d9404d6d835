import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { libc } from './libc.ts';
import { SystemError } from './systemError.ts';
import { addTcpKey, openTcpSocket, removeTcpKey, setHopLimits, type TcpKey, type TcpSocketRequest } from './tcpSocket.ts';

const PLAIN: TcpSocketRequest = { family: 'ipv4', subject: 'a test', device: null, bind: null, hopLimits: { sent: 64, received: null }, keys: [] };
const PEER = { address: '127.0.0.2', scopeId: 0 };

function open(t: TestContext, rest: Partial<TcpSocketRequest> = {}): number {
  const descriptor = openTcpSocket({ ...PLAIN, ...rest });
  t.after(() => libc().close(descriptor));
  return descriptor;
}

function failsWith(errnoName: string, text = /./): (error: unknown) => boolean {
  return (error) => error instanceof SystemError && error.errnoName === errnoName && text.test(error.message);
}

test('a socket is bound to its address, and Node.js connects it', async (t) => {
  const server = createServer((socket) => socket.end());
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const socket = new Socket({ fd: openTcpSocket({ ...PLAIN, device: 'lo', bind: { ...PEER, port: 0 } }) });
  t.after(() => socket.destroy());
  socket.connect({ host: '127.0.0.1', port: address.port });
  await once(socket, 'connect');
  assert.equal(socket.localAddress, '127.0.0.2');
});

test('hop limits of both families are taken, and others are refused', (t) => {
  for (const family of ['ipv4', 'ipv6'] as const) {
    const descriptor = open(t, { family });
    setHopLimits(descriptor, family, { sent: 255, received: 254 });
    setHopLimits(descriptor, family, { sent: 1, received: null });
    assert.throws(() => setHopLimits(descriptor, family, { sent: 256, received: null }), failsWith('EINVAL'));
  }
});

test('an address or an interface that is not there is told by name', () => {
  assert.throws(() => openTcpSocket({ ...PLAIN, bind: { address: '192.0.2.77', scopeId: 0, port: 0 } }), failsWith('EADDRNOTAVAIL', /bind a test/));
  for (const device of ['', 'no-such-device', 'a-name-that-is-too-long', 'lo\0x']) {
    assert.throws(() => openTcpSocket({ ...PLAIN, device }), failsWith('ENODEV', /interface/));
  }
});

test('MD5 keys of 1 to 80 octets are added, replaced and removed, of IPv4 and IPv6', (t) => {
  const keyOf = (length: number, peer = PEER): TcpKey => ({ type: 'md5', peer, key: Buffer.alloc(length, 'k') });
  const descriptor = open(t);
  for (const length of [1, 80]) addTcpKey(descriptor, keyOf(length));
  for (const length of [0, 81]) assert.throws(() => addTcpKey(descriptor, keyOf(length)), RangeError);
  removeTcpKey(descriptor, keyOf(80));
  assert.throws(() => removeTcpKey(descriptor, keyOf(80)), failsWith('ENOENT'));
  addTcpKey(open(t, { family: 'ipv6' }), keyOf(8, { address: 'fe80::1', scopeId: 1 }));
});

test('a TCP-AO key is added and removed where the kernel has TCP-AO, and else refused as an unknown option', (t) => {
  for (const algorithm of ['hmac-sha1-96', 'aes-128-cmac-96', 'hmac-sha256'] as const) {
    const descriptor = open(t);
    const key: TcpKey = { type: 'ao', peer: PEER, key: Buffer.from('k'), algorithm, sendId: 1, receiveId: 2 };
    try {
      addTcpKey(descriptor, key);
    } catch (error) {
      assert.ok(failsWith('ENOPROTOOPT')(error), String(error));
      continue;
    }
    removeTcpKey(descriptor, key);
  }
});
