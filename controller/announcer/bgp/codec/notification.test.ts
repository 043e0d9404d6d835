import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessage, encodeMessage } from './codec.ts';
import { CEASE, ERROR, STATE_ERROR } from './errorCodes.ts';
import { PLAIN_CODEC, type NotificationMessage } from './message.ts';
import { ceaseNotification, describeNotification, hardReset, notificationOf } from './notification.ts';

const notification = (code: number, subcode: number, ...data: readonly number[]): NotificationMessage => ({
  type: 'notification', code, subcode, data: Uint8Array.from(data),
});
const text = (words: string): readonly number[] => [Buffer.byteLength(words), ...Buffer.from(words)];

test('A NOTIFICATION is read as it was written, whatever it says', () => {
  for (const message of [notification(0, 0), notification(255, 255, 1, 2, 3), ceaseNotification(CEASE.administrativeShutdown, 'maintenance')]) {
    assert.deepEqual(decodeMessage(encodeMessage(message, PLAIN_CODEC), PLAIN_CODEC), { ok: true, message });
  }
});

const WORDS: readonly (readonly [message: NotificationMessage, words: string])[] = [
  [notification(1, 1), 'Message Header Error/Connection Not Synchronized'],
  [notification(1, 2, 0x10, 0x01), 'Message Header Error/Bad Message Length: 4097 octets'],
  [notification(1, 3, 9), 'Message Header Error/Bad Message Type: type 9'],
  [notification(2, 0), 'OPEN Message Error/Unspecific'],
  [notification(2, 1, 0, 4), 'OPEN Message Error/Unsupported Version Number: it speaks version 4'],
  [notification(2, 2), 'OPEN Message Error/Bad Peer AS'],
  [notification(2, 6), 'OPEN Message Error/Unacceptable Hold Time'],
  [notification(2, 7, 65, 4, 0, 0, 252, 0, 69, 0), 'OPEN Message Error/Unsupported Capability: capability 65, 69 (data 0x41040000fc004500)'],
  [notification(2, 11), 'OPEN Message Error/Role Mismatch'],
  [notification(3, 3, 2), 'UPDATE Message Error/Missing Well-known Attribute: data 0x02'],
  [notification(3, 11), 'UPDATE Message Error/Malformed AS_PATH'],
  [notification(4, 0), 'Hold Timer Expired'],
  [notification(ERROR.finiteStateMachine, STATE_ERROR.openSent), 'Finite State Machine Error/Receive Unexpected Message in OpenSent State'],
  [notification(6, 7), 'Cease/Connection Collision Resolution'],
  [notification(6, 10), 'Cease/BFD Down'],
  [notification(7, 1), 'ROUTE-REFRESH Message Error/Invalid Message Length'],
  [notification(8, 0), 'Send Hold Timer Expired'],
  [notification(6, 0), 'Cease'],
  [notification(6, 99), 'Cease/99'],
  [notification(77, 0), 'Error 77'],
  [notification(77, 3), 'Error 77/3'],
  [notification(6, 2, ...text('Wartung bis 4 Uhr – grüße')), 'Cease/Administrative Shutdown: "Wartung bis 4 Uhr – grüße"'],
  [notification(6, 4, ...text('')), 'Cease/Administrative Reset'],
  [notification(6, 2, ...text('a\r\nlevel=error \u001b[31m\u202eb\u2028')), 'Cease/Administrative Shutdown: "a??level=error ?[31m?b?"'],
  [notification(6, 2, 9, 97), 'Cease/Administrative Shutdown: data 0x0961'],
  [notification(6, 2, 1, 0xff), 'Cease/Administrative Shutdown: data 0x01ff'],
  [notification(6, 3, ...text('not for this one')), 'Cease/Peer De-configured: data 0x106e6f7420666f722074686973206f6e... of 17 octets'],
  [hardReset(ceaseNotification(CEASE.administrativeReset, 'new key')), 'Cease/Hard Reset (Cease/Administrative Reset: "new key")'],
  [hardReset(notification(4, 0)), 'Cease/Hard Reset (Hold Timer Expired)'],
  [hardReset(hardReset(notification(4, 0))), 'Cease/Hard Reset (Cease/Hard Reset)'],
  [notification(6, 9, 6), 'Cease/Hard Reset: data 0x06'],
];

for (const [message, words] of WORDS) {
  test(`NOTIFICATION in words: ${words}`, () => {
    assert.equal(describeNotification(message), words);
  });
}

test('The longest data takes a few words', () => {
  for (const subcode of [2, 3, 9]) assert.ok(describeNotification(notification(6, subcode, ...Array.from({ length: 60_000 }, () => 255))).length < 400);
  assert.ok(describeNotification(notification(2, 7, ...Array.from({ length: 4000 }, () => 0))).length < 200);
});

test('A shutdown communication is cut off behind a whole character within 255 octets', () => {
  const { data } = ceaseNotification(CEASE.administrativeShutdown, 'é'.repeat(200));
  assert.equal(data[0], 254);
  assert.equal(Buffer.from(data.subarray(1)).toString(), 'é'.repeat(127));
});

test('No text is no data, and subcodes that carry none get none', () => {
  assert.equal(ceaseNotification(CEASE.administrativeShutdown).data.length, 0);
  assert.equal(ceaseNotification(CEASE.bfdDown, 'away').data.length, 0);
});

test('What was read does not change with the buffer that it came in', () => {
  const octets = Buffer.from(encodeMessage(notification(6, 2, 1, 97), PLAIN_CODEC));
  const decoded = decodeMessage(octets, PLAIN_CODEC);
  octets.fill(0);
  assert.deepEqual(decoded, { ok: true, message: notification(6, 2, 1, 97) });
});

test('A fault makes the NOTIFICATION that it asks for', () => {
  const decoded = decodeMessage(new Uint8Array(19), PLAIN_CODEC);
  assert.ok(!decoded.ok);
  assert.deepEqual(notificationOf(decoded.fault), notification(1, 1));
});
