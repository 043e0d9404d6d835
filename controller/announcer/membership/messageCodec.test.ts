import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDatagram } from './datagram.ts';
import { createOpen, createSeal, decodeMembershipKey, MAX_PAYLOAD_OCTETS } from './envelope.ts';
import { MAX_DATAGRAM_OCTETS } from './message.ts';
import { decodeMessage, encodeMessage, messageOctets, recordOctets } from './messageCodec.ts';
import { ReplayGuard, REPLAY_WINDOW } from './replayWindow.ts';
import { randomFrom } from '../../../core/testing/random.ts';
import { testSeed } from '../../../core/testing/seededRandom.ts';
import { BOOT, LONGEST, MESSAGES, record } from './testing/messageCorpus.ts';
import { mutationRun } from './testing/mutationRun.ts';

const SEED = testSeed();
const KEY = Buffer.alloc(32, 7);

test('every message comes back as it was, and its length is known beforehand', () => {
  for (const message of MESSAGES) {
    const octets = encodeMessage(message);
    assert.deepEqual(decodeMessage(octets), message);
    const expected = messageOctets(message.sender, message.body) + message.news.reduce((sum, one) => sum + recordOctets(one), 0);
    assert.equal(octets.length, expected);
    assert.ok(octets.length <= MAX_PAYLOAD_OCTETS);
  }
});

test('a message that is cut anywhere, or goes on behind its end, is none', () => {
  for (const message of MESSAGES) {
    const octets = encodeMessage(message);
    for (let end = 0; end < octets.length; end += 1) assert.equal(decodeMessage(octets.subarray(0, end)), null, `${message.body.type} cut at ${end}`);
    assert.equal(decodeMessage(Buffer.concat([octets, Buffer.of(0)])), null);
  }
});

test(`mutated messages, datagrams and states (GATEHOUSE_SEED=${SEED}) are read as something within bounds, or not at all`, () => {
  const random = randomFrom(SEED);
  for (let run = 0; run < 60_000; run += 1) mutationRun(random);
});

test('what breaks a bound is refused: names, counts, parts, flags, states and senders', () => {
  const news = encodeMessage({ sender: record(), body: { type: 'news' }, news: [] });
  const changed = (at: number, value: number, base = news): Buffer => {
    const octets = Buffer.from(base);
    octets[at < 0 ? octets.length + at : at] = value;
    return octets;
  };
  assert.notEqual(decodeMessage(changed(0, 3)), null);
  assert.equal(decodeMessage(changed(0, 6)), null, 'a type that there is not');
  assert.equal(decodeMessage(changed(1, 1)), null, 'a sender that suspects itself');
  assert.equal(decodeMessage(changed(1, 2)), null, 'a sender that is dead');
  assert.equal(decodeMessage(changed(1, 8)), null, 'a flag that there is not');
  assert.equal(decodeMessage(changed(2, 0)), null, 'no name');
  assert.equal(decodeMessage(changed(2, 254)), null, 'a name beyond the end');
  assert.equal(decodeMessage(changed(3, 0x0a)), null, 'a name that would break a line of the log');
  assert.equal(decodeMessage(changed(3, 0xff)), null, 'a name that is not ASCII');
  assert.equal(decodeMessage(changed(-1, 255)), null, 'records beyond the end');
  const part = encodeMessage({ sender: record(), body: { type: 'statePart', version: 1, index: 0, count: 1, octets: new Uint8Array(0) }, news: [] });
  assert.equal(decodeMessage(changed(-5, 1, part)), null, 'part 1 of 1');
  assert.equal(decodeMessage(changed(-4, 255, part)), null, 'more parts than a state has');
  assert.throws(() => encodeMessage({ sender: record(), body: { type: 'news' }, news: Array.from({ length: 5 }, () => record({ node: LONGEST })) }), RangeError);
});

