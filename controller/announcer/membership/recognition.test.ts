import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../core/testing/seededRandom.ts';
import { MembershipMachine, type MachineEvent } from './membershipMachine.ts';
import type { MachineAction } from './machineContext.ts';
import type { MemberRecord, MessageBody } from './message.ts';
import { DENIAL_GRACE_MS } from './recognition.ts';
import { encodeState } from './stateCodec.ts';
import { DEFAULT_TIMINGS } from './timings.ts';

const BOOT = 'aaaaaaaaaaaaaaaa';
const OWN = '10.0.0.1';
const ELSEWHERE = '10.0.0.99';

function record(node: string, changes: Partial<MemberRecord> = {}): MemberRecord {
  return { node, status: 'alive', boot: node.charCodeAt(0).toString(16).padStart(16, '0'), incarnation: 10, stateVersion: 0, state: null, ...changes };
}

interface Options {
  readonly isKeyed?: boolean;
  readonly group?: string;
  readonly local?: string;
}

/** Machine `self`, at 10.0.0.1, among `b`, `c`, ... at 10.0.0.<letter>. */
class Driven {
  readonly machine: MembershipMachine;
  nowMs = 1_000;
  actions: MachineAction[] = [];
  #counter = 0;

  constructor(others: string, { isKeyed = true, group = '88888888', local = OWN }: Options = {}) {
    this.machine = new MembershipMachine({
      node: 'self', boot: BOOT, incarnation: 10, isKeyed, timings: DEFAULT_TIMINGS, random: seededRandom(1), group,
      cookie: () => 'c0c0c0c0c0c0c0c0', localAddresses: () => [local],
    }, this.nowMs);
    this.send({ type: 'nodes', nodes: new Map([['self', [OWN]], ...others.split('').map((node) => [node, [`10.0.0.${node}`]] as const)]) });
  }

  send(event: MachineEvent): readonly MachineAction[] {
    const actions = this.machine.handle(event, this.nowMs);
    this.actions.push(...actions);
    return actions;
  }

