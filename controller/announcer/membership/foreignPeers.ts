import type { MachineContext } from './machineContext.ts';
import { addressOf, isLiving, type Peer } from './roster.ts';

/** Ours: between two echo requests to one peer. */
const ASK_GAP_MS = 1_000;
/** Ours: an echo counts for this long; two may get lost. */
const PRESENT_MS = 3_500;

/** A peer whose datagrams cannot be opened here: it has another membership key, or it is somebody who makes them up. */
export interface Foreign {
  /** When one came last. */
  heardMs: number;
  askedMs: number;
  /** Of the request that waits for its reply; null: none does. */
  cookie: string | null;
  /** Last reply; negative infinity: none, so that nobody is known to be there. */
  echoedMs: number;
  group: string;
}

/** Peers that are there but cannot be understood, by the name of their key. */
export type ForeignGroups = ReadonlyMap<string, readonly Peer[]>;

/**
 * Finds out which peers are there though they cannot be read. Datagrams that cannot be opened prove nothing: anybody can make them up.
 * The echo proves that somebody answers at the peer's address, and whoever can do that without being the peer is on its network.
 */
export class ForeignPeers {
  readonly #context: MachineContext;
  /** Whoever has `foreign`: as a rule nobody. */
  readonly #peers = new Set<Peer>();

  constructor(context: MachineContext) {
    this.#context = context;
  }

  get hasAny(): boolean {
    return this.#peers.size > 0;
  }

  /** A datagram that cannot be opened came from an address. Answers the peer that has it; undefined: none. */
  unreadable(address: string): Peer | undefined {
    const { nowMs, roster } = this.#context;
    const peer = roster.all().find(({ addresses }) => addresses.includes(address));
    if (peer === undefined) return undefined;
    peer.foreign ??= { heardMs: nowMs, askedMs: Number.NEGATIVE_INFINITY, cookie: null, echoedMs: Number.NEGATIVE_INFINITY, group: '' };
    peer.foreign.heardMs = nowMs;
    this.#peers.add(peer);
    return peer;
  }

  /** A reply counts once, and only where it was asked for. */
  echoed(address: string, cookie: string, group: string): void {
    const peer = [...this.#peers].find(({ addresses, foreign }) => foreign?.cookie === cookie && addresses.includes(address));
    if (peer?.foreign === null || peer?.foreign === undefined) return;
    peer.foreign.cookie = null;
    peer.foreign.echoedMs = this.#context.nowMs;
    peer.foreign.group = group;
  }

  work(): void {
    const { nowMs, roster } = this.#context;
    for (const peer of this.#peers) {
      const { foreign } = peer;
      // Whoever is understood by now, as after a change of keys, is foreign no more.
      const isOver = foreign === null || isLiving(peer) || roster.get(peer.node) !== peer
        || nowMs - Math.max(foreign.heardMs, foreign.echoedMs) >= PRESENT_MS;
      if (isOver) {
        peer.foreign = null;
        this.#peers.delete(peer);
      } else if (nowMs - foreign.askedMs >= ASK_GAP_MS) this.#ask(peer, foreign);
    }
  }

  wakeAtMs(): number {
    let wakeMs = Number.POSITIVE_INFINITY;
    for (const { foreign } of this.#peers) {
      if (foreign !== null) wakeMs = Math.min(wakeMs, foreign.askedMs + ASK_GAP_MS, Math.max(foreign.heardMs, foreign.echoedMs) + PRESENT_MS);
    }
    return wakeMs;
  }

  groups(): ForeignGroups {
    const { nowMs } = this.#context;
    const present = [...this.#peers].filter(({ foreign }) => foreign !== null && nowMs - foreign.echoedMs < PRESENT_MS);
    return Map.groupBy(present.sort((a, b) => (a.node < b.node ? -1 : 1)), ({ foreign }) => foreign?.group ?? '');
  }

  #ask(peer: Peer, foreign: Foreign): void {
    const address = addressOf(peer);
    if (address === null) return;
    foreign.askedMs = this.#context.nowMs;
    foreign.cookie = this.#context.options.cookie();
    this.#context.actions.push({ type: 'echo', address, cookie: foreign.cookie });
  }
}
