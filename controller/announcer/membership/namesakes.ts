import type { MachineContext } from './machineContext.ts';
import type { MemberRecord, Message } from './message.ts';
import type { Recognition } from './recognition.ts';
import { isKnown, isLiving, recordOf, type Peer } from './roster.ts';

/** Ours: between two answers to somebody who is turned away: too seldom for anybody to make a flood of them. */
const REFUSAL_GAP_MS = 500;
/** Ours: between two questions whether another machine has the addresses of this node. */
const ASK_GAP_MS = 1_000;
/** Ours. */
const WARN_GAP_MS = 60_000;

/**
 * Two machines under one node name, by mistake: the one at an address of the node is that, else the one that was there first. The other
 * is told, and owns nothing (docs/decisions/0019).
 */
export class NamesakeWatch {
  readonly #context: MachineContext;
  readonly #recognition: Recognition;
  #refusedMs = Number.NEGATIVE_INFINITY;
  #askAtMs: number;
  /** By node: when it was told last. No more of them than nodes. */
  readonly #warnedMs = new Map<string, number>();

  constructor(context: MachineContext, recognition: Recognition) {
    this.#context = context;
    this.#recognition = recognition;
    this.#askAtMs = context.nowMs;
  }

  /** Asks at addresses of this node that this machine does not have: whoever is there has our name. */
  work(): void {
    const { nowMs, ownAddresses, options, self } = this.#context;
    if (nowMs < this.#askAtMs) return;
    this.#askAtMs = ownAddresses.length === 0 ? Number.POSITIVE_INFINITY : nowMs + ASK_GAP_MS;
    if (ownAddresses.length === 0) return;
    const local = options.localAddresses();
    const elsewhere = ownAddresses.filter((address) => !local.includes(address) && !address.startsWith('127.') && address !== '::1');
    for (const address of elsewhere) this.#context.sendTo(address, { type: 'ping', sequence: 0, target: self.node }, []);
  }

  wakeAtMs(): number {
    return this.#askAtMs;
  }

  /** The configuration has changed. */
  ask(): void {
    this.#askAtMs = this.#context.nowMs;
  }

  /** Somebody speaks under the name of this node. */
  met({ sender, body }: Message, address: string): void {
    const { self, ownAddresses, options, nowMs } = this.#context;
    if (sender.boot === self.boot) return;
    const isAtOurs = ownAddresses.includes(address);
    // Only from there: another machine of this name would say so, too.
    if (body.type === 'news' && isAtOurs) return this.#recognition.twinHeard(address);
    // A ping for another name is for whoever should be here, from the rightful one of ours.
    if (body.type !== 'ping' || body.target !== self.node || nowMs - this.#refusedMs < REFUSAL_GAP_MS) return;
    const isHere = options.localAddresses().some((local) => ownAddresses.includes(local));
    if (isAtOurs && (!isHere || sender.boot < self.boot)) return;
    this.#refusedMs = nowMs;
    this.#warn(self.node, address, ownAddresses);
    this.#context.sendTo(address, { type: 'news' }, [this.#context.selfRecord()]);
  }

  /** True, and told to the sender, when it is not the node whose name it has. */
  isRefused(peer: Peer, sender: MemberRecord, address: string): boolean {
    const { nowMs, options } = this.#context;
    if (peer.addresses.includes(address)) return false;
    // With a key a node may speak from any of its addresses, but not while another process at a known one does.
    const isSupplanting = isLiving(peer) && peer.boot !== sender.boot && peer.heardFrom !== address;
    if (options.isKeyed && !isSupplanting) return false;
    if (nowMs - peer.refusedMs >= REFUSAL_GAP_MS) {
      peer.refusedMs = nowMs;
      this.#warn(peer.node, address, peer.addresses);
      const record = isKnown(peer) && isLiving(peer) ? { ...recordOf(peer), state: null } : { ...sender, status: 'dead' as const };
      this.#context.sendTo(address, { type: 'news' }, [record]);
    }
    return true;
  }

  #warn(node: string, from: string, addresses: readonly string[]): void {
    const { nowMs } = this.#context;
    if (nowMs - (this.#warnedMs.get(node) ?? Number.NEGATIVE_INFINITY) < WARN_GAP_MS) return;
    this.#warnedMs.set(node, nowMs);
    this.#context.log('warn', 'another machine speaks under the name of a node: it is not listened to', { node, address: from, addressesOfNode: addresses.join(' ') });
  }
}
