import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MachineAction } from './machineContext.ts';
import { MembershipMachine, type MachineEvent } from './membershipMachine.ts';
import { MAX_PAYLOAD_OCTETS } from './envelope.ts';
import { MAX_INCARNATION, MEMBER_STATUSES, type MemberRecord, type Message, type MessageBody } from './message.ts';
import { encodeMessage } from './messageCodec.ts';
import { NewsQueue } from './newsQueue.ts';
import { mustRefute, outranks } from './precedence.ts';
import { seededRandom, testSeed } from '../../../core/testing/seededRandom.ts';
import { decodeState } from './stateCodec.ts';
import { DEFAULT_TIMINGS, suspicionTimeoutMs, transmitLimit } from './timings.ts';

const SEED = testSeed();
const BOOT = '0000000000000001';
type Sent = Extract<MachineAction, { type: 'send' }>;

const record = (node: string, changes: Partial<MemberRecord> = {}): MemberRecord =>
  ({ node, status: 'alive', boot: `00000000000000${node.charCodeAt(0).toString(16)}`, incarnation: 10, stateVersion: 0, state: null, ...changes });

/** Machine `self` among `b`, `c`, ... at 10.0.0.<letter>, driven by hand. */
class Driven {
  readonly machine: MembershipMachine;
  nowMs = 1_000;
  sent: Sent[] = [];
  #counter = 0;

  constructor(others: string, changes: { readonly isKeyed?: boolean; readonly nodes?: ReadonlyMap<string, readonly string[]> } = {}) {
    this.machine = new MembershipMachine({
      node: 'self', boot: BOOT, incarnation: 10, isKeyed: changes.isKeyed ?? true, timings: DEFAULT_TIMINGS, random: seededRandom(1), group: 'bbbbbbbb',
      cookie: () => 'c0c0c0c0c0c0c0c0', localAddresses: () => ['10.0.0.1'],
    }, this.nowMs);
    this.send({ type: 'nodes', nodes: changes.nodes ?? new Map(others.split('').map((node) => [node, [`10.0.0.${node}`]])) });
    this.sent = [];
  }

  send(event: MachineEvent): readonly MachineAction[] {
    const actions = this.machine.handle(event, this.nowMs);
    this.sent.push(...actions.filter((action) => action.type === 'send'));
    return actions;
  }

