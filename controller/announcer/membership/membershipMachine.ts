import type { MemberState } from '../parts.ts';
import { MachineContext, type MachineAction, type MachineOptions } from './machineContext.ts';
import { MAX_INCARNATION, type MemberRecord, type Message } from './message.ts';
import type { MachineCounts, MembershipFault } from './membershipCounts.ts';
import { mustRefute, outranks } from './precedence.ts';
import { OwnStateTeller } from './ownStateTeller.ts';
import { Prober } from './prober.ts';
import { addressOf, forgetState, holdState, isKnown, isLiving, recordOf, type Peer } from './roster.ts';
import { ForeignPeers } from './foreignPeers.ts';
import { NamesakeWatch } from './namesakes.ts';
import { Recognition } from './recognition.ts';
import { StateExchange } from './stateExchange.ts';
import { Suspicions } from './suspicions.ts';

/** What happens to a machine. */
export type MachineEvent =
  | { readonly type: 'tick' }
  /** `counter` of the datagram's envelope; `address` it came from, canonical. */
  | { readonly type: 'received'; readonly message: Message; readonly counter: number; readonly address: string }
  /** A datagram came that could not be opened, or a reply to an echo request. */
  | { readonly type: 'unreadable'; readonly address: string }
  | { readonly type: 'echoed'; readonly address: string; readonly cookie: string; readonly group: string }
  /** A datagram did not leave this machine. */
  | { readonly type: 'sendFailed'; readonly address: string }
  /** Only addresses that can be sent to. */
  | { readonly type: 'nodes'; readonly nodes: ReadonlyMap<string, readonly string[]> }
  | { readonly type: 'state'; readonly state: MemberState }
  /** Whoever is gone may be back: an interface has come up. */
  | { readonly type: 'refresh' }
  | { readonly type: 'leave' };

/** One member as the machine sees it; `sinceMs` by the machine's clock. */
export interface MemberView {
  readonly node: string;
  readonly address: string;
  readonly status: MemberRecord['status'];
  readonly sinceMs: number;
  readonly serving: boolean;
}

/** Refutations are announced this far apart at least: two processes of one name would shout each other down. */
const REFUTATION_GAP_MS = 20;

/**
 * A member of a SWIM group (Das, Gupta, Motivala 2002), with ideas of Lifeguard (Dadgar, Phillips, Currey 2018). Pure: events and
 * the time in, actions out; wants a `tick` at `wakeAtMs` (docs/decisions/0015).
 */
export class MembershipMachine {
  readonly #context: MachineContext;
  readonly #prober: Prober;
  readonly #own: OwnStateTeller;
  readonly #suspicions: Suspicions;
  readonly #states: StateExchange;
  readonly #foreign: ForeignPeers;
  readonly #recognition: Recognition;
  readonly #namesakes: NamesakeWatch;
  /** Own state, decoded again as the others see it. */
  #startMs: number;
  #dueMs: number;
  #refutedMs = Number.NEGATIVE_INFINITY;
  #refuteAtMs = Number.POSITIVE_INFINITY;
  #gossipAtMs = Number.POSITIVE_INFINITY;

  constructor(options: MachineOptions, nowMs: number) {
    this.#context = new MachineContext(options);
    this.#context.nowMs = nowMs;
    this.#own = new OwnStateTeller(this.#context);
    this.#suspicions = new Suspicions(this.#context);
    this.#prober = new Prober(this.#context, (peer, sentMs) => this.#suspicions.accuse(peer, sentMs));
    this.#states = new StateExchange(this.#context);
    this.#foreign = new ForeignPeers(this.#context);
    this.#recognition = new Recognition(this.#context, this.#foreign);
    this.#namesakes = new NamesakeWatch(this.#context, this.#recognition);
    this.#startMs = nowMs;
    this.#dueMs = nowMs;
  }

  /** What to do now, after an event at `nowMs` (monotonic). */
  handle(event: MachineEvent, nowMs: number): readonly MachineAction[] {
    const context = this.#context;
    context.begin(nowMs);
    if (context.self.status === 'left') return [];
    this.#noticeDelay();
    this.#take(event);
    this.#work();
    this.#dueMs = this.#wakeAtMs();
    return context.actions;
  }

