import { listNodes } from '../ownership/decision.ts';
import { UNABLE_ALL } from '../ownership/eligibleNodes.ts';
import type { ForeignPeers } from './foreignPeers.ts';
import type { MachineContext } from './machineContext.ts';
import type { MemberRecord, Message } from './message.ts';
import { isLiving, NO_BOOT, type Peer } from './roster.ts';

/** What a peer says of this node, and for how long: that it does not live, or is another process. */
export interface Denial {
  readonly sinceMs: number;
  readonly heardMs: number;
  /** Not only suspected: the peer counts without this node, and takes its VIPs over. */
  readonly isFinal: boolean;
  /** The peer has another process for the node of this name. */
  readonly isOtherProcess: boolean;
}

/** Ours: a refutation is there and back by then, even where one datagram of it was lost. */
export const DENIAL_GRACE_MS = 300;
/** Ours: absent members are pinged at least this many times before what they said last is forgotten. */
const PINGS_REMEMBERED = 2.5;

/**
 * Whether the others count this node among the living, and whom it counts itself. Liveness alone does not tell: where datagrams pass
 * one way only, who is heard by nobody hears all, takes them for dead as none answers, and would own what they own
 * (docs/decisions/0019).
 */
export class Recognition {
  readonly #context: MachineContext;
  readonly #foreign: ForeignPeers;
  /** Somebody at an address of this very node has its name. */
  #twin: { readonly address: string; readonly heardMs: number } | null = null;
  #doubt: string | null = null;
  #counted: readonly Peer[] = [];
  #wakeMs = Number.NEGATIVE_INFINITY;
  /** Something was heard that may matter. */
  #isStale = true;

  constructor(context: MachineContext, foreign: ForeignPeers) {
    this.#context = context;
    this.#foreign = foreign;
  }

  /** Why this node must not own anything, in words; null: it may. */
  get doubt(): string | null {
    return this.#doubt;
  }

  /** Peers that count as alive where owners are decided. */
  counted(): readonly Peer[] {
    return this.#counted;
  }

  /** What a peer has just said shows what it thinks of this node. */
  heard(peer: Peer, { sender, body, news }: Message): void {
    const { nowMs, self } = this.#context;
    if (sender.boot === peer.boot && sender.status === 'alive') peer.heardMs = nowMs;
    const before = peer.denial;
    const said = news.find(({ node }) => node === self.node);
    if (said !== undefined && denies(said, self.boot)) {
      peer.denial = {
        sinceMs: peer.denial?.sinceMs ?? nowMs, heardMs: nowMs, isFinal: said.status !== 'suspect' || said.boot !== self.boot,
        isOtherProcess: said.boot !== self.boot && said.boot !== NO_BOOT,
      };
    } else if (said !== undefined || body.type === 'ping' || body.type === 'pingRequest' || body.type === 'ack') {
      // Those begin with whatever is held against whom they are sent to.
      peer.denial = null;
    }
    this.#isStale ||= peer.status === 'dead' || before?.isFinal !== peer.denial?.isFinal || before?.isOtherProcess !== peer.denial?.isOtherProcess;
  }

  /** The rightful process of this node's name has said that it is that. */
  twinHeard(address: string): void {
    this.#twin = { address, heardMs: this.#context.nowMs };
    this.#isStale = true;
  }

