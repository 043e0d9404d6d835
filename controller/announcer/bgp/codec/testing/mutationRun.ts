import assert from 'node:assert/strict';
import { decodeMessage, encodeMessage, type DecodedMessage } from '../codec.ts';
import { createMessageFramer } from '../framer.ts';
import type { BgpFault, CodecOptions, ReceivedMessage, ReceivedUpdate } from '../message.ts';
import { describeNotification, notificationOf } from '../notification.ts';
import { CORPUS, OPTIONS } from './messageCorpus.ts';
import { below, mutateMessage } from './mutateMessage.ts';

/** Codes and subcodes that the codec itself may answer with. */
const FAULTS: ReadonlySet<string> = new Set(['1/1', '1/2', '1/3', '2/0', '2/1', '2/2', '2/3', '2/4', '2/6', '3/1', '3/9', '3/10', '7/1']);
/** Of the messages, so many go through the framer as well, which takes longest. */
const FRAMED_SHARE = 0.25;
const MAX_RANDOM_LENGTH = 120;

/**
 * For tests: one mutated or random message through the decoder, whole and in two parts. Throws when something throws, when a fault is none
 * of those that are declared, when the parts make another message than the whole, or when what was read is not written the same.
 */
export function mutationRun(random: () => number): void {
  const octets = random() < 0.05 ? randomOctets(random) : mutateMessage(CORPUS[below(random, CORPUS.length)] ?? new Uint8Array(0), random);
  const options = OPTIONS[below(random, OPTIONS.length)] ?? assert.fail();
  try {
    const decoded = decodeMessage(octets, options);
    if (decoded.ok) checkMessage(decoded.message, octets, options);
    else checkFault(decoded.fault, options);
    if (random() < FRAMED_SHARE) checkFramer(octets, below(random, octets.length + 1), options);
  } catch (error) {
    throw new Error(`message ${Buffer.from(octets).toString('hex')} with ${JSON.stringify(options)}`, { cause: error });
  }
}

function checkMessage(message: ReceivedMessage, octets: Uint8Array, options: CodecOptions): void {
  switch (message.type) {
    case 'update':
      return checkUpdate(message, octets);
    case 'notification':
      assert.ok(describeNotification(message).length < 500);
      assert.deepEqual(encodeMessage(message, options), Uint8Array.from(octets));
      return;
    case 'routeRefresh':
      if (message.family === null || message.subtype === 'other') return;
      assert.deepEqual(decodeMessage(encodeMessage(message, options), options), { ok: true, message });
      return;
    case 'open': {
      // Names are cut off and made readable, which changes them once; their lengths decide which form the parameters have.
      const capabilities = message.capabilities.filter(({ type }) => type !== 'fqdn');
      assert.deepEqual(decodeMessage(encodeMessage({ ...message, capabilities }, options), options), { ok: true, message: { ...message, capabilities } });
      return;
    }
    case 'keepalive':
      assert.equal(octets.length, 19);
  }
}

function checkUpdate({ announced, withdrawn, faults, endOfRib }: ReceivedUpdate, octets: Uint8Array): void {
  const prefixes = announced.ipv4 + announced.ipv6 + withdrawn.ipv4 + withdrawn.ipv6;
  assert.ok(prefixes <= octets.length && faults.length <= 4);
  if (endOfRib !== null) assert.equal(prefixes, 0);
  if (faults.some(({ outcome }) => outcome === 'treat-as-withdraw')) assert.equal(announced.ipv4 + announced.ipv6, 0);
}

function checkFault(fault: BgpFault, options: CodecOptions): void {
  assert.ok(FAULTS.has(`${fault.code}/${fault.subcode}`), `${fault.code}/${fault.subcode}`);
  assert.ok(fault.text.length > 0 && fault.text.length < 500, fault.text);
  assert.ok(encodeMessage(notificationOf(fault), { ...options, extendedMessages: false }).length <= 4096);
}

function checkFramer(octets: Uint8Array, cut: number, options: CodecOptions): void {
  const whole = framed([octets], options);
  assert.deepEqual(framed([octets.subarray(0, cut), octets.subarray(cut)], options), whole);
}

function framed(parts: readonly Uint8Array[], options: CodecOptions): readonly DecodedMessage[] {
  const framer = createMessageFramer(options);
  const found: DecodedMessage[] = [];
  for (const part of parts) {
    found.push(...framer.messages(part));
    assert.ok(framer.pendingOctets() <= 65_535);
  }
  return found;
}

function randomOctets(random: () => number): Uint8Array {
  return Uint8Array.from({ length: below(random, MAX_RANDOM_LENGTH) }, () => below(random, 256));
}
