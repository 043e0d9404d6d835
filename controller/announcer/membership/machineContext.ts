import type { LogFields } from '../../../core/log/logger.ts';
import { MAX_INCARNATION, SMALL_STATE_OCTETS, type MemberRecord, type Message, type MessageBody } from './message.ts';
import { messageOctets, recordOctets } from './messageCodec.ts';
import { MAX_PAYLOAD_OCTETS } from './envelope.ts';
import { newMachineCounts } from './membershipCounts.ts';
import { NewsQueue } from './newsQueue.ts';
import { addressOf, isKnown, recordOf, reproachOf, Roster, type Peer, type SendTally } from './roster.ts';
import { encodeState, UNKNOWN_STATE } from './stateCodec.ts';
import { transmitLimit, type MembershipTimings } from './timings.ts';

/** What the machine wants done, in this order. */
export type MachineAction =
  | { readonly type: 'send'; readonly address: string; readonly message: Message }
  /** Ask whether there is an announcer at an address. */
  | { readonly type: 'echo'; readonly address: string; readonly cookie: string }
  /** Members or their states are others than before. */
  | { readonly type: 'changed' }
  | { readonly type: 'log'; readonly level: 'debug' | 'info' | 'warn'; readonly message: string; readonly fields: LogFields };

/** What does not change while a machine runs. */
export interface MachineOptions {
  readonly node: string;
  /** 16 random hexadecimal digits. */
  readonly boot: string;
  /** The wall clock, ms: so that a restarted member outranks what is said of its earlier life, as a rule. */
  readonly incarnation: number;
  /** Messages are authenticated: else a sender must have an address of the node it says it is. */
  readonly isKeyed: boolean;
  readonly timings: MembershipTimings;
  /** x with 0 ≤ x < 1. */
  readonly random: () => number;
  /** Names the key that is sent with. */
  readonly group: string;
  /** 16 hexadecimal digits that nobody can guess, each time. */
  readonly cookie: () => string;
  /** Addresses of this machine, for messages to people. */
  readonly localAddresses: () => readonly string[];
}

/** What this node says of itself. */
interface Self {
  readonly node: string;
  readonly boot: string;
  status: 'alive' | 'left';
  incarnation: number;
  stateVersion: number;
  state: Buffer;
}

/** Longer timeouts for a node that is slow itself (Lifeguard's local health multiplier): at most this many times more. */
const MAX_SLOWNESS = 4;

/** What the parts of the machine share: the moment, the roster, what to do, and how anything is said. */
export class MachineContext {
  nowMs = 0;
  actions: MachineAction[] = [];
  /** 0: answers come in time. */
  slowness = 0;
  /** What the configuration says that this node is reached at. */
  ownAddresses: readonly string[] = [];
  readonly options: MachineOptions;
  readonly self: Self;
  readonly roster = new Roster();
  readonly news = new NewsQueue();
  readonly counts = newMachineCounts();
  #sentBefore = 0;

  constructor(options: MachineOptions) {
    this.options = options;
    const { node, boot, incarnation } = options;
    const { octets } = encodeState(UNKNOWN_STATE);
    this.self = { node, boot, incarnation: Math.min(incarnation, MAX_INCARNATION), status: 'alive', stateVersion: 0, state: octets };
  }

  get timings(): MembershipTimings {
    return this.options.timings;
  }

  /** Living members, this one included. */
  size(): number {
    return this.roster.living().length + 1;
  }

  tally(): SendTally {
    return { sent: this.counts.sent, failed: this.counts.sendErrors };
  }

  /** Begins with an event. */
  begin(nowMs: number): void {
    this.nowMs = nowMs;
    this.actions = [];
    this.#sentBefore = this.counts.sent;
  }

  /**
   * True when half of what was sent since `before`, or more, has failed: then silence says nothing about others. What this very event
   * sends does not count, as nothing is known of it yet.
   */
  isMute(before: SendTally): boolean {
    const failed = this.counts.sendErrors - before.failed;
    return failed > 0 && failed * 2 >= this.#sentBefore - before.sent;
  }

