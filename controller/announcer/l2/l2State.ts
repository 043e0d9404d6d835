import { addressOctets } from '../../../core/net/addressOctets.ts';
import type { Counts, L2Link, Vip } from './vip.ts';

/** Ours: counts of addresses that are wanted no longer are kept for so many of them. */
const MAX_FORMER_COUNTS = 4096;

/** What the machine knows. */
export interface L2State {
  /** By interface index. */
  readonly links: Map<number, L2Link>;
  /** By address. */
  readonly vips: Map<string, Vip>;
  /** By address, also of those that were answered for once: counts never fall. */
  readonly counts: Map<string, Counts>;
  /** VIPs made so far. */
  vipsMade: number;
}

/** Nothing is answered for. */
export function emptyL2State(): L2State {
  return { links: new Map(), vips: new Map(), counts: new Map(), vipsMade: 0 };
}

/** Adds an address that is answered nowhere yet; throws TypeError where it is none. */
export function addVip(state: L2State, address: string): Vip {
  const octets = addressOctets(address);
  const counts = state.counts.get(address) ?? { requestsReceived: 0, repliesSent: 0, gratuitousSent: 0, conflictsSeen: 0 };
  state.counts.set(address, counts);
  state.vipsMade += 1;
  const vip: Vip = {
    number: state.vipsMade, address, octets, counts, links: new Map(), share: null, announcement: 0, isTakenOver: false,
    detectedMs: Number.NEGATIVE_INFINITY,
    calledMs: Number.NEGATIVE_INFINITY,
  };
  state.vips.set(address, vip);
  return vip;
}

/** Forgets the counts of former addresses beyond the limit, those added first. */
export function forgetFormerCounts({ counts, vips }: L2State): void {
  let excess = counts.size - vips.size - MAX_FORMER_COUNTS;
  for (const address of counts.keys()) {
    if (excess <= 0) return;
    if (vips.has(address)) continue;
    counts.delete(address);
    excess -= 1;
  }
}
