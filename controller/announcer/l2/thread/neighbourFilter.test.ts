import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interpretBpf } from '../../../../core/os/testing/interpretBpf.ts';
import { octetsOf } from './interfaceSockets.ts';
import { assembleArpFilter, assembleNeighbourDiscoveryFilter, MAX_FRAME_BYTES } from './neighbourFilter.ts';
import { printArpFrame, printNeighbourFrame } from './testing/frames.ts';

const HERE = { packetType: 1, interfaceIndex: 7 };

const arp = assembleArpFilter({ interfaceIndex: 7, addresses: ['192.0.2.10', '192.0.2.11', '198.51.100.1'].map((vip) => octetsOf(vip)) });
const neighbour = assembleNeighbourDiscoveryFilter({ interfaceIndex: 7, addresses: ['2001:db8::10', '2001:db8::a:b'].map((vip) => octetsOf(vip)) });
const takesArp = (frame: Buffer, facts = HERE): boolean => interpretBpf(arp, frame, facts) > 0;
const takesNeighbour = (frame: Buffer, facts = HERE): boolean => interpretBpf(neighbour, frame, facts) > 0;

const REQUEST = printArpFrame({ operation: 1, sender: '192.0.2.99', target: '192.0.2.10' });
const SOLICITATION = printNeighbourFrame({ type: 135, target: '2001:db8::10' });

test('ARP about our addresses is taken whole, whether they stand as target or as sender', () => {
  assert.equal(interpretBpf(arp, REQUEST, HERE), REQUEST.length);
  for (const vip of ['192.0.2.10', '192.0.2.11', '198.51.100.1']) {
    for (const operation of [1, 2]) {
      assert.ok(takesArp(printArpFrame({ operation, sender: '192.0.2.99', target: vip })), vip);
      assert.ok(takesArp(printArpFrame({ operation, sender: vip, target: '192.0.2.99' })), vip);
    }
    assert.ok(takesArp(printArpFrame({ operation: 1, sender: '0.0.0.0', target: vip })), 'a probe');
  }
});

test('ARP about other addresses is not', () => {
  for (const other of ['192.0.2.9', '192.0.2.12', '192.0.2.0', '0.0.0.0', '255.255.255.255', '198.51.100.0', '198.51.100.2', '195.0.0.0']) {
    assert.ok(!takesArp(printArpFrame({ operation: 1, sender: other, target: other })), other);
  }
});

test('ARP of other hardware, protocols, lengths and operations is not taken', () => {
  const changed = (offset: number, ...octets: number[]): Buffer => {
    const frame = Buffer.from(REQUEST);
    frame.set(octets, offset);
    return frame;
  };
  for (const frame of [
    changed(12, 0x08, 0x00), changed(12, 0x81, 0x00), changed(14, 0, 6), changed(16, 0x86, 0xdd), changed(18, 8), changed(19, 16),
    changed(20, 0, 0), changed(20, 0, 3), changed(20, 0, 8), changed(20, 1, 1),
  ]) assert.ok(!takesArp(frame), frame.toString('hex'));
});

test('frames to other hosts, sent by this one, or of another interface are not taken', () => {
  for (const packetType of [0, 1, 2, 3, 4, 5, 6]) {
    assert.equal(takesArp(REQUEST, { packetType, interfaceIndex: 7 }), packetType <= 2);
    assert.equal(takesNeighbour(SOLICITATION, { packetType, interfaceIndex: 7 }), packetType <= 2);
  }
  assert.ok(!takesArp(REQUEST, { packetType: 1, interfaceIndex: 8 }));
  assert.ok(!takesNeighbour(SOLICITATION, { packetType: 2, interfaceIndex: 8 }));
});

test('a truncated frame is dropped at every length that cuts what is looked at', () => {
  for (let length = 0; length < 42; length += 1) assert.ok(!takesArp(REQUEST.subarray(0, length)), `${length}`);
  for (let length = 0; length < 78; length += 1) assert.ok(!takesNeighbour(SOLICITATION.subarray(0, length)), `${length}`);
});

test('neighbour solicitations and advertisements about our addresses are taken, with and without options', () => {
  for (const type of [135, 136]) {
    for (const target of ['2001:db8::10', '2001:db8::a:b']) {
      for (const options of ['', '0101020000000001']) assert.ok(takesNeighbour(printNeighbourFrame({ type, target, options })), target);
    }
  }
});

test('other ICMPv6, other addresses, other hop limits and extension headers are not taken', () => {
  for (const type of [0, 1, 128, 129, 133, 134, 137, 143]) assert.ok(!takesNeighbour(printNeighbourFrame({ type, target: '2001:db8::10' })), `${type}`);
  for (const target of ['2001:db8::11', '2001:db8::a:c', 'fe80::1', '::']) assert.ok(!takesNeighbour(printNeighbourFrame({ type: 135, target })), target);
  const changed = (offset: number, octet: number): Buffer => {
    const frame = Buffer.from(SOLICITATION);
    frame.writeUInt8(octet, offset);
    return frame;
  };
  for (const [offset, octet] of [[14, 0x45], [14, 0x50], [14, 0x70], [20, 0], [20, 17], [20, 43], [21, 254], [21, 1], [55, 1], [12, 0x81]] as const) {
    assert.ok(!takesNeighbour(changed(offset, octet)), `${offset} ${octet}`);
  }
  assert.ok(takesNeighbour(changed(14, 0x6f)), 'traffic class and flow label are of no interest');
});

test('frames longer than a jumbo solicitation are cut, not refused', () => {
  assert.equal(interpretBpf(arp, Buffer.concat([REQUEST, Buffer.alloc(8_000)]), HERE), MAX_FRAME_BYTES);
});

test('a thousand scattered addresses make a bounded program that still takes each of them, and a filter without addresses takes nothing', () => {
  const vips = Array.from({ length: 1_000 }, (_, index) => `10.${index % 256}.${(index * 7) % 256}.${(index * 13) % 256}`);
  const program = assembleArpFilter({ interfaceIndex: 7, addresses: vips.map((vip) => octetsOf(vip)) });
  assert.ok(program.length / 8 <= 300);
  for (const vip of vips) assert.ok(interpretBpf(program, printArpFrame({ operation: 1, sender: '192.0.2.1', target: vip }), HERE) > 0, vip);
  assert.equal(interpretBpf(program, REQUEST, HERE), 0);
  assert.equal(interpretBpf(assembleArpFilter({ interfaceIndex: 7, addresses: [] }), REQUEST, HERE), 0);
});
