import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, testSeed } from '../../../core/testing/seededRandom.ts';
import { CONTROL_PACKET_BYTES, decodeControlPacket, encodeControlPacket, type ControlPacket } from './controlPacket.ts';

const PACKET: ControlPacket = {
  diagnostic: 3, state: 'Up', poll: true, final: false, controlPlaneIndependent: false, authenticated: false, demand: false, detectMultiplier: 3,
  myDiscriminator: 0x01020304, yourDiscriminator: 0xa0b0c0d0, desiredMinTxUs: 50_000, requiredMinRxUs: 300_000, requiredMinEchoRxUs: 0,
};
const HEX = '23e00318' + '01020304' + 'a0b0c0d0' + '0000c350' + '000493e0' + '00000000';

/** The packet above with octets changed, and what is wrong with it. */
const faultOf = (change: (octets: Buffer) => Buffer | void): string | null => {
  const octets = encodeControlPacket(PACKET);
  const decoded = decodeControlPacket(change(octets) ?? octets);
  return decoded.type === 'fault' ? decoded.fault : null;
};

test('a packet is laid out as RFC 5880 section 4.1 has it', () => {
  assert.equal(encodeControlPacket(PACKET).toString('hex'), HEX);
  assert.deepEqual(decodeControlPacket(Buffer.from(HEX, 'hex')), { type: 'packet', packet: PACKET });
});

test('each rule of section 6.8.6 that needs no session is kept, the first that is broken is named', () => {
  assert.equal(faultOf((octets) => { octets[0] = 0x03; }), 'version');
  assert.equal(faultOf((octets) => { octets[0] = 0x43; }), 'version');
  assert.equal(faultOf((octets) => { octets[3] = 23; }), 'length');
  assert.equal(faultOf((octets) => { octets[3] = 25; }), 'length');
  assert.equal(faultOf((octets) => { octets[2] = 0; }), 'detect multiplier');
  assert.equal(faultOf((octets) => { octets[1] = 0xe1; }), 'multipoint');
  assert.equal(faultOf((octets) => { octets.fill(0, 4, 8); }), 'my discriminator');
  assert.equal(faultOf((octets) => { octets.fill(0, 8, 12); }), 'your discriminator');
  assert.equal(faultOf((octets) => { octets.fill(0, 8, 12).writeUInt8(0x80, 1); }), 'your discriminator');
  assert.equal(faultOf((octets) => { octets.fill(0, 8, 12).writeUInt8(0x40, 1); }), null);
  assert.equal(faultOf((octets) => { octets.fill(0, 8, 12).writeUInt8(0x00, 1); }), null);
  assert.equal(faultOf((octets) => { octets.fill(0); }), 'version');
  assert.equal(faultOf((octets) => { octets.fill(0, 4, 12).writeUInt8(0, 2); }), 'detect multiplier');
});

test('a packet that says it is authenticated has at least 26 octets', () => {
  const authenticated = (length: number, bytes: number): ReturnType<typeof decodeControlPacket> => {
    const octets = Buffer.concat([encodeControlPacket(PACKET), Buffer.alloc(bytes - CONTROL_PACKET_BYTES)]);
    octets.writeUInt8(0xc4, 1);
    octets.writeUInt8(length, 3);
    return decodeControlPacket(octets);
  };
  assert.deepEqual(authenticated(25, 40), { type: 'fault', fault: 'length' });
  assert.deepEqual(authenticated(26, 25), { type: 'fault', fault: 'length' });
  const decoded = authenticated(26, 26);
  assert.ok(decoded.type === 'packet' && decoded.packet.authenticated);
});

test('octets after the packet are ignored, and no part of one is a packet', () => {
  const octets = encodeControlPacket(PACKET);
  assert.deepEqual(decodeControlPacket(Buffer.concat([octets, Buffer.alloc(100, 0xff)])), { type: 'packet', packet: PACKET });
  for (let length = 0; length < octets.length; length += 1) assert.deepEqual(decodeControlPacket(octets.subarray(0, length)), { type: 'fault', fault: 'length' });
});

test('what is made at random comes back as it was', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const states = ['AdminDown', 'Down', 'Init', 'Up'] as const;
  for (let run = 0; run < 2_000; run += 1) {
    const packet: ControlPacket = {
      diagnostic: below(32), state: states[below(4)] ?? 'Up', poll: below(2) === 0, final: below(2) === 0, controlPlaneIndependent: below(2) === 0,
      authenticated: false, demand: below(2) === 0, detectMultiplier: 1 + below(255), myDiscriminator: 1 + below(2 ** 32 - 1),
      yourDiscriminator: 1 + below(2 ** 32 - 1), desiredMinTxUs: below(2 ** 32), requiredMinRxUs: below(2 ** 32), requiredMinEchoRxUs: below(2 ** 32),
    };
    assert.deepEqual(decodeControlPacket(encodeControlPacket(packet)), { type: 'packet', packet }, `seed ${seed}`);
  }
});

test('whatever octets come, they are a packet or a fault', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  for (let run = 0; run < 20_000; run += 1) {
    const octets = encodeControlPacket(PACKET);
    for (let change = 0; change < 1 + random() * 4; change += 1) octets[Math.floor(random() * octets.length)] = Math.floor(random() * 256);
    const decoded = decodeControlPacket(octets.subarray(0, Math.floor(random() * 30)));
    if (decoded.type === 'packet') assert.ok(decoded.packet.myDiscriminator > 0 && decoded.packet.detectMultiplier > 0, `seed ${seed}`);
  }
});

test('numbers that have no room are refused', () => {
  assert.throws(() => encodeControlPacket({ ...PACKET, desiredMinTxUs: 2 ** 32 }), RangeError);
  assert.throws(() => encodeControlPacket({ ...PACKET, detectMultiplier: 256 }), RangeError);
  assert.throws(() => encodeControlPacket({ ...PACKET, authenticated: true }), RangeError);
});