  /** When the next `tick` is due; infinite: never. */
  wakeAtMs(): number {
    return this.#dueMs;
  }

  /** Everybody has answered and told its state, or had the time to. */
  isSettled(nowMs: number): boolean {
    const { roster, timings } = this.#context;
    if (nowMs - this.#startMs >= timings.joinMs) return true;
    return roster.all().every((peer) => isKnown(peer) && (!isLiving(peer) || peer.heldVersion >= peer.stateVersion));
  }

  /** When `isSettled` becomes true in any case. */
  settledAtMs(): number {
    return this.#startMs + this.#context.timings.joinMs;
  }

  /** Why this node must own nothing, in words; null: it may. */
  doubt(): string | null {
    return this.#recognition.doubt;
  }

  /** States of who counts as alive, be it only suspected, by node, this one included unless it has left. */
  alive(): ReadonlyMap<string, MemberState> {
    const { self } = this.#context;
    const alive = new Map<string, MemberState>();
    if (self.status === 'alive') alive.set(self.node, this.#own.told);
    for (const { node, state } of this.#recognition.counted()) alive.set(node, state);
    return alive;
  }

  /** All others, as they are named in the configuration. */
  members(): readonly MemberView[] {
    return this.#context.roster.all().map((peer) => {
      const { node, status, sinceMs, state } = peer;
      return { node, address: addressOf(peer) ?? '', status, sinceMs, serving: isLiving(peer) && state.serving };
    });
  }

  counts(): Readonly<MachineCounts> {
    return this.#context.counts;
  }

  #take(event: MachineEvent): void {
    const context = this.#context;
    switch (event.type) {
      case 'tick':
        return;
      case 'received':
        this.#receive(event.message, event.counter, event.address);
        return;
      case 'unreadable':
        this.#foreign.unreadable(event.address);
        return;
      case 'echoed':
        this.#foreign.echoed(event.address, event.cookie, event.group);
        return;
      case 'sendFailed':
        context.counts.sendErrors += 1;
        return;
      case 'nodes':
        this.#setNodes(event.nodes);
        return;
      case 'state':
        this.#own.set(event.state);
        return;
      case 'refresh':
        this.#prober.refresh();
        return;
      case 'leave':
        context.self.status = 'left';
        context.changed();
        for (const peer of context.draw(context.roster.living(), context.timings.directMembers)) {
          context.reply(peer, { type: 'news' }, [context.selfRecord()]);
        }
    }
  }

  /** Whoever was stopped, or kept from running, has heard nothing meanwhile: that is nobody else's fault. */
  #noticeDelay(): void {
    const context = this.#context;
    const lateMs = context.nowMs - this.#dueMs;
    if (lateMs <= context.timings.lateMs) return;
    // Answers may wait unread: whoever starts on a busy machine hears them before it takes anybody for absent.
    if (context.nowMs - this.#startMs < context.timings.joinMs + lateMs) this.#startMs += Math.min(lateMs, context.timings.joinMs);
    if (lateMs > context.timings.pauseMs) {
      context.counts.pauses += 1;
      context.log('warn', 'this process stood still: it listens before it believes that others are dead', { pauseMs: Math.round(lateMs) });
      this.#prober.reset();
      this.#suspicions.reset();
      this.#own.claimNothing();
    } else {
      this.#prober.postpone(lateMs);
      this.#suspicions.postpone(lateMs);
    }
  }

  #work(): void {
    const context = this.#context;
    if (context.self.status === 'left') return;
    if (this.#refuteAtMs <= context.nowMs) this.#announceRefutation();
    this.#own.work();
    this.#prober.work();
    this.#suspicions.work(this.#prober);
    this.#states.work();
    this.#namesakes.work();
    this.#foreign.work();
    this.#gossip();
    this.#recognition.work();
  }

