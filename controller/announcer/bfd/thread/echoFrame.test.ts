import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interpretBpf } from '../../../../core/os/testing/interpretBpf.ts';
import { assembleEchoFilter, encodeEchoFrame, readEchoLinkFrame } from './echoFrame.ts';

const ENDS = { peerMac: Buffer.from('020000000002', 'hex'), ownMac: Buffer.from('020000000001', 'hex') };
const OWN = Buffer.from('c0000201', 'hex');
const PAYLOAD = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
const FACTS = { packetType: 0, interfaceIndex: 3 };

/** As it comes back: the peer has taken one off the TTL and put the checksum right. */
const returned = (): Buffer => {
  const frame = encodeEchoFrame(ENDS, OWN, PAYLOAD);
  frame.writeUInt8(254, 22);
  return frame;
};
const passes = (frame: Buffer, facts = FACTS): boolean => interpretBpf(assembleEchoFilter(3), frame, facts) > 0;

test('an echo frame is an IPv4 packet from and to the own address, whose checksum is right', () => {
  const frame = encodeEchoFrame(ENDS, OWN, PAYLOAD);
  assert.equal(frame.toString('hex'), '020000000002' + '020000000001' + '0800' + '45c0002c00000000ff11' + frame.toString('hex', 24, 26) +
    'c0000201' + 'c0000201' + '0ec90ec90018' + '0000' + PAYLOAD.toString('hex'));
  let sum = 0;
  for (let at = 14; at < 34; at += 2) sum += frame.readUInt16BE(at);
  assert.equal((sum & 0xffff) + (sum >>> 16), 0xffff);
});

test('what comes back is read, with the padding of short frames left out', () => {
  const read = readEchoLinkFrame(Buffer.concat([returned(), Buffer.alloc(20, 0xee)]));
  assert.deepEqual(read, { type: 'echo', payload: PAYLOAD });
});

test('a control packet shows where the peer is, unless a router has passed it on', () => {
  const frame = encodeEchoFrame({ peerMac: ENDS.ownMac, ownMac: ENDS.peerMac }, OWN, PAYLOAD);
  frame.writeUInt16BE(3784, 36);
  assert.deepEqual(readEchoLinkFrame(frame), { type: 'control', source: 'c0000201', ends: ENDS });
  frame.writeUInt8(254, 22);
  assert.equal(readEchoLinkFrame(frame), null);
});

test('no part of a frame is more than it is', () => {
  const frame = returned();
  for (let length = 0; length < frame.length; length += 1) {
    const read = readEchoLinkFrame(frame.subarray(0, length));
    if (read?.type === 'echo') assert.ok(read.payload.length < PAYLOAD.length);
  }
  frame.writeUInt16BE(3, 38);
  assert.equal(readEchoLinkFrame(frame), null);
});

test('the filter lets through BFD to this host on this interface, whole, and from near, and nothing else', () => {
  assert.equal(passes(returned()), true);
  assert.equal(passes(returned(), { ...FACTS, packetType: 4 }), false);
  assert.equal(passes(returned(), { ...FACTS, interfaceIndex: 4 }), false);
  const changes: readonly (readonly [number, number])[] = [[14, 0x46], [20, 0x20], [21, 1], [22, 253], [23, 6], [37, 0xca]];
  for (const [offset, value] of changes) {
    const frame = returned();
    frame.writeUInt8(value, offset);
    assert.equal(passes(frame), false, `offset ${offset}`);
  }
  const control = returned();
  control.writeUInt16BE(3784, 36);
  assert.equal(passes(control), true);
});