  /** Judges anew where anything it depends on may be different; tells of what is. */
  work(): void {
    const context = this.#context;
    if (!this.#isStale && !context.hasChanged() && !this.#foreign.hasAny && context.nowMs < this.#wakeMs) return;
    this.#isStale = this.#foreign.hasAny;
    this.#wakeMs = Number.POSITIVE_INFINITY;
    const before = this.#counted;
    const doubt = this.#twinDoubt() ?? this.#deniedDoubt() ?? this.#foreignDoubt();
    const isDoubted = doubt !== null;
    this.#counted = context.roster.all().filter((peer) => isLiving(peer) || (this.#isPresent(peer) && (isDoubted || peer.denial === null)));
    if (doubt === this.#doubt && isSameList(before, this.#counted)) return;
    if (isDoubted !== (this.#doubt !== null)) {
      context.log('warn', isDoubted ? 'this node gives up all VIPs' : 'this node may own VIPs again', { reason: doubt ?? this.#doubt });
    }
    this.#doubt = doubt;
    context.changed();
  }

  wakeAtMs(): number {
    return this.#wakeMs;
  }

  /** How long it may take until an absent member is heard again. */
  #rememberedMs(): number {
    const { roster, timings } = this.#context;
    return PINGS_REMEMBERED * Math.max(timings.absentPingMs, timings.periodMs * roster.all().length);
  }

  /** True until then, which is looked at again. */
  #isBefore(atMs: number): boolean {
    const { nowMs } = this.#context;
    if (nowMs >= atMs) return false;
    this.#wakeMs = Math.min(this.#wakeMs, atMs);
    return true;
  }

  /** It was heard after it was found dead: it lives, and does not hear us. */
  #isPresent(peer: Peer): boolean {
    return peer.status === 'dead' && peer.heardMs > peer.sinceMs && this.#isBefore(peer.heardMs + this.#rememberedMs());
  }

  #isDenying(peer: Peer): peer is Peer & { readonly denial: Denial } {
    return peer.denial !== null && !this.#isBefore(peer.denial.sinceMs + DENIAL_GRACE_MS) && this.#isBefore(peer.denial.heardMs + this.#rememberedMs());
  }

  /** It was heard, or its answer by way of another, and holds nothing against this node: that others say it lives is not enough. */
  #isSupporting(peer: Peer): boolean {
    const isThere = isLiving(peer) ? this.#isBefore(peer.heardMs + this.#rememberedMs()) : this.#isPresent(peer);
    return isThere && !this.#isDenying(peer);
  }

  #twinDoubt(): string | null {
    const { self, options } = this.#context;
    if (this.#twin === null || !this.#isBefore(this.#twin.heardMs + this.#rememberedMs())) return null;
    return otherProcess(self.node, this.#twin.address, options.localAddresses());
  }

  /** Who is denied by as many as count it, itself included, is on the smaller side: the others do not know better, but it does. */
  #deniedDoubt(): string | null {
    const { roster, self, options } = this.#context;
    const all = roster.all();
    // Who owns nothing itself takes nothing over.
    const deniers = all.filter((peer) => this.#isDenying(peer) && peer.denial.isFinal && !peer.state.unable.includes(UNABLE_ALL));
    const supporters = all.filter((peer) => this.#isSupporting(peer));
    if (deniers.length === 0 || deniers.length < supporters.length + 1) return null;
    const names = listNodes(deniers.map(({ node }) => node).sort());
    if (deniers.every(({ denial }) => denial?.isOtherProcess === true)) {
      return `${otherProcess(self.node, this.#context.ownAddresses.join(' or ') || 'another address', options.localAddresses())}: ${names} say so`;
    }
    return `${names} can be heard but take ${self.node} for dead: UDP from here does not reach them, or comes from an address that is not this node's (${options.localAddresses().join(', ')})`;
  }

  /** Of groups that cannot read each other the largest owns, of equal ones that whose key is named first. */
  #foreignDoubt(): string | null {
    const { roster, self, options } = this.#context;
    const own = 1 + roster.all().filter((peer) => this.#isSupporting(peer)).length;
    for (const [group, peers] of this.#foreign.groups()) {
      const isAhead = peers.length > own || (peers.length === own && group < options.group);
      if (group === options.group || !isAhead) continue;
      const names = listNodes(peers.map(({ node }) => node));
      return `${names} ${peers.length === 1 ? 'has' : 'have'} another membership key than ${self.node}, and ${peers.length > own ? 'are more' : 'go first among as many'}`;
    }
    return null;
  }
}

function denies({ status, boot }: MemberRecord, ownBoot: string): boolean {
  return status !== 'alive' || boot !== ownBoot;
}

function otherProcess(node: string, there: string, here: readonly string[]): string {
  return `another machine is ${node}, at ${there}; this one has the addresses ${here.join(', ') || 'none'}, and must have another --node-name`;
}

function isSameList(a: readonly Peer[], b: readonly Peer[]): boolean {
  return a.length === b.length && a.every((peer, index) => peer === b[index]);
}