  /** Among many, news is passed on beside probes too: those alone would take seconds. */
  #gossip(): void {
    const { nowMs, news, roster, timings } = this.#context;
    const living = roster.living();
    if (living.length < timings.directMembers || news.isEmpty) {
      this.#gossipAtMs = Number.POSITIVE_INFINITY;
      return;
    }
    if (this.#gossipAtMs <= nowMs) {
      for (const peer of this.#context.draw(living, timings.fanOut)) if (!news.isEmpty) this.#context.send(peer, { type: 'news' });
      this.#gossipAtMs = Number.POSITIVE_INFINITY;
    }
    this.#gossipAtMs = Math.min(this.#gossipAtMs, nowMs + timings.gossipMs);
  }

  #wakeAtMs(): number {
    if (this.#context.self.status === 'left') return Number.POSITIVE_INFINITY;
    const parts = [this.#own, this.#prober, this.#suspicions, this.#states, this.#namesakes, this.#foreign, this.#recognition];
    return Math.min(...parts.map((part) => part.wakeAtMs()), this.#refuteAtMs, this.#gossipAtMs);
  }

  #setNodes(nodes: ReadonlyMap<string, readonly string[]>): void {
    const context = this.#context;
    const ownAddresses = nodes.get(context.self.node) ?? [];
    if (ownAddresses.join() !== context.ownAddresses.join()) this.#namesakes.ask();
    context.ownAddresses = ownAddresses;
    const others = new Map(nodes);
    others.delete(context.self.node);
    for (const node of context.roster.setNodes(others, context.nowMs)) {
      context.log('warn', 'a node cannot be a member: its name is not 1 to 253 characters of ASCII', { node: node.slice(0, 300) });
    }
    context.changed();
  }

  #receive(message: Message, counter: number, address: string): void {
    const context = this.#context;
    const peer = this.#senderOf(message, counter, address);
    if (peer === 'ownName') this.#namesakes.met(message, address);
    if (typeof peer === 'string') {
      context.counts.faults[peer] += 1;
      return;
    }
    const wasLiving = isLiving(peer);
    // An answer goes the way the question came, where that is one of its addresses.
    const index = peer.addresses.indexOf(address);
    if (index >= 0) peer.addressIndex = index;
    peer.heardFrom = address;
    this.#learn(message.sender);
    this.#recognition.heard(peer, message);
    const isTrusted = isLiving(peer);
    for (const record of message.news) if (isTrusted || record.status === 'alive' || record.node === context.self.node) this.#learn(record);
    const tell = isBehind(peer, message.sender) ? [recordOf(peer)] : [];
    if (!wasLiving) tell.push(context.selfRecord());
    // An accusation that was refuted long ago: who still says so has missed that, and would go by it.
    for (const record of message.news) if (isAccusation(record)) tell.push(...this.#refutationOf(record));
    this.#answer(peer, message, tell);
  }

  #refutationOf(record: MemberRecord): readonly MemberRecord[] {
    const accused = this.#context.roster.get(record.node);
    return accused?.status === 'alive' && outranks(accused, record) ? [recordOf(accused)] : [];
  }

