import type { IpAddress } from '../../core/net/ipAddress.ts';
import type { AllocationState, Candidate } from './allocationState.ts';
import { parseAddresses, type Assignments } from './assignment.ts';
import type { LossCause } from './assignmentChange.ts';
import { wantedCount } from './familyWish.ts';
import { isExcluded, type Pool } from './poolTable.ts';

/** Who is asked first what a Service has: the last run, or its status. */
export type Memory = 'previous' | 'status';

/** What the last run gave. */
export interface Former {
  readonly assignments: Assignments;
  /** `namespace/name` → the addresses of its assignment. */
  readonly addressesOf: (key: string) => readonly IpAddress[];
}

/**
 * Gives every Service what it had, as far as pools, families and those it shares with allow; whether it wishes for something
 * else does not matter here. Those whose terms of sharing are as they were go first: who changes the terms gives way.
 */
export function keepAddresses(state: AllocationState, { assignments, addressesOf }: Former, memory: Memory): void {
  const late: (readonly [Candidate, readonly IpAddress[]])[] = [];
  for (const candidate of state.candidates) {
    const { key, sharingTerms, service } = candidate.wish;
    const before = assignments.get(key);
    if (before === undefined) continue;
    const addresses = memory === 'previous' ? addressesOf(key) : parseAddresses(service.statusAddresses);
    if (before.sharingTerms === sharingTerms && (memory === 'previous' || sameTexts(before.addresses, service.statusAddresses)))
      keep(state, candidate, addresses);
    else late.push([candidate, addresses]);
  }
  for (const [candidate, addresses] of late) keep(state, candidate, addresses);
  for (const candidate of state.candidates) {
    const { statusAddresses } = candidate.wish.service;
    if (candidate.held === null && statusAddresses.length > 0) keep(state, candidate, parseAddresses(statusAddresses));
  }
}

function keep(state: AllocationState, candidate: Candidate, addresses: readonly IpAddress[]): void {
  for (const address of addresses) {
    const pool = state.table.find(address);
    const cause = pool === null ? 'outsidePools' : lossOf(state, candidate, { address, pool });
    if (cause !== null) state.lose(candidate, cause);
    else if (pool !== null) state.claim(candidate, pool, [address]);
  }
}

function lossOf(
  state: AllocationState,
  { wish, held }: Candidate,
  { address, pool }: { readonly address: IpAddress; readonly pool: Pool },
): LossCause | null {
  if (isExcluded(pool, address)) return 'avoidBuggyIPs';
  // As MetalLB's: a pool that is fenced off takes its addresses back from those outside.
  if (!state.admissions.admits(pool, wish.service)) return 'serviceAllocation';
  const { families } = wish;
  if (families.type === 'single' && families.family !== null && families.family !== address.family) return 'families';
  if (held !== null && held.addresses.length >= wantedCount(families)) return 'families';
  if (held?.addresses.some(({ family }) => family === address.family) === true) return 'families';
  if (held !== null && held.pool !== pool) return 'poolsDiffer';
  return state.holdings.refusal(address, wish) === null ? null : 'sharing';
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}
