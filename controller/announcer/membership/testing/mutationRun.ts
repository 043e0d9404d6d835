import assert from 'node:assert/strict';
import type { Random } from '../../../../core/testing/random.ts';
import { readDatagram } from '../datagram.ts';
import { createOpen, createSeal } from '../envelope.ts';
import { SMALL_STATE_OCTETS } from '../message.ts';
import { decodeMessage, encodeMessage } from '../messageCodec.ts';
import { decodeState, encodeState } from '../stateCodec.ts';
import { BOOT, MESSAGES, STATE } from './messageCorpus.ts';

const PAYLOADS = MESSAGES.map(encodeMessage);
const seal = createSeal(null, BOOT);
const DATAGRAMS = PAYLOADS.map((payload) => seal(payload));
const STATE_OCTETS = encodeState(STATE).octets;
const open = createOpen([]);
const KINDS = [
  { whole: PAYLOADS, check: checkMessage }, { whole: DATAGRAMS, check: checkDatagram }, { whole: [STATE_OCTETS], check: checkState },
];

/**
 * For tests: one mutated message, datagram without a key, or state. Throws, with its octets, when reading it throws, when what was read is
 * out of bounds, or when it does not come out of the encoder again.
 */
export function mutationRun(random: Random): void {
  const { whole, check } = random.pick(KINDS);
  const octets = mutate(random.pick(whole), random);
  try {
    check(octets);
  } catch (error) {
    throw new Error(`${check.name} of ${octets.toString('hex')}`, { cause: error });
  }
}

/** With one to four octets changed; some are cut off as well, others get more octets somewhere. */
function mutate(whole: Buffer, { integer }: Random): Buffer {
  const octets = Buffer.from(whole);
  for (let count = 1 + integer(4); count > 0; count -= 1) octets[integer(octets.length)] = integer(256);
  const at = integer(octets.length + 1);
  const lot = integer(5);
  if (lot === 0) return octets.subarray(0, at);
  return lot === 1 ? Buffer.concat([octets.subarray(0, at), Buffer.alloc(integer(300), integer(256)), octets.subarray(at)]) : octets;
}

function checkMessage(octets: Buffer): void {
  const message = decodeMessage(octets);
  if (message === null) return;
  assert.deepEqual(decodeMessage(encodeMessage(message)), message);
  for (const { node, state } of [message.sender, ...message.news]) {
    assert.match(node, /^[\x21-\x7e]{1,253}$/);
    assert.ok((state?.length ?? 0) <= SMALL_STATE_OCTETS);
  }
}

function checkDatagram(octets: Buffer): void {
  const read = readDatagram(open, octets);
  if (read.type === 'message') assert.deepEqual(decodeMessage(encodeMessage(read.message)), read.message);
}

function checkState(octets: Buffer): void {
  const state = decodeState(octets);
  if (state === null) return;
  assert.ok(state.unable.length + state.held.length <= octets.length);
  assert.deepEqual(decodeState(encodeState(state).octets), state);
}