  #answer(peer: Peer, { body, sender }: Message, tell: readonly MemberRecord[]): void {
    const context = this.#context;
    const target = 'target' in body ? context.roster.get(body.target) : undefined;
    if (tell.length > 0 && body.type !== 'ping') context.reply(peer, { type: 'news' }, tell);
    switch (body.type) {
      case 'ping':
        // Another name: the address is somebody else's now.
        if (body.target !== context.self.node) return;
        if (tell.length > 0) context.reply(peer, { type: 'ack', sequence: body.sequence, target: body.target }, tell);
        else context.send(peer, { type: 'ack', sequence: body.sequence, target: body.target });
        return;
      case 'ack':
        if (target === undefined) return;
        this.#prober.acknowledged(body.sequence, target, peer);
        this.#suspicions.answered(target);
        return;
      case 'pingRequest':
        if (target !== undefined) this.#prober.relay(peer, body.sequence, target);
        return;
      case 'stateRequest':
        this.#states.serve(peer, body);
        return;
      case 'statePart':
        if (sender.boot === peer.boot) this.#states.receive(peer, body);
        return;
      case 'news':
    }
  }

  /** The peer that a message is from, or why it is not listened to. */
  #senderOf({ sender }: Message, counter: number, address: string): Peer | MembershipFault {
    const context = this.#context;
    if (sender.node === context.self.node) return 'ownName';
    const peer = context.roster.get(sender.node);
    if (peer === undefined) return 'unknownSender';
    if (this.#namesakes.isRefused(peer, sender, address)) return 'wrongAddress';
    return peer.replay.accept(sender.boot, counter) ? peer : 'replay';
  }

  #learn(record: MemberRecord): void {
    const { self, roster } = this.#context;
    if (record.node === self.node) {
      this.#refute(record);
      return;
    }
    const peer = roster.get(record.node);
    if (peer === undefined) return;
    if (outranks(record, peer)) this.#adopt(peer, record);
    if (record.boot === peer.boot) this.#learnState(peer, record);
  }

  #adopt(peer: Peer, record: MemberRecord): void {
    const context = this.#context;
    const was = peer.status;
    const status = this.#isRefutedHere(peer, record) ? 'suspect' : record.status;
    if (was !== status) {
      context.log(status === 'suspect' || was === 'suspect' ? 'debug' : 'info', `a member is ${status}`, { node: peer.node, was });
      peer.sinceMs = context.nowMs;
      context.changed();
    }
    if (peer.boot !== record.boot) {
      forgetState(peer);
      context.changed();
    }
    peer.boot = record.boot;
    peer.incarnation = record.incarnation;
    peer.status = status;
    peer.isPrivate = false;
    peer.suspicion = null;
    if (status === 'suspect') this.#suspicions.heard(peer);
    if (!isLiving(peer)) peer.nextAbsentPingMs = context.nowMs + context.timings.absentPingMs;
    context.news.add(peer.node);
    // Accusations and refutations race each other: where not all hear all, they must be as fast by way of others.
    if (was !== status && (isAccusation(peer) || was !== 'left')) this.#passOn(peer);
  }

  /** Whom this node has just heard is not dead, whoever cannot reach it: it has the time to refute that all suspects have. */
  #isRefutedHere(peer: Peer, { status }: MemberRecord): boolean {
    const { nowMs, timings } = this.#context;
    return status === 'dead' && isLiving(peer) && nowMs - peer.heardMs < timings.suspicionMs;
  }

  /** Among many, gossip does that by itself, and this would be a storm. */
  #passOn(peer: Peer): void {
    const { roster, timings } = this.#context;
    if (roster.living().length < timings.directMembers) this.#context.announce(recordOf(peer));
  }

  #learnState(peer: Peer, { stateVersion, state }: MemberRecord): void {
    const context = this.#context;
    if (stateVersion > peer.stateVersion) {
      peer.stateVersion = stateVersion;
      context.news.add(peer.node);
    }
    if (state === null || stateVersion <= peer.heldVersion || stateVersion < peer.stateVersion) return;
    if (holdState(peer, stateVersion, state)) context.changed();
    else context.log('warn', 'a member tells a state that cannot be read', { node: peer.node, version: stateVersion });
  }

  /** Whatever is held against this node is outdated by its next incarnation. */
  #refute(record: MemberRecord): void {
    const context = this.#context;
    const { self } = context;
    if (!mustRefute(record, self)) return;
    self.incarnation = Math.min(MAX_INCARNATION, record.incarnation + 1);
    context.counts.refutations += 1;
    // Whoever is suspected may well be slow.
    if (record.boot === self.boot) context.adjustSlowness(1);
    if (context.nowMs - this.#refutedMs >= REFUTATION_GAP_MS) this.#announceRefutation();
    else this.#refuteAtMs = this.#refutedMs + REFUTATION_GAP_MS;
  }

  #announceRefutation(): void {
    this.#refutedMs = this.#context.nowMs;
    this.#refuteAtMs = Number.POSITIVE_INFINITY;
    this.#context.announce(this.#context.selfRecord());
  }
}

function isAccusation({ status }: Pick<MemberRecord, 'status'>): boolean {
  return status === 'suspect' || status === 'dead';
}

/** True when a sender seems not to know what is known of it here. */
function isBehind(peer: Peer, sender: MemberRecord): boolean {
  return peer.boot !== sender.boot || peer.incarnation !== sender.incarnation || peer.status !== sender.status;
}
