import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test, type TestContext } from 'node:test';
import { libc } from './libc.ts';
import { closeListeningSockets, LISTEN_BACKLOG, openListeningSockets, type ListeningSockets } from './listeningSockets.ts';
import { SystemError } from './systemError.ts';

const hasIpv6 = Object.values(networkInterfaces()).flat().some((address) => address?.address === '::1');

function open(t: TestContext, address: string, options: { port?: number; count?: number; exclusive?: boolean } = {}): ListeningSockets {
  const { port = 0, count = 2, exclusive = true } = options;
  const sockets = openListeningSockets({ address, port, count, backlog: LISTEN_BACKLOG, exclusive });
  t.after(() => closeListeningSockets(sockets.descriptors));
  return sockets;
}

/** Accepts on a duplicate of `descriptor`; `accepted` counts. */
async function accept(t: TestContext, descriptor: number): Promise<{ server: Server; accepted: () => number }> {
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    socket.end('hello');
  });
  server.listen({ fd: libc().duplicate(descriptor) }, LISTEN_BACKLOG);
  await once(server, 'listening');
  t.after(() => server.close());
  return { server, accepted: () => count };
}

async function greet(host: string, port: number): Promise<string> {
  const socket = connect({ host, port });
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; });
  await once(socket, 'close');
  return text;
}

function countDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

test('a group on port 0 shares one ephemeral port, and each socket gets some of its connections', async (t) => {
  const { descriptors, port } = open(t, '127.0.0.1');
  assert.equal(descriptors.length, 2);
  const acceptors = await Promise.all(descriptors.map((descriptor) => accept(t, descriptor)));
  for (let count = 0; count < 64; count += 1) assert.equal(await greet('127.0.0.1', port), 'hello');
  assert.equal(acceptors.reduce((sum, { accepted }) => sum + accepted(), 0), 64);
  for (const { accepted } of acceptors) assert.ok(accepted() > 0);
});

test('a connection waits in the backlog until somebody accepts, and outlives the death of an acceptor', async (t) => {
  const { descriptors, port } = open(t, '127.0.0.1', { count: 1 });
  const first = await accept(t, descriptors[0] ?? -1);
  first.server.close();
  await once(first.server, 'close');
  const greeting = greet('127.0.0.1', port);
  await accept(t, descriptors[0] ?? -1);
  assert.equal(await greeting, 'hello');
});

test('0.0.0.0 and :: are bound to one port side by side', { skip: hasIpv6 ? false : 'this kernel has no IPv6' }, async (t) => {
  const four = open(t, '0.0.0.0');
  const six = open(t, '::', { port: four.port });
  for (const descriptor of [...four.descriptors, ...six.descriptors]) await accept(t, descriptor);
  assert.equal(await greet('127.0.0.1', four.port), 'hello');
  assert.equal(await greet('::1', six.port), 'hello');
});

test('an address that a group listens on is refused to a second one, with words that help, and nothing stays open', (t) => {
  const { port } = open(t, '127.0.0.1');
  const before = countDescriptors();
  assert.throws(() => openListeningSockets({ address: '127.0.0.1', port, count: 2, backlog: 1 }), (error: unknown) => {
    assert.ok(error instanceof SystemError);
    assert.equal(error.code, 'EADDRINUSE');
    assert.equal(error.message, `cannot bind 127.0.0.1:${port}: EADDRINUSE; another process holds this address `
      + '(`ss -ltunp` names it): stop it, or choose another address or port');
    return true;
  });
  assert.equal(countDescriptors(), before);
});

test('an address may stand beside the wildcard of its port when it need not be exclusive', (t) => {
  const { port } = open(t, '0.0.0.0');
  assert.equal(open(t, '127.0.0.2', { port, exclusive: false }).port, port);
});

