import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createIncomingMessage, decodeDescriptorMessage, encodeDescriptorMessage, MAX_DESCRIPTORS_PER_MESSAGE,
} from './descriptorMessage.ts';

const BASE = 0x7f00_0000_0000n;
const addressOf = (): bigint => BASE;

test('a message is struct msghdr, iovec, eight octets and struct cmsghdr with the descriptors, as 64-bit Linux lays them out', () => {
  const message = encodeDescriptorMessage({ batch: 3, offset: 252, descriptors: [7, 9] }, addressOf);
  const words = [16, 24, 32, 40, 56, 64, 80].map((offset) => message.readBigUInt64LE(offset));
  assert.deepEqual(words, [BASE + 56n, 1n, BASE + 80n, 24n, BASE + 72n, 8n, 24n]);
  assert.deepEqual([72, 76, 88, 92, 96, 100].map((offset) => message.readInt32LE(offset)), [3, 252, 1, 1, 7, 9]);
});

test('a received message has room for as much control data as musl sends, and not more', () => {
  assert.equal(createIncomingMessage(addressOf).readBigUInt64LE(40), 1024n);
});

for (const count of [0, MAX_DESCRIPTORS_PER_MESSAGE + 1]) {
  test(`${count} descriptors are no message`, () => {
    assert.throws(() => encodeDescriptorMessage({ batch: 1, offset: 0, descriptors: Array<number>(count).fill(3) }, addressOf), RangeError);
  });
}

for (const count of [1, 2, MAX_DESCRIPTORS_PER_MESSAGE]) {
  test(`what is encoded with ${count} descriptors is decoded again`, () => {
    const descriptors = Array.from({ length: count }, (_, index) => index + 3);
    const message = encodeDescriptorMessage({ batch: 0xffff_ffff, offset: 5, descriptors }, addressOf);
    assert.deepEqual(decodeDescriptorMessage(message, 8), { descriptors, position: { batch: 0xffff_ffff, offset: 5 }, isTruncated: false });
  });
}

test('descriptors are found in every element of control data, and only in those that carry some', () => {
  const message = encodeDescriptorMessage({ batch: 1, offset: 0, descriptors: [4, 0, 20, 0, 1, 1, 5] }, addressOf);
  // The first element ends after one descriptor; what follows, from the next multiple of 8 on, is read as the second one.
  message.writeBigUInt64LE(20n, 80);
  assert.deepEqual(decodeDescriptorMessage(message, 8).descriptors, [4, 5]);
  message.writeInt32LE(2, 84 + 8);
  assert.deepEqual(decodeDescriptorMessage(message, 8).descriptors, [5]);
});

test('truncated control data and data of another length are told, and the descriptors with them', () => {
  const message = encodeDescriptorMessage({ batch: 1, offset: 0, descriptors: [4] }, addressOf);
  assert.deepEqual(decodeDescriptorMessage(message, 7), { descriptors: [4], position: null, isTruncated: false });
  message.writeInt32LE(0x8, 48);
  assert.deepEqual(decodeDescriptorMessage(message, 8), { descriptors: [4], position: { batch: 1, offset: 0 }, isTruncated: true });
  message.writeInt32LE(0x20, 48);
  assert.equal(decodeDescriptorMessage(message, 8).position, null);
});

test('lengths that lie lead nowhere', () => {
  for (const length of [0n, 1n, 15n, 1n << 40n, (1n << 64n) - 1n]) {
    for (const offset of [40, 80]) {
      const message = encodeDescriptorMessage({ batch: 1, offset: 0, descriptors: [4] }, addressOf);
      message.writeBigUInt64LE(length, offset);
      const { descriptors } = decodeDescriptorMessage(message, 8);
      assert.ok(descriptors.length <= MAX_DESCRIPTORS_PER_MESSAGE, `${descriptors.length} descriptors`);
    }
  }
});