  hear(sender: MemberRecord, body: MessageBody = { type: 'news' }, news: readonly MemberRecord[] = []): readonly MachineAction[] {
    this.#counter += 1;
    return this.send({ type: 'received', message: { sender, body, news }, counter: this.#counter, address: `10.0.0.${sender.node}` });
  }

  /** Lets time pass, answering pings for those in `answering`. */
  pass(ms: number, answering = ''): void {
    const endMs = this.nowMs + ms;
    while (this.machine.wakeAtMs() <= endMs) {
      this.nowMs = Math.max(this.nowMs, this.machine.wakeAtMs());
      const from = this.sent.length;
      this.send({ type: 'tick' });
      for (const { message } of this.sent.slice(from)) {
        const { body } = message;
        if (body.type === 'ping' && answering.includes(body.target)) this.hear(record(body.target), { type: 'ack', sequence: body.sequence, target: body.target });
      }
    }
    this.nowMs = endMs;
  }

  bodies(type: MessageBody['type']): Message[] {
    return this.sent.map(({ message }) => message).filter(({ body }) => body.type === type);
  }

  status(node: string): string | undefined {
    return this.machine.members().find((member) => member.node === node)?.status;
  }
}

test('of two words about a member the later incarnation wins, then the worse status', () => {
  const said = (status: MemberRecord['status'], incarnation: number): MemberRecord => record('b', { status, incarnation });
  for (const [a, b] of [[said('alive', 2), said('left', 1)], [said('suspect', 1), said('alive', 1)], [said('dead', 1), said('suspect', 1)], [said('left', 1), said('dead', 1)]] as const) {
    assert.equal(outranks(a, b), true);
    assert.equal(outranks(b, a), false);
  }
  assert.equal(outranks(said('dead', 1), said('dead', 1)), false);
  assert.equal(mustRefute(said('alive', 1), said('alive', 1)), false);
  assert.equal(mustRefute(said('suspect', 1), said('alive', 1)), true);
  assert.equal(mustRefute(said('dead', 1), said('alive', 2)), false);
  assert.equal(mustRefute(record('b', { boot: BOOT }), record('b')), true, 'of another boot');
});

test('everybody who is named is pinged at once, a few times in quick succession, then once a second', () => {
  const driven = new Driven('');
  driven.send({ type: 'nodes', nodes: new Map([['b', ['10.0.0.b']], ['c', ['10.0.0.c']], ['self', ['10.0.0.1']]]) });
  assert.deepEqual(driven.sent.map(({ address }) => address), ['10.0.0.b', '10.0.0.c']);
  driven.pass(400);
  assert.equal(driven.bodies('ping').length, 8);
  driven.sent = [];
  driven.pass(10_000);
  assert.ok(driven.bodies('ping').length >= 18 && driven.bodies('ping').length <= 22, `${driven.bodies('ping').length}`);
});

test('a start is settled when all have answered and told their states, or after half a second', () => {
  const driven = new Driven('bc');
  assert.equal(driven.machine.isSettled(driven.nowMs), false);
  driven.hear(record('b'));
  assert.equal(driven.machine.isSettled(driven.nowMs), false);
  driven.hear(record('c', { stateVersion: 1 }));
  assert.equal(driven.machine.isSettled(driven.nowMs), false, 'a state is missing');
  driven.hear(record('c', { stateVersion: 1 }), { type: 'statePart', version: 1, index: 0, count: 1, octets: Uint8Array.of(1, 0, 0, 0, 0) });
  assert.equal(driven.machine.isSettled(driven.nowMs), true);
  assert.equal(driven.machine.alive().get('c')?.serving, true);
  assert.equal(new Driven('bc').machine.isSettled(1_500), true);
  assert.equal(new Driven('').machine.isSettled(1_000), true);
});

test('a start that is held up settles later, as answers may wait unread', () => {
  const { machine, nowMs } = new Driven('bc');
  machine.handle({ type: 'tick' }, nowMs + 490);
  assert.equal(machine.isSettled(nowMs + 510), false);
  assert.equal(machine.isSettled(nowMs + 1_000), true);
});

test('who does not answer is asked for by way of others, suspected, and dead when it does not refute', () => {
  const driven = new Driven('bcd');
  for (const node of 'bcd') driven.hear(record(node));
  driven.sent = [];
  driven.pass(150, 'cd');
  assert.ok(driven.bodies('pingRequest').some(({ body }) => body.type === 'pingRequest' && body.target === 'b'));
  driven.pass(100, 'cd');
  assert.equal(driven.status('b'), 'suspect');
  assert.ok(driven.machine.alive().has('b'), 'a suspect counts as alive');
  assert.ok(driven.bodies('news').some(({ news }) => news.some(({ node, status }) => node === 'b' && status === 'suspect')), 'the others are told');
  driven.sent = [];
  driven.pass(400, 'cd');
  assert.equal(driven.status('b'), 'dead');
  assert.equal(driven.machine.alive().has('b'), false);
  assert.ok(driven.bodies('ping').some(({ body, news }) => body.type === 'ping' && body.target === 'b' && news.some(({ status }) => status === 'suspect')), 'it was told while it was asked');
});

test('who refutes is alive, and a suspicion of the earlier incarnation is no more listened to', () => {
  const driven = new Driven('bcd');
  for (const node of 'bcd') driven.hear(record(node));
  driven.hear(record('c'), { type: 'news' }, [record('b', { status: 'suspect' })]);
  assert.equal(driven.status('b'), 'suspect');
  driven.hear(record('b', { incarnation: 11 }));
  assert.equal(driven.status('b'), 'alive');
  driven.hear(record('c'), { type: 'news' }, [record('b', { status: 'dead' })]);
  assert.equal(driven.status('b'), 'alive');
});

test('who hears that it is suspected says that it lives, to all, before anything else', () => {
  const driven = new Driven('bc');
  for (const node of 'bc') driven.hear(record(node));
  driven.sent = [];
  driven.hear(record('b'), { type: 'ping', sequence: 5, target: 'self' }, [record('self', { boot: BOOT, status: 'suspect' })]);
  const told = driven.sent.map(({ message, address }) => [message.body.type, address, message.sender.incarnation]);
  assert.deepEqual(told, [['news', '10.0.0.b', 11], ['news', '10.0.0.c', 11], ['ack', '10.0.0.b', 11]]);
});

test('two processes of one name do not shout each other down', () => {
  const driven = new Driven('bc');
  for (const node of 'bc') driven.hear(record(node));
  driven.sent = [];
  for (let round = 0; round < 200; round += 1) driven.hear(record('b'), { type: 'news' }, [record('self', { incarnation: 20 + round * 2 })]);
  driven.nowMs += 5;
  driven.send({ type: 'tick' });
  assert.ok(driven.bodies('news').length <= 4, `${driven.bodies('news').length}`);
  driven.pass(30, 'bc');
  assert.ok(driven.bodies('news').some(({ sender }) => sender.incarnation === 419), 'the last word is said in the end');
});

test('whom this node has just heard is not dead at another\'s word: it has the time to refute', () => {
  const driven = new Driven('bcd');
  for (const node of 'bcd') driven.hear(record(node));
  driven.sent = [];
  driven.hear(record('c'), { type: 'news' }, [record('b', { status: 'dead' })]);
  assert.equal(driven.status('b'), 'suspect');
  assert.ok(driven.sent.some(({ address, message }) => address === '10.0.0.b' && message.news.some(({ node, status }) => node === 'b' && status === 'suspect')), 'it is told');
  driven.hear(record('b', { incarnation: 11 }));
  assert.equal(driven.status('b'), 'alive');
  driven.sent = [];
  driven.hear(record('c'), { type: 'news' }, [record('b', { status: 'dead' })]);
  assert.deepEqual(driven.sent.at(-1)?.message.news.map(({ node, incarnation }) => [node, incarnation]), [['b', 11]], 'who missed the refutation has it now');
});

test('accusations of one who is dead are not believed, but what it holds against us is refuted', () => {
  const driven = new Driven('bcd');
  for (const node of 'bcd') driven.hear(record(node));
  driven.nowMs += DEFAULT_TIMINGS.suspicionMs;
  driven.hear(record('c'), { type: 'news' }, [record('b', { status: 'dead' })]);
  driven.hear(record('b'), { type: 'news' }, [record('d', { status: 'dead' }), record('self', { boot: BOOT, status: 'dead' })]);
  assert.equal(driven.status('d'), 'alive');
  assert.equal(driven.machine.counts().refutations, 1);
  assert.ok(driven.sent.at(-1)?.message.news.some(({ node, status }) => node === 'b' && status === 'dead'), 'it is told what to refute');
});

test('an acknowledgement comes only for our own name, and goes on to who asked for it', () => {
  const driven = new Driven('bc');
  for (const node of 'bc') driven.hear(record(node));
  driven.sent = [];
  driven.hear(record('b'), { type: 'ping', sequence: 1, target: 'other' });
  assert.equal(driven.bodies('ack').length, 0);
  driven.hear(record('b'), { type: 'pingRequest', sequence: 77, target: 'c' });
  const ping = driven.bodies('ping').at(-1) ?? assert.fail();
  assert.ok(ping.body.type === 'ping' && ping.body.target === 'c');
  driven.hear(record('c'), { type: 'ack', sequence: ping.body.sequence, target: 'c' });
  assert.deepEqual(driven.sent.at(-1)?.message.body, { type: 'ack', sequence: 77, target: 'c' });
  assert.equal(driven.sent.at(-1)?.address, '10.0.0.b');
  driven.sent = [];
  driven.hear(record('c'), { type: 'ack', sequence: ping.body.sequence, target: 'c' });
  assert.equal(driven.bodies('ack').length, 0, 'once');
});

test('a node with several addresses is asked at each in turn, and then where it answers from', () => {
  const driven = new Driven('', { nodes: new Map([['b', ['10.0.0.x', '10.0.0.b']]]) });
  driven.pass(130);
  assert.deepEqual(driven.sent.map(({ address }) => address), ['10.0.0.b']);
  driven.hear(record('b'));
  driven.pass(200, 'b');
  driven.sent = [];
  driven.pass(500, 'b');
  assert.deepEqual(new Set(driven.sent.map(({ address }) => address)), new Set(['10.0.0.b']));
});

test('a node that is no longer named is forgotten, and not listened to', () => {
  const driven = new Driven('bc');
  for (const node of 'bc') driven.hear(record(node));
  driven.send({ type: 'nodes', nodes: new Map([['c', ['10.0.0.c']]]) });
  assert.deepEqual([...driven.machine.alive().keys()], ['self', 'c']);
  driven.hear(record('b'));
  driven.hear(record('c'), { type: 'news' }, [record('b')]);
  assert.deepEqual([...driven.machine.alive().keys()], ['self', 'c']);
  assert.equal(driven.machine.counts().faults.unknownSender, 1);
});

test('names that cannot be sent are left out, and said', () => {
  const driven = new Driven('');
  const actions = driven.send({ type: 'nodes', nodes: new Map([['a b', ['10.0.0.1']], ['n'.repeat(254), ['10.0.0.2']], ['', []]]) });
  assert.equal(actions.filter(({ type }) => type === 'log').length, 3);
  assert.equal(driven.machine.members().length, 0);
});

test('a state that cannot be read is said once, and not asked for again', () => {
  const driven = new Driven('b');
  const actions = driven.hear(record('b', { stateVersion: 4 }), { type: 'news' }, [record('b', { stateVersion: 4, state: Uint8Array.of(9) })]);
  assert.equal(actions.filter((action) => action.type === 'log' && action.level === 'warn').length, 1);
  driven.sent = [];
  driven.pass(900, 'b');
  assert.equal(driven.bodies('stateRequest').length, 0);
});

test('parts of a state are put together in any order, once for each, and only as they fit each other', () => {
  const driven = new Driven('b');
  driven.hear(record('b', { stateVersion: 2 }));
  assert.equal(driven.bodies('stateRequest').length, 1);
  const part = (version: number, index: number, count: number, octets: readonly number[]): void => {
    driven.hear(record('b', { stateVersion: 2 }), { type: 'statePart', version, index, count, octets: Uint8Array.from(octets) });
  };
  const state = [1, 0, 0, 0, 1, 4, 192, 0, 2, 1];
  part(1, 0, 1, [0, 0, 0, 0, 0]);
  part(2, 1, 2, state.slice(4));
  part(2, 0, 3, [7]);
  assert.equal(driven.machine.alive().get('b')?.serving, false);
  part(2, 0, 2, state.slice(0, 4));
  assert.deepEqual(driven.machine.alive().get('b'), { serving: true, unable: [], held: ['192.0.2.1'] });
});

test('our own state is served in parts, of our own boot only, and not without bound', () => {
  const driven = new Driven('b');
  driven.hear(record('b'));
  const ask = (boot: string): void => void driven.hear(record('b'), { type: 'stateRequest', boot, version: 1, missing: 0xffffffff });
  ask(BOOT);
  assert.equal(driven.bodies('statePart').length, 0, 'there is none yet');
  driven.send({ type: 'state', state: { serving: true, unable: Array.from({ length: 1_000 }, (_, index) => `interface-${index}`), held: [] } });
  ask('00000000000000ff');
  assert.equal(driven.bodies('statePart').length, 0, 'of an earlier boot');
  ask(BOOT);
  assert.equal(driven.bodies('statePart').length, 18);
  for (let again = 0; again < 200; again += 1) ask(BOOT);
  assert.equal(driven.bodies('statePart').length, 320);
});

test('news is passed on as often as needed, the newest first, and fits its room', () => {
  const queue = new NewsQueue();
  const take = (octets: number): string[] => queue.take({ octets, transmitLimit: 2, recordOf: (node) => (node === 'gone' ? null : record(node)) }).map(({ node }) => node);
  for (const node of ['b', 'c', 'gone']) queue.add(node);
  assert.deepEqual(take(21), ['b']);
  assert.deepEqual(take(21), ['c']);
  queue.add('d');
  assert.deepEqual(take(42), ['d', 'b']);
  assert.deepEqual(take(1_000), ['c', 'd']);
  assert.equal(queue.isEmpty, true);
  const state = new Uint8Array(100);
  queue.add('b');
  assert.deepEqual(queue.take({ octets: 50, transmitLimit: 1, recordOf: (node) => record(node, { state }) }), [record('b')], 'without its state where that is too large');
});

test('suspicion and gossip last longer among many', () => {
  assert.deepEqual([2, 10, 100].map((size) => suspicionTimeoutMs(DEFAULT_TIMINGS, size)), [300, 300, 600]);
  assert.deepEqual([1, 9, 10, 200].map(transmitLimit), [4, 4, 8, 12]);
});

test(`whatever a member that has the key may say (GATEHOUSE_SEED=${SEED}), answers fit datagrams and their number is bounded`, () => {
  const random = seededRandom(SEED);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const numbers = [0, 1, 9, 10, 11, 2 ** 32 - 1];
  const names = ['self', 'b', 'c', 'd', 'stranger', 'n'.repeat(253)];
  const anyRecord = (): MemberRecord => record(pick(names), {
    status: pick(MEMBER_STATUSES),
    boot: pick([BOOT, '0000000000000062', 'ffffffffffffffff']),
    incarnation: pick([...numbers, MAX_INCARNATION]),
    stateVersion: pick(numbers),
    state: pick([null, Uint8Array.of(1, 0, 0, 0, 0), new Uint8Array(512)]),
  });
  const anyBody = (): MessageBody => pick<MessageBody>([
    { type: 'ping', sequence: pick(numbers), target: pick(names) },
    { type: 'pingRequest', sequence: pick(numbers), target: pick(names) },
    { type: 'ack', sequence: pick(numbers), target: pick(names) },
    { type: 'news' },
    { type: 'stateRequest', boot: BOOT, version: pick(numbers), missing: pick([0, 5, 2 ** 32 - 1]) },
    { type: 'statePart', version: pick(numbers), index: 0, count: pick([1, 2, 20]), octets: new Uint8Array(5) },
  ]);
  const driven = new Driven('', { nodes: new Map(['b', 'c', 'd', 'n'.repeat(253)].map((node) => [node, [`10.0.0.${node.slice(0, 1)}`]])) });
  driven.send({ type: 'state', state: { serving: true, unable: ['x'.repeat(480)], held: [] } });
  for (let run = 0; run < 20_000; run += 1) {
    driven.sent = [];
    const sender = { ...anyRecord(), node: pick(['b', 'c', 'd', 'n'.repeat(253)]), status: pick(['alive', 'left'] as const), state: null };
    driven.nowMs += random() * 10;
    driven.hear(sender, anyBody(), Array.from({ length: Math.floor(random() * 4) }, anyRecord));
    assert.ok(driven.sent.length <= 40, `${driven.sent.length} datagrams for one`);
    for (const { message } of driven.sent) assert.ok(encodeMessage(message).length <= MAX_PAYLOAD_OCTETS);
  }
  assert.ok(driven.machine.wakeAtMs() < Number.POSITIVE_INFINITY);
});

test('after it has left, a machine says and hears nothing', () => {
  const driven = new Driven('b');
  driven.hear(record('b'));
  driven.sent = [];
  driven.send({ type: 'leave' });
  assert.deepEqual(driven.sent.map(({ message }) => [message.sender.status, message.news[0]?.status]), [['left', 'left']]);
  assert.equal(driven.machine.wakeAtMs(), Number.POSITIVE_INFINITY);
  assert.deepEqual(driven.hear(record('b'), { type: 'ping', sequence: 1, target: 'self' }), []);
  assert.equal(driven.machine.alive().has('self'), false);
});

test('who has stood still claims nothing that it held in anything it says, before a second has passed or it is told anew', () => {
  const driven = new Driven('bc');
  const state = { serving: true, unable: [], held: ['192.0.2.1'] };
  driven.send({ type: 'state', state });
  driven.pass(3_000, 'bc');
  driven.sent = [];
  driven.nowMs += 1_600;
  // Whatever waits unread comes first.
  driven.hear(record('b'), { type: 'ping', sequence: 1, target: 'self' }, [record('self', { boot: BOOT, status: 'dead', incarnation: 10 })]);
  driven.pass(900, 'bc');
  const heldIn = (): readonly (readonly string[] | undefined)[] => driven.sent.flatMap(({ message: { sender, news } }) => [sender, ...news])
    .filter(({ node, state: octets }) => node === 'self' && octets !== null).map(({ state: octets }) => decodeState(octets ?? new Uint8Array())?.held);
  assert.ok(heldIn().length > 0);
  assert.ok(heldIn().every((held) => held?.length === 0), JSON.stringify(heldIn()));
  assert.deepEqual(driven.machine.alive().get('self')?.held, []);
  driven.sent = [];
  driven.pass(200, 'bc');
  assert.deepEqual(heldIn().at(-1), ['192.0.2.1']);
});
