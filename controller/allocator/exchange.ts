import type { IpAddress } from '../../core/net/ipAddress.ts';
import { includesAddress, type AllocationState, type Candidate } from './allocationState.ts';
import type { Refusal } from './refusal.ts';

/** Tries to meet the wish of a Service; what is in the way otherwise. */
export type Give = (candidate: Candidate) => Refusal | null;

/**
 * Services that have an address and ask for another one. Nobody loses an address for a wish that cannot be met, and two that ask
 * for each other's get them: all let go of what they have first; who is refused takes it back from whoever was given it
 * meanwhile, and that one is tried once more. Each takes back at most once, so this ends.
 */
export function exchange(state: AllocationState, asking: readonly Candidate[], give: Give): void {
  const leaving = state.candidates.filter((candidate) => letGo(state, candidate));
  const queue = [...asking, ...leaving.filter(({ wish }) => wish.addresses.length === 0)];
  const evicted = new Set<Candidate>();
  for (const candidate of queue) {
    candidate.refusal = give(candidate);
    if (candidate.refusal === null) continue;
    for (const other of takeBack(state, candidate)) {
      evicted.add(other);
      queue.push(other);
    }
  }
  for (const candidate of leaving) {
    if (candidate.former === null) continue;
    candidate.former = null;
    state.lose(candidate, candidate.wish.addresses.length > 0 ? 'otherAddressWanted' : 'otherPoolWanted');
  }
  if (evicted.size > 0) retry(state, asking, give);
}

/** What the Service holds that is not as it wishes. */
export function unwanted({ wish, held }: Candidate): readonly IpAddress[] {
  if (held === null || wish.fault !== null) return [];
  if (wish.addresses.length > 0) return held.addresses.filter((address) => !includesAddress(wish.addresses, address));
  return wish.pool === null || wish.pool === held.pool.name ? [] : held.addresses;
}

function letGo(state: AllocationState, candidate: Candidate): boolean {
  const { held } = candidate;
  const addresses = unwanted(candidate);
  if (held === null || addresses.length === 0) return false;
  candidate.former = { pool: held.pool, addresses };
  state.release(candidate, addresses);
  return true;
}

/** Gives the Service its former addresses again; returns those that had been given one of them meanwhile. */
function takeBack(state: AllocationState, candidate: Candidate): Candidate[] {
  const { former, wish } = candidate;
  const evicted: Candidate[] = [];
  candidate.former = null;
  for (const address of former?.addresses ?? []) {
    let inUse = state.holdings.refusal(address, wish);
    for (; inUse !== null; inUse = state.holdings.refusal(address, wish)) {
      const other = state.candidate(inUse.by);
      if (other === undefined || other.granted.length === 0) break;
      state.release(other, other.granted);
      other.granted = [];
      evicted.push(other);
    }
    if (inUse !== null) state.lose(candidate, 'sharing');
    else if (former !== null) state.claim(candidate, former.pool, [address]);
  }
  return evicted;
}

/** Those who were refused an address that changed hands since: now that all is settled, it may be theirs after all. */
function retry(state: AllocationState, asking: readonly Candidate[], give: Give): void {
  for (const candidate of asking) {
    if (candidate.refusal?.type !== 'inUse') continue;
    const addresses = unwanted(candidate);
    const pool = candidate.held?.pool;
    state.release(candidate, addresses);
    candidate.refusal = give(candidate);
    if (addresses.length === 0 || pool === undefined) continue;
    if (candidate.refusal === null) {
      state.lose(candidate, 'otherAddressWanted');
      state.gaveBack = true;
    } else state.claim(candidate, pool, addresses);
  }
}