  /** True when somebody else has answered since: this node can send and hear, so it may accuse. */
  isCorroborated(sinceMs: number, accused: string): boolean {
    return this.roster.living().some(({ node, lastAckMs }) => node !== accused && lastAckMs >= sinceMs);
  }

  adjustSlowness(by: 1 | -1): void {
    this.slowness = Math.max(0, Math.min(MAX_SLOWNESS, this.slowness + by));
  }

  /** What is said of this node, by itself. */
  selfRecord(): MemberRecord {
    const { node, boot, status, incarnation, stateVersion, state } = this.self;
    return { node, boot, status, incarnation, stateVersion, state: stateVersion > 0 && state.length <= SMALL_STATE_OCTETS ? state : null };
  }

  /** Sends to a peer, with what it ought to know first: what is held against it, and to a stranger who we are. Then other news. */
  send(peer: Peer, body: MessageBody): void {
    const sender = this.selfRecord();
    const first: MemberRecord[] = peer.status === 'alive' ? [] : [sender, ...reproachOf(peer)];
    const room = MAX_PAYLOAD_OCTETS - messageOctets(sender, body);
    const news = fit(first, room);
    const octets = room - news.reduce((sum, record) => sum + recordOctets(record), 0);
    const more = this.news.take({ octets, transmitLimit: transmitLimit(this.size()), recordOf: (node) => this.#recordOf(node) });
    this.#push(peer, { sender, body, news: [...news, ...more] });
  }

  /** Sends an answer, telling the peer what is held against it where it seems not to know (`tell`). */
  reply(peer: Peer, body: MessageBody, tell: readonly MemberRecord[]): void {
    const sender = this.selfRecord();
    this.#push(peer, { sender, body, news: fit(tell, MAX_PAYLOAD_OCTETS - messageOctets(sender, body)) });
  }

  /** Makes something known: directly to all where they are few, else to some who pass it on. */
  announce(record: MemberRecord): void {
    this.news.add(record.node);
    const { directMembers, fanOut } = this.timings;
    const living = this.roster.living();
    const told = living.length < directMembers ? living : this.draw(living, fanOut + 1);
    for (const peer of told) this.reply(peer, { type: 'news' }, [record]);
  }

  /** `count` of them by lot, without repetition. */
  draw<T>(items: readonly T[], count: number): T[] {
    const rest = [...items];
    const drawn: T[] = [];
    while (drawn.length < count && rest.length > 0) drawn.push(...rest.splice(Math.floor(this.options.random() * rest.length), 1));
    return drawn;
  }

  changed(): void {
    if (!this.hasChanged()) this.actions.push({ type: 'changed' });
  }

  /** Since the event that is dealt with. */
  hasChanged(): boolean {
    return this.actions.some(({ type }) => type === 'changed');
  }

  log(level: 'debug' | 'info' | 'warn', message: string, fields: LogFields): void {
    this.actions.push({ type: 'log', level, message, fields });
  }

  /** Sends to an address that need not be a peer's. */
  sendTo(address: string, body: MessageBody, news: readonly MemberRecord[]): void {
    this.counts.sent += 1;
    this.actions.push({ type: 'send', address, message: { sender: this.selfRecord(), body, news } });
  }

  #recordOf(node: string): MemberRecord | null {
    if (node === this.self.node) return this.selfRecord();
    const peer = this.roster.get(node);
    return peer === undefined || !isKnown(peer) || peer.isPrivate ? null : recordOf(peer);
  }

  #push(peer: Peer, message: Message): void {
    const address = addressOf(peer);
    if (address === null) return;
    this.counts.sent += 1;
    this.actions.push({ type: 'send', address, message });
  }
}

/** As many as have room, without their states where those do not fit. */
function fit(records: readonly MemberRecord[], octets: number): MemberRecord[] {
  const fitted: MemberRecord[] = [];
  let room = octets;
  for (const record of records) {
    const choice = [record, { ...record, state: null }].find((one) => recordOctets(one) <= room);
    if (choice === undefined) continue;
    fitted.push(choice);
    room -= recordOctets(choice);
  }
  return fitted;
}