test('a sealed datagram is opened with its key by everybody who has it, and by nobody else', () => {
  const message = MESSAGES[2] ?? assert.fail();
  for (const key of [KEY, null]) {
    const seal = createSeal(key, BOOT);
    const open = createOpen(key === null ? [] : [key]);
    for (const counter of [1, 2]) assert.deepEqual(readDatagram(open, seal(encodeMessage(message))), { type: 'message', message, counter });
  }
  const sealed = createSeal(KEY, BOOT)(encodeMessage(message));
  const plain = createSeal(null, BOOT)(encodeMessage(message));
  assert.ok(!sealed.includes('node-1'), 'names do not show');
  assert.deepEqual(readDatagram(createOpen([Buffer.alloc(32, 8)]), sealed), { type: 'fault', fault: 'authentication' });
  assert.deepEqual(readDatagram(createOpen([]), sealed), { type: 'fault', fault: 'form' });
  assert.deepEqual(readDatagram(createOpen([KEY]), plain), { type: 'fault', fault: 'form' });
});

test('the largest payload makes a datagram of 1,200 octets, sealed', () => {
  const seal = createSeal(KEY, BOOT);
  assert.equal(seal(new Uint8Array(MAX_PAYLOAD_OCTETS)).length, MAX_DATAGRAM_OCTETS);
  assert.deepEqual(createOpen([KEY])(Buffer.concat([seal(new Uint8Array(MAX_PAYLOAD_OCTETS)), Buffer.of(0)])), { type: 'fault', fault: 'length' });
});

test('a sealed datagram with any octet changed, or cut anywhere, is not opened', () => {
  const open = createOpen([KEY]);
  const sealed = createSeal(KEY, BOOT)(encodeMessage(MESSAGES[0] ?? assert.fail()));
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 0x20;
    assert.equal(open(changed).type, 'fault', `octet ${at}`);
    assert.equal(open(sealed.subarray(0, at)).type, 'fault', `cut at ${at}`);
  }
  assert.equal(open(sealed).type, 'opened');
  assert.deepEqual(open(Buffer.from('GHM\x02s'.padEnd(60, 'x'), 'latin1')), { type: 'fault', fault: 'version' });
  assert.deepEqual(open(Buffer.from('x'.repeat(60), 'latin1')), { type: 'fault', fault: 'magic' });
});

test('a datagram that speaks in another boot than its envelope is malformed', () => {
  const forged = createSeal(KEY, '00000000000000b2')(encodeMessage({ sender: record(), body: { type: 'news' }, news: [] }));
  assert.deepEqual(readDatagram(createOpen([KEY]), forged), { type: 'fault', fault: 'malformed' });
});

test('each counter is taken once, in any order within the window, and old ones never', () => {
  const guard = new ReplayGuard();
  for (const counter of [1, 3, 2, 1_000]) {
    assert.equal(guard.accept(BOOT, counter), true);
    assert.equal(guard.accept(BOOT, counter), false);
  }
  assert.equal(guard.accept(BOOT, 500), true);
  assert.equal(guard.accept(BOOT, 0), false);
  assert.equal(guard.accept(BOOT, 1_000 + REPLAY_WINDOW), true);
  assert.equal(guard.accept(BOOT, 999), false, 'it may have been seen');
  assert.equal(guard.accept(BOOT, 1_000), false, 'just outside the window');
  assert.equal(guard.accept(BOOT, 1_001), true, 'the slots are used anew');
  assert.equal(guard.accept(BOOT, 2 ** 48 - 1), true, 'a leap clears the window');
  assert.equal(guard.accept(BOOT, 2 ** 48 - 2), true);
});

test('an earlier boot that is replayed takes nothing from the present one', () => {
  const guard = new ReplayGuard();
  assert.equal(guard.accept('old', 5), true);
  assert.equal(guard.accept('new', 1), true);
  assert.equal(guard.accept('old', 5), false);
  assert.equal(guard.accept('old', 6), true);
  assert.equal(guard.accept('new', 2), true);
});

test('a membership key is base64 of 16 octets at least, and no error shows it', () => {
  assert.equal(decodeMembershipKey(`${KEY.toString('base64')}\n`).length, 32);
  for (const wrong of ['', 'c2hvcnQ=', 'not base64 at all, but long enough!!']) {
    assert.throws(() => decodeMembershipKey(wrong), (error: unknown) => error instanceof RangeError && (wrong === '' || !error.message.includes(wrong)));
  }
});
