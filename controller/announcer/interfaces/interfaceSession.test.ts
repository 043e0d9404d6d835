import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetlinkInput } from '../../../core/os/netlinkSocket.ts';
import { ETHERNET_UP, linkPayload } from '../netlink/fixture/rtnetlinkMessages.ts';
import { datagram } from '../netlink/fixture/scriptedSocket.ts';
import { NetlinkError } from '../netlink/netlinkError.ts';
import { createScriptedKernel } from './fixture/scriptedKernel.ts';
import { openInterfaceSession } from './interfaceSession.ts';

function newLink(flags: number): Buffer {
  return datagram(16, 0, linkPayload({ index: 2, name: 'eth0', flags }));
}

const DOWN = ETHERNET_UP & ~0x1_0000;

test('a session begins with what is there', () => {
  const session = openInterfaceSession(createScriptedKernel().openSocket);
  assert.deepEqual(session.links().map(({ name, addresses }) => [name, addresses.length]), [['eth0', 1]]);
  assert.deepEqual(session.look(), { isChanged: false, isMore: false });
});

test('a list that is interrupted is asked for again, and given up when that never ends', () => {
  const kernel = createScriptedKernel();
  kernel.interruptions = 2;
  assert.equal(openInterfaceSession(kernel.openSocket).links().length, 1);
  kernel.interruptions = 1_000;
  assert.throws(() => openInterfaceSession(kernel.openSocket), (error) => error instanceof NetlinkError && error.code === 'interrupted');
  assert.ok(kernel.sockets.slice(2).every((socket) => socket.isClosed()));
});

test('an interface that is back within one look is seen to have been away', () => {
  const kernel = createScriptedKernel();
  const session = openInterfaceSession(kernel.openSocket);
  kernel.sockets[0]?.queue.push(newLink(DOWN), newLink(ETHERNET_UP));
  assert.deepEqual(session.look(), { isChanged: true, isMore: true });
  assert.equal(session.links()[0]?.up, false);
  assert.deepEqual(session.look(), { isChanged: true, isMore: false });
  assert.equal(session.links()[0]?.up, true);
});

test('after a loss, or a message that cannot be read, everything is asked for anew', () => {
  const stale: readonly NetlinkInput[] = ['overrun', newLink(DOWN).subarray(0, 30), datagram(16, 0, Buffer.alloc(3))];
  for (const input of stale) {
    const kernel = createScriptedKernel();
    const session = openInterfaceSession(kernel.openSocket);
    kernel.flags = DOWN;
    kernel.sockets[0]?.queue.push(newLink(ETHERNET_UP), input, newLink(ETHERNET_UP));
    assert.deepEqual(session.look(), { isChanged: true, isMore: false });
    assert.equal(session.links()[0]?.up, false);
    assert.equal(kernel.lists, 4);
  }
});

test('a message that changes nothing is no change', () => {
  const kernel = createScriptedKernel();
  const session = openInterfaceSession(kernel.openSocket);
  const before = session.links();
  kernel.sockets[0]?.queue.push(newLink(ETHERNET_UP));
  assert.deepEqual(session.look(), { isChanged: false, isMore: false });
  assert.equal(session.links(), before);
});

test('a flood is taken in parts', () => {
  const kernel = createScriptedKernel();
  const session = openInterfaceSession(kernel.openSocket);
  kernel.sockets[0]?.queue.push(...Array.from({ length: 600 }, () => newLink(ETHERNET_UP)));
  assert.deepEqual([session.look(), session.look(), session.look()].map(({ isMore }) => isMore), [true, true, false]);
});

test('routes are heard of only once an address was asked for, and asked for anew when they or interfaces change', () => {
  const kernel = createScriptedKernel();
  const session = openInterfaceSession(kernel.openSocket);
  assert.equal(kernel.sockets.length, 2);
  assert.equal(session.routeTo('198.51.100.1'), 2);
  assert.equal(kernel.sockets.length, 3);
  kernel.routeIndex = 5;
  assert.equal(session.routeTo('198.51.100.1'), 2);
  kernel.sockets[2]?.queue.push(Buffer.alloc(16), 'overrun');
  assert.deepEqual(session.look(), { isChanged: true, isMore: false });
  assert.equal(session.routeTo('198.51.100.1'), 5);
  kernel.sockets[2]?.queue.push(Buffer.alloc(16));
  assert.deepEqual(session.look(), { isChanged: false, isMore: false });
  kernel.routeIndex = 6;
  kernel.sockets[0]?.queue.push(newLink(DOWN));
  session.look();
  assert.equal(session.routeTo('198.51.100.1'), 6);
  assert.equal(session.routeTo('no address'), null);
});

test('closing closes everything', () => {
  const kernel = createScriptedKernel();
  const session = openInterfaceSession(kernel.openSocket);
  session.routeTo('198.51.100.1');
  session.close();
  assert.deepEqual(kernel.sockets.map((socket) => socket.isClosed()), [true, true, true]);
});
