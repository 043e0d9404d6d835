import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetlinkInput } from '../../../core/os/netlinkSocket.ts';
import { createManualClock } from '../../../core/time/manualClock.ts';
import { encodeAttribute } from './attributes.ts';
import { createScriptedSocket, datagram, ending } from './fixture/scriptedSocket.ts';
import { createNetlinkClient, type NetlinkClient } from './netlinkClient.ts';
import { NetlinkError, type NetlinkFault } from './netlinkError.ts';
import { NLM, type NetlinkMessage } from './netlinkMessage.ts';

const REQUEST = { type: 18, parts: [Buffer.of(1, 2, 3, 4)], purpose: 'list things' };

function clientOf(answer: (request: NetlinkMessage) => readonly NetlinkInput[]): NetlinkClient {
  return createNetlinkClient(createScriptedSocket(answer));
}

function fails(code: NetlinkFault, errnoName = ''): (error: unknown) => boolean {
  return (error) => error instanceof NetlinkError && error.code === code && error.errnoName === errnoName;
}

/** Octets of all messages, and how the list ended. */
function listAll(client: NetlinkClient): { readonly octets: readonly number[]; readonly end: string } {
  const octets: number[] = [];
  const messages = client.dump(REQUEST);
  for (;;) {
    const { done, value } = messages.next();
    if (done === true) return { octets, end: value };
    octets.push(value.payload[0] ?? -1);
  }
}

test('a request asks for an acknowledgement, and answers what came before it', () => {
  const socket = createScriptedSocket(({ sequence }) => [datagram(16, sequence, Buffer.of(9)), ending(2, sequence)]);
  const answers = createNetlinkClient(socket).request({ ...REQUEST, flags: NLM.create });
  assert.deepEqual(answers.map(({ payload }) => payload[0]), [9]);
  assert.deepEqual(socket.sent.map(({ type, flags, payload }) => ({ type, flags, payload })), [
    { type: 18, flags: NLM.request | NLM.acknowledge | NLM.create, payload: REQUEST.parts[0] },
  ]);
});

test('a refusal names the request, the errno, the kernel\'s own words and what to do', () => {
  const refusal = (sequence: number): Buffer => {
    const head = Buffer.alloc(20);
    head.writeInt32LE(-1, 0);
    return datagram(2, sequence, Buffer.concat([head, encodeAttribute(1, Buffer.from('not for you\0'))]), 0x300);
  };
  assert.throws(() => clientOf(({ sequence }) => [refusal(sequence)]).request(REQUEST), (error) => {
    assert.ok(fails('refused', 'EPERM')(error));
    assert.equal((error as Error).message, 'cannot list things: EPERM (not for you); this needs CAP_NET_ADMIN in the network namespace of the node');
    return true;
  });
});

test('a list goes over many datagrams, to its end', () => {
  const client = clientOf(({ sequence }) => [
    Buffer.concat([datagram(16, sequence, Buffer.of(1)), datagram(16, sequence, Buffer.of(2))]), datagram(16, sequence, Buffer.of(3)), ending(3, sequence),
  ]);
  assert.deepEqual(listAll(client), { octets: [1, 2, 3], end: 'whole' });
});

test('a list that changed meanwhile says so, wherever the kernel says it', () => {
  for (const place of [0, 1]) {
    const flags = (index: number): number => (index === place ? NLM.dumpInterrupted : 0);
    const client = clientOf(({ sequence }) => [datagram(16, sequence, Buffer.of(1), flags(0)), datagram(3, sequence, Buffer.alloc(4), flags(1))]);
    assert.equal(listAll(client).end, 'interrupted');
  }
});

test('a list may be refused at its beginning and at its end', () => {
  assert.throws(() => listAll(clientOf(({ sequence }) => [ending(2, sequence, 22)])), fails('refused', 'EINVAL'));
  assert.throws(() => listAll(clientOf(({ sequence }) => [datagram(16, sequence, Buffer.of(1)), ending(3, sequence, 95)])), fails('refused', 'ENOTSUP'));
});

test('what is left of an earlier question is not taken for an answer', () => {
  let asked = 0;
  const client = clientOf(({ sequence }) => {
    asked += 1;
    return asked === 1 ? [ending(2, sequence, 22), datagram(16, sequence, Buffer.of(7)), ending(2, sequence)] : [datagram(16, sequence, Buffer.of(8)), ending(2, sequence)];
  });
  assert.throws(() => client.request(REQUEST), fails('refused', 'EINVAL'));
  assert.deepEqual(client.request(REQUEST).map(({ payload }) => payload[0]), [8]);
});

test('lost and unreadable answers are told apart', () => {
  assert.throws(() => listAll(clientOf(() => ['overrun'])), fails('overrun'));
  assert.throws(() => listAll(clientOf(({ sequence }) => [datagram(16, sequence, Buffer.alloc(40)).subarray(0, 50)])), fails('malformed'));
  assert.throws(() => clientOf(({ sequence }) => [datagram(2, sequence, Buffer.alloc(0))]).request(REQUEST), fails('malformed'));
});

test('no more answers to one request are kept than a request can have', () => {
  const client = clientOf(({ sequence }) => Array.from({ length: 65 }, () => datagram(16, sequence, Buffer.of(1))));
  assert.throws(() => client.request(REQUEST), fails('malformed'));
});

test('an answer that is late is waited for, one that never comes is not', () => {
  const clock = createManualClock();
  const late = createScriptedSocket(undefined, () => { late.queue.push(ending(2, 1)); });
  assert.deepEqual(createNetlinkClient(late, clock).request(REQUEST), []);
  const silent = createScriptedSocket(undefined, () => clock.advance(300));
  assert.throws(() => createNetlinkClient(silent, clock).request(REQUEST), fails('timeout'));
});