  hear(sender: MemberRecord, body: MessageBody = { type: 'news' }, news: readonly MemberRecord[] = [], address = `10.0.0.${sender.node}`): readonly MachineAction[] {
    this.#counter += 1;
    return this.send({ type: 'received', message: { sender, body, news }, counter: this.#counter, address });
  }

  ping(node: string, news: readonly MemberRecord[] = []): void {
    this.hear(record(node), { type: 'ping', sequence: 1, target: 'self' }, news);
  }

  /** Lets time pass; `say` is called every 100 ms. */
  pass(ms: number, say: () => void = () => {}): void {
    for (let passedMs = 0; passedMs < ms; passedMs += 10) {
      this.nowMs += 10;
      if (this.machine.wakeAtMs() <= this.nowMs) this.send({ type: 'tick' });
      if (passedMs % 100 === 0) say();
    }
  }

  sentTo(address: string): readonly Extract<MachineAction, { type: 'send' }>[] {
    return this.actions.filter((action) => action.type === 'send').filter((action) => action.address === address);
  }

  alive(): string {
    return [...this.machine.alive().keys()].join(' ');
  }
}

const self = (changes: Partial<MemberRecord> = {}) => record('self', { boot: BOOT, ...changes });
const DEAD = [self({ status: 'dead' })];

test('who is taken for dead by all it hears, again and again, must own nothing; the others count for it though none answers', () => {
  const driven = new Driven('bc');
  driven.pass(1_500, () => { for (const node of 'bc') driven.ping(node, DEAD); });
  assert.match(driven.machine.doubt() ?? '', /^b, c can be heard but take self for dead/);
  assert.equal(driven.alive(), 'self b c');
  for (const node of 'bc') driven.ping(node);
  assert.equal(driven.machine.doubt(), null);
});

test('who was never heard is told so, and must own nothing', () => {
  const teller = new Driven('b');
  const told = teller.sentTo('10.0.0.b')[0]?.message.news ?? [];
  assert.deepEqual(told.map(({ node, status }) => [node, status]), [['self', 'alive'], ['b', 'dead']]);
  const driven = new Driven('b');
  driven.pass(1_500, () => driven.ping('b', [self({ status: 'dead', boot: told[1]?.boot ?? '', incarnation: 0 })]));
  assert.match(driven.machine.doubt() ?? '', /^b can be heard but take/);
});

test('an accusation that is taken back in time is none', () => {
  const driven = new Driven('bc');
  for (const node of 'bc') driven.ping(node, DEAD);
  driven.pass(DENIAL_GRACE_MS - 50);
  for (const node of 'bc') driven.ping(node);
  driven.pass(1_000);
  assert.equal(driven.machine.doubt(), null);
});

test('one that takes all others for dead, as it hears none of them, is not heeded by the larger side', () => {
  const driven = new Driven('bcd');
  driven.pass(2_000, () => {
    driven.ping('b');
    driven.ping('c');
    driven.ping('d', DEAD);
  });
  assert.equal(driven.machine.doubt(), null);
});

test('who owns nothing takes nothing over: its word alone silences nobody', () => {
  const driven = new Driven('b');
  const unable = encodeState({ serving: true, unable: ['*'], held: [] }).octets;
  driven.hear(record('b', { stateVersion: 1 }), { type: 'news' }, [record('b', { stateVersion: 1, state: unable })]);
  driven.pass(1_500, () => driven.hear(record('b', { stateVersion: 1 }), { type: 'ping', sequence: 1, target: 'self' }, DEAD));
  assert.equal(driven.machine.doubt(), null);
});

test('who denies this node and is heard no more has lost its say', () => {
  const driven = new Driven('b');
  driven.pass(1_500, () => driven.ping('b', DEAD));
  assert.notEqual(driven.machine.doubt(), null);
  driven.pass(4_000);
  assert.equal(driven.machine.doubt(), null);
  assert.equal(driven.alive(), 'self');
});

test('a machine with the name of a node at another address is turned away while that node lives, and told so, a few times a second', () => {
  const driven = new Driven('bc');
  driven.ping('b');
  driven.actions = [];
  for (let count = 0; count < 24; count += 1) {
    driven.hear(record('b', { boot: 'ffffffffffffffff', incarnation: 99 }), { type: 'ping', sequence: 1, target: 'self' }, [], ELSEWHERE);
    driven.pass(20);
  }
  const told = driven.sentTo(ELSEWHERE);
  assert.ok(told.length >= 1 && told.length <= 2, `${told.length}`);
  assert.deepEqual(told[0]?.message.news.map(({ node, boot, status }) => [node, boot, status]), [['b', record('b').boot, 'alive']]);
  assert.equal(driven.actions.filter((action) => action.type === 'log' && action.message.includes('another machine')).length, 1);
  assert.equal(driven.machine.counts().faults.wrongAddress, 24);
  assert.equal(driven.machine.members().find(({ node }) => node === 'b')?.address, '10.0.0.b');
});

test('a node that starts again at one of its addresses is believed at once, and with a key also from an address that nobody named', () => {
  const driven = new Driven('b');
  driven.ping('b');
  driven.hear(record('b', { boot: 'ffffffffffffffff', incarnation: 99 }));
  assert.equal(driven.machine.counts().faults.wrongAddress, 0);
  const unnamed = new Driven('b');
  unnamed.hear(record('b'), { type: 'news' }, [], ELSEWHERE);
  unnamed.hear(record('b', { boot: 'ffffffffffffffff', incarnation: 99 }), { type: 'news' }, [], ELSEWHERE);
  assert.equal(unnamed.machine.counts().faults.wrongAddress, 0);
});

test('who is told by all that its name is another process owns nothing, and names both addresses', () => {
  for (const isKeyed of [true, false]) {
    const driven = new Driven('bc', { isKeyed, local: ELSEWHERE });
    driven.pass(1_200, () => { for (const node of 'bc') driven.hear(record(node), { type: 'news' }, [self({ boot: 'ffffffffffffffff' })]); });
    assert.match(driven.machine.doubt() ?? '', /^another machine is self, at 10\.0\.0\.1; this one has the addresses 10\.0\.0\.99, and must have another --node-name: b, c say so$/);
  }
});

test('a machine that has none of its node\'s addresses asks there, and owns nothing when it is answered', () => {
  const driven = new Driven('', { local: ELSEWHERE });
  driven.pass(1_000);
  assert.deepEqual(driven.sentTo(OWN)[0]?.message.body, { type: 'ping', sequence: 0, target: 'self' });
  driven.hear(self({ boot: 'ffffffffffffffff' }), { type: 'news' }, [self({ boot: 'ffffffffffffffff' })], OWN);
  assert.match(driven.machine.doubt() ?? '', /another machine is self, at 10\.0\.0\.1/);
  driven.pass(4_000);
  assert.equal(driven.machine.doubt(), null, 'it is there no more');
});

test('the machine at the address answers whoever asks under its name, and goes on', () => {
  const driven = new Driven('b');
  driven.pass(1_000);
  assert.equal(driven.sentTo(OWN).length, 0, 'it has its address');
  driven.hear(self({ boot: '0000000000000001' }), { type: 'ping', sequence: 0, target: 'self' }, [], ELSEWHERE);
  assert.deepEqual(driven.sentTo(ELSEWHERE).map(({ message }) => [message.body.type, message.news[0]?.boot]), [['news', BOOT]]);
  assert.equal(driven.machine.doubt(), null);
});

test('whoever claims this node\'s name from an address that is not the node\'s silences nobody, with a key or without', () => {
  for (const isKeyed of [true, false]) {
    const driven = new Driven('b', { isKeyed });
    driven.hear(self({ boot: '0000000000000001' }), { type: 'news' }, [self({ boot: '0000000000000001' })], ELSEWHERE);
    assert.equal(driven.machine.doubt(), null);
  }
});

test('of two machines that both have an address of the node exactly one goes on', () => {
  for (const [boot, goesOn] of [['0000000000000001', false], ['ffffffffffffffff', true]] as const) {
    const driven = new Driven('b');
    driven.send({ type: 'nodes', nodes: new Map([['self', [OWN, ELSEWHERE]]]) });
    driven.hear(self({ boot }), { type: 'ping', sequence: 0, target: 'self' }, [], ELSEWHERE);
    assert.equal(driven.sentTo(ELSEWHERE).some(({ message }) => message.body.type === 'news'), goesOn, 'only who goes on says so');
  }
});

test('a machine that is mistaken for the node does not tell the rightful one to give up', () => {
  const driven = new Driven('b', { local: ELSEWHERE });
  driven.actions = [];
  driven.hear(self({ boot: 'ffffffffffffffff' }), { type: 'ping', sequence: 0, target: 'c' }, [], OWN);
  driven.hear(self({ boot: 'ffffffffffffffff' }), { type: 'ping', sequence: 0, target: 'self' }, [], OWN);
  assert.deepEqual(driven.sentTo(OWN).filter(({ message }) => message.body.type === 'news'), []);
});

/** `node` sends what cannot be opened; whoever `answers` is there. */
function foreign(driven: Driven, node: string, group: string, answers = true): void {
  for (const action of driven.send({ type: 'unreadable', address: `10.0.0.${node}` })) {
    if (action.type === 'echo' && answers) driven.send({ type: 'echoed', address: action.address, cookie: action.cookie, group });
  }
}

test('of those who cannot read each other the smaller side owns nothing, and of equal ones exactly one', () => {
  const cases = [
    { others: 'b', group: '11111111', gives: true },
    { others: 'b', group: '99999999', gives: false },
    { others: 'bc', group: '99999999', gives: true },
  ] as const;
  for (const { others, group, gives } of cases) {
    const driven = new Driven(others);
    driven.pass(1_000, () => { for (const node of others) foreign(driven, node, group); });
    assert.equal(driven.machine.doubt() !== null, gives, `${others} ${group}`);
    if (gives) assert.match(driven.machine.doubt() ?? '', /another membership key than self/);
  }
});

test('three with three keys: one of them owns', () => {
  const doubts = (own: string, first: string, second: string): boolean => {
    const driven = new Driven('bc', { group: own });
    driven.pass(1_000, () => {
      foreign(driven, 'b', first);
      foreign(driven, 'c', second);
    });
    return driven.machine.doubt() !== null;
  };
  assert.deepEqual([doubts('11111111', '22222222', '33333333'), doubts('22222222', '11111111', '33333333'), doubts('33333333', '11111111', '22222222')], [false, true, true]);
});

test('datagrams that cannot be opened delay no fail-over where nobody answers at the address, however many are made up', () => {
  const driven = new Driven('bc');
  driven.actions = [];
  driven.pass(3_000, () => { for (const node of 'bc') foreign(driven, node, '11111111', false); });
  assert.equal(driven.machine.doubt(), null);
  assert.equal(driven.alive(), 'self');
  const asked = driven.actions.filter(({ type }) => type === 'echo').length;
  assert.ok(asked <= 8, `${asked} questions in three seconds`);
});

test('a reply counts once, to the cookie that was sent, from that address', () => {
  const driven = new Driven('b');
  driven.send({ type: 'unreadable', address: '10.0.0.b' });
  driven.send({ type: 'echoed', address: '10.0.0.b', cookie: '0000000000000000', group: '11111111' });
  driven.send({ type: 'echoed', address: ELSEWHERE, cookie: 'c0c0c0c0c0c0c0c0', group: '11111111' });
  assert.equal(driven.machine.doubt(), null);
  driven.send({ type: 'echoed', address: '10.0.0.b', cookie: 'c0c0c0c0c0c0c0c0', group: '11111111' });
  assert.notEqual(driven.machine.doubt(), null);
  driven.pass(10_000);
  assert.equal(driven.machine.doubt(), null, 'it is there no more');
});

test('who can be read again is foreign no more', () => {
  const driven = new Driven('b');
  driven.pass(1_000, () => foreign(driven, 'b', '11111111'));
  assert.notEqual(driven.machine.doubt(), null);
  driven.ping('b');
  assert.equal(driven.machine.doubt(), null);
});
