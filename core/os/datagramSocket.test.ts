import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { until } from '../../test/support/until.ts';
import { assembleBpf } from './bpfProgram.ts';
import { openDatagramReceiver, openDatagramSender, type DatagramReceiver, type DatagramSender } from './datagramSocket.ts';
import { libc } from './libc.ts';
import { AF_INET, AF_INET6 } from './socketAddress.ts';
import { SystemError } from './systemError.ts';

const LOOPBACK = { [AF_INET]: { address: '127.0.0.1', octets: '7f000001' }, [AF_INET6]: { address: '::1', octets: `${'0'.repeat(31)}1` } } as const;

/** A UDP port of loopback that was free a moment ago. */
async function freePort(address: string): Promise<number> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

async function startPair(t: TestContext, family: typeof AF_INET | typeof AF_INET6, options: { filter?: Buffer; ttl?: number } = {}) {
  const { address } = LOOPBACK[family];
  const port = await freePort(address);
  const receiver: DatagramReceiver = openDatagramReceiver({
    family, port, device: null, filter: options.filter ?? null, receiveBufferBytes: 65_536, maxPayloadBytes: 16, besides: [],
  });
  t.after(() => { receiver.close(); });
  const localPort = await freePort(address);
  const sender: DatagramSender = openDatagramSender({ localAddress: address, localPort, device: 'lo', ttl: options.ttl ?? 255, trafficClass: 0xc0 }, { address, port });
  t.after(() => { sender.close(); });
  return { receiver, sender, port, localPort, address };
}

for (const family of [AF_INET, AF_INET6] as const) {
  const name = family === AF_INET ? 'IPv4' : 'IPv6';

  test(`${name}: a datagram comes with both addresses, interface and TTL, cut where it is too long`, async (t) => {
    const { receiver, sender } = await startPair(t, family, { ttl: 77 });
    assert.equal(receiver.receive(), null);
    assert.equal(sender.send(Buffer.from('hello')), true);
    const first = await until('a datagram', () => receiver.receive());
    const { octets } = LOOPBACK[family];
    assert.deepEqual({ ...first, payload: first.payload.toString() }, {
      payload: 'hello', source: octets, destination: octets, interfaceIndex: libc().interfaceIndex('lo'), ttl: 77,
    });
    sender.send(Buffer.alloc(100, 1));
    assert.equal((await until('another', () => receiver.receive())).payload.length, 16);
  });

  test(`${name}: what the filter drops is not received`, async (t) => {
    const filter = assembleBpf([
      // Behind the UDP header.
      { type: 'load', octets: 1, offset: 8 },
      { type: 'jump', test: 'equal', value: 1, whenFalse: 'foreign' },
      { type: 'return', octets: 0xffff },
      { type: 'label', name: 'foreign' },
      { type: 'return', octets: 0 },
    ]);
    const { receiver, sender } = await startPair(t, family, { filter });
    for (const value of [2, 3, 1]) sender.send(Buffer.from([value]));
    assert.deepEqual([...(await until('a datagram', () => receiver.receive())).payload], [1]);
  });

  test(`${name}: receivers of one program for different devices have a port in common, in either order, and no other program has it`, async (t) => {
    const { address, octets } = LOOPBACK[family];
    for (const devices of [[null, 'lo'], ['lo', null]] as const) {
      const port = await freePort(address);
      const open = (device: string | null, besides: readonly number[]): DatagramReceiver => {
        const receiver = openDatagramReceiver({ family, port, device, filter: null, receiveBufferBytes: 65_536, maxPayloadBytes: 16, besides });
        t.after(() => { receiver.close(); });
        return receiver;
      };
      const first = open(devices[0], []);
      const second = open(devices[1], [first.descriptor]);
      const sender = openDatagramSender({ localAddress: address, localPort: await freePort(address), device: null, ttl: 255, trafficClass: 0 }, { address, port });
      t.after(() => { sender.close(); });
      sender.send(Buffer.from([1]));
      const own = devices[0] === 'lo' ? first : second;
      assert.equal((await until('a datagram of lo', () => own.receive())).source, octets);
      const stranger = createSocket({ type: family === AF_INET ? 'udp4' : 'udp6', reuseAddr: true });
      t.after(() => { stranger.close(); });
      const failed = once(stranger, 'error');
      stranger.bind(port, address);
      assert.match(String(await failed), /EADDRINUSE/);
    }
  });

  test(`${name}: a port or address that cannot be had is named, and closing is idempotent`, async (t) => {
    const { receiver, sender, port, localPort, address } = await startPair(t, family);
    const again = { family, port, device: null, filter: null, receiveBufferBytes: 65_536, maxPayloadBytes: 16, besides: [] };
    assert.throws(() => openDatagramReceiver(again), (error) => error instanceof SystemError && error.code === 'EADDRINUSE' && error.message.includes(String(port)));
    const remote = { address, port };
    const own = { localAddress: address, localPort, device: null, ttl: 255, trafficClass: 0 };
    assert.throws(() => openDatagramSender(own, remote), { code: 'EADDRINUSE' });
    const foreign = family === AF_INET ? '192.0.2.1' : '2001:db8::1';
    assert.throws(() => openDatagramSender({ ...own, localAddress: foreign }, remote), { code: 'EADDRNOTAVAIL' });
    assert.throws(() => openDatagramSender({ ...own, device: 'ghnone0' }, remote), /cannot use interface ghnone0: ENODEV/);
    for (let call = 0; call < 2; call += 1) {
      receiver.close();
      sender.close();
    }
    assert.equal(sender.send(Buffer.from('x')), false);
  });
}

test('an interface is found by its name, or not at all', () => {
  assert.ok((libc().interfaceIndex('lo') ?? 0) > 0);
  assert.equal(libc().interfaceIndex('ghnone0'), null);
});
