import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NETLINK_ROUTE, openNetlinkSocket } from './netlinkSocket.ts';
import { SystemError } from './systemError.ts';

/** RTM_GETLINK of all interfaces, as a dump; needs no privilege. */
function listLinks(): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(18, 4);
  bytes.writeUInt16LE(0x301, 6);
  bytes.writeUInt32LE(7, 8);
  return bytes;
}

test('the kernel answers what it is sent', () => {
  const socket = openNetlinkSocket({ protocol: NETLINK_ROUTE, groups: [1], datagramBytes: 1 << 16, queueBytes: 1 << 16 });
  try {
    assert.equal(socket.receive(), 'nothing');
    assert.equal(socket.wait(0), false);
    socket.send(listLinks());
    assert.equal(socket.wait(1_000), true);
    const input = socket.receive();
    assert.ok(Buffer.isBuffer(input));
    // RTM_NEWLINK, with the number of our request.
    assert.deepEqual([input.readUInt16LE(4), input.readUInt32LE(8)], [16, 7]);
  } finally {
    socket.close();
    socket.close();
  }
});

test('a datagram longer than the buffer is cut', () => {
  const socket = openNetlinkSocket({ protocol: NETLINK_ROUTE, groups: [], datagramBytes: 20, queueBytes: null });
  try {
    socket.send(listLinks());
    const input = socket.receive();
    assert.ok(Buffer.isBuffer(input));
    assert.equal(input.length, 20);
    assert.ok(input.readUInt32LE(0) > 20);
  } finally {
    socket.close();
  }
});

test('a group that does not exist is refused, and a closed socket throws', () => {
  assert.throws(() => openNetlinkSocket({ protocol: NETLINK_ROUTE, groups: [100_000], datagramBytes: 64, queueBytes: null }), SystemError);
  const socket = openNetlinkSocket({ protocol: NETLINK_ROUTE, groups: [], datagramBytes: 64, queueBytes: null });
  socket.close();
  assert.throws(() => socket.receive(), SystemError);
});