test('the datagrams of different clients are spread over a UDP group, and wait until somebody reads', async (t) => {
  const { descriptors, port } = openListeningSockets({ protocol: 'udp', address: '127.0.0.1', port: 0, count: 2, backlog: 0 });
  t.after(() => closeListeningSockets(descriptors));
  const clients = Array.from({ length: 64 }, () => createSocket('udp4'));
  t.after(() => { for (const client of clients) client.close(); });
  await Promise.all(clients.map((client, index) => new Promise((sent) => { client.send(`${index}`, port, '127.0.0.1', sent); })));
  const read: string[][] = [];
  const all = Promise.withResolvers<void>();
  for (const descriptor of descriptors) {
    const own: string[] = [];
    read.push(own);
    const server = createSocket('udp4', (datagram) => {
      own.push(datagram.toString());
      if (read.flat().length === clients.length) all.resolve();
    });
    server.bind({ fd: libc().duplicate(descriptor) });
    t.after(() => server.close());
  }
  await all.promise;
  assert.deepEqual(read.flat().map(Number).sort((a, b) => a - b), clients.map((_, index) => index));
  for (const own of read) assert.ok(own.length > 0);
});

test('a UDP port is refused to a second group, and to a stranger who asks to share it; TCP has ports of its own', async (t) => {
  const request = { protocol: 'udp', address: '127.0.0.1', count: 2, backlog: 0 } as const;
  const { descriptors, port } = besideTcp(t, request);
  t.after(() => closeListeningSockets(descriptors));
  assert.throws(() => openListeningSockets({ ...request, port }), { code: 'EADDRINUSE' });
  const stranger = createSocket({ type: 'udp4', reuseAddr: true });
  t.after(() => stranger.close());
  stranger.bind(port, '127.0.0.1');
  const [error] = await once(stranger, 'error');
  assert.equal(error.code, 'EADDRINUSE');
});

/** UDP sockets on a port that TCP has too. Other tests take ports meanwhile: what is free for one need not be for the other. */
function besideTcp(t: TestContext, request: { readonly protocol: 'udp'; readonly address: string; readonly count: number; readonly backlog: number }): ListeningSockets {
  for (let attempt = 1; ; attempt += 1) {
    const { port } = open(t, request.address);
    try {
      return openListeningSockets({ ...request, port });
    } catch (error) {
      if (attempt === 20 || !(error instanceof SystemError && error.code === 'EADDRINUSE')) throw error;
    }
  }
}

test('an address that no interface has is named as such', () => {
  assert.throws(() => openListeningSockets({ address: '192.0.2.1', port: 0, count: 1, backlog: 1 }),
    { code: 'EADDRNOTAVAIL', message: /no interface of this machine has this address/ });
});

for (const address of ['', 'localhost', '127.1', '0x7f.0.0.1', '127.0.0.1:80', '::1%lo', '[::1]', '1.2.3.4.5', '::ffff:1.2.3.999']) {
  test(`${JSON.stringify(address)} is no listening address`, () => {
    assert.throws(() => openListeningSockets({ address, port: 0, count: 1, backlog: 1 }), TypeError);
  });
}

for (const port of [-1, 65_536, 1.5, Number.NaN]) {
  test(`${port} is no port`, () => {
    assert.throws(() => openListeningSockets({ address: '127.0.0.1', port, count: 1, backlog: 1 }), TypeError);
  });
}

test('a bad descriptor is an error with its name, not a silent success', () => {
  assert.throws(() => libc().duplicate(1_000_000), { code: 'other', errnoName: 'EBADF', syscall: 'duplicate' });
  assert.throws(() => libc().close(1_000_000), { errnoName: 'EBADF' });
});

for (const address of ['192.0.2.1', ...(hasIpv6 ? ['2001:db8::1'] : [])]) {
  for (const protocol of ['tcp', 'udp'] as const) {
    test(`${address} is on no interface: only a transparent ${protocol} socket listens there`, { skip: process.getuid?.() !== 0 && 'needs CAP_NET_ADMIN' }, (t) => {
      const request = { protocol, address, port: 0, count: 2, backlog: LISTEN_BACKLOG };
      assert.throws(() => openListeningSockets(request), { code: 'EADDRNOTAVAIL' });
      const { descriptors, port } = openListeningSockets({ ...request, transparent: true });
      t.after(() => closeListeningSockets(descriptors));
      assert.equal(descriptors.length, 2);
      assert.ok(port > 0);
    });
  }
}
