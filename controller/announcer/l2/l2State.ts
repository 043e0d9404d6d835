import { addressOctets } from '../../../core/net/addressOctets.ts';
import type { L2Link, Vip, VipMemory } from './vip.ts';

/** Ours: what is remembered of addresses that are wanted no longer is kept for so many of them. */
const MAX_FORMER = 4096;

/** What the machine knows. */
export interface L2State {
  /** By interface index. */
  readonly links: Map<number, L2Link>;
  /** By address. */
  readonly vips: Map<string, Vip>;
  /** By address, also of those that were answered for once: counts never fall, and conflicts are not reported sooner for that. */
  readonly memories: Map<string, VipMemory>;
  /** VIPs made so far. */
  vipsMade: number;
}

/** Nothing is answered for. */
export function emptyL2State(): L2State {
  return { links: new Map(), vips: new Map(), memories: new Map(), vipsMade: 0 };
}

/** Adds an address that is answered nowhere yet; throws TypeError where it is none. */
export function addVip(state: L2State, address: string): Vip {
  const octets = addressOctets(address);
  const memory: VipMemory = state.memories.get(address)
    ?? { counts: { requestsReceived: 0, repliesSent: 0, gratuitousSent: 0, conflictsSeen: 0 }, reportedMs: new Map() };
  state.memories.set(address, memory);
  state.vipsMade += 1;
  const vip: Vip = {
    number: state.vipsMade, address, octets, ...memory, links: new Map(), share: null, announcement: 0, isTakenOver: false,
    detectedMs: Number.NEGATIVE_INFINITY,
    calledMs: Number.NEGATIVE_INFINITY,
  };
  state.vips.set(address, vip);
  return vip;
}

/** Forgets what is remembered of former addresses beyond the limit, those added first. */
export function forgetFormer({ memories, vips }: L2State): void {
  let excess = memories.size - vips.size - MAX_FORMER;
  for (const address of memories.keys()) {
    if (excess <= 0) return;
    if (vips.has(address)) continue;
    memories.delete(address);
    excess -= 1;
  }
}
