import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAttributes, encodeAttribute, encodeNested, encodeUint32, readNested, readText, readUint32 } from './attributes.ts';
import { mutations, SEED, truncations } from './fixture/hostileOctets.ts';
import { decodeNetlinkDatagram, encodeNetlinkMessage, NLM } from './netlinkMessage.ts';

const first = encodeNetlinkMessage({ type: 16, flags: NLM.multi, sequence: 7 }, [Buffer.from('abcde')]);
const second = encodeNetlinkMessage({ type: 3, flags: NLM.multi | NLM.dumpInterrupted, sequence: 0xffff_ffff }, []);

test('messages of one datagram are read one after the other, with their padding', () => {
  const { messages, isCut } = decodeNetlinkDatagram(Buffer.concat([first, second]));
  assert.equal(isCut, false);
  assert.deepEqual(messages.map(({ type, flags, sequence }) => ({ type, flags, sequence })), [
    { type: 16, flags: 2, sequence: 7 }, { type: 3, flags: 0x12, sequence: 0xffff_ffff },
  ]);
  assert.deepEqual(messages[0]?.payload, Buffer.from('abcde\0\0\0'));
});

test('a datagram that is cut anywhere says so, and gives the messages before the cut', () => {
  const whole = Buffer.concat([first, second]);
  for (const cut of truncations(whole)) {
    const { messages, isCut } = decodeNetlinkDatagram(cut);
    assert.equal(isCut, ![0, first.length].includes(cut.length), `${cut.length} octets`);
    assert.equal(messages.length, cut.length < first.length ? 0 : 1);
  }
});

test('a message that says it is shorter than its header ends the reading', () => {
  const bytes = Buffer.from(first);
  for (const length of [0, 1, 15]) {
    bytes.writeUInt32LE(length, 0);
    assert.deepEqual(decodeNetlinkDatagram(bytes), { messages: [], isCut: true });
  }
});

test('attributes survive the round trip, nested ones too', () => {
  const bytes = Buffer.concat([
    encodeUint32(4, 0xdead_beef), encodeAttribute(3, Buffer.from('eth0\0junk')), encodeNested(18, [encodeAttribute(1, Buffer.from('veth\0'))]),
  ]);
  const attributes = decodeAttributes(bytes);
  assert.ok(attributes);
  assert.equal(readUint32(attributes, 4), 0xdead_beef);
  assert.equal(readText(attributes, 3), 'eth0');
  const nested = readNested(attributes, 18);
  assert.equal(nested && readText(nested, 1), 'veth');
  assert.equal(readUint32(attributes, 99), null);
  assert.equal(readText(attributes, 99), '');
  assert.equal(readNested(attributes, 99)?.size, 0);
});

test('a number that is too short, and a length that does not fit, are not read', () => {
  assert.equal(readUint32(new Map([[1, Buffer.of(1, 2, 3)]]), 1), null);
  assert.equal(decodeAttributes(Buffer.of(3, 0, 1, 0)), null);
  assert.equal(decodeAttributes(Buffer.of(9, 0, 1, 0, 0, 0, 0, 0)), null);
  assert.equal(decodeAttributes(Buffer.of(1, 2, 3))?.size, 0);
});

test('an attribute holds no more than its length can say', () => {
  assert.equal(encodeAttribute(1, Buffer.alloc(65_531)).length, 65_536);
  assert.throws(() => encodeAttribute(1, Buffer.alloc(65_532)), RangeError);
});

test(`mutated datagrams cause no fault (GATEHOUSE_SEED=${SEED})`, () => {
  const whole = Buffer.concat([encodeNetlinkMessage({ type: 1, flags: 0, sequence: 1 }, [encodeUint32(1, 1), encodeNested(2, [encodeUint32(1, 1)])]), second]);
  for (const mutated of mutations(whole, 5_000)) {
    for (const { payload } of decodeNetlinkDatagram(mutated).messages) {
      const attributes = decodeAttributes(payload);
      if (attributes !== null) readNested(attributes, 2);
    }
  }
});
