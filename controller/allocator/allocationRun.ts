import { includesAddress, type AllocationState, type Candidate } from './allocationState.ts';
import { PoolChoice } from './poolChoice.ts';
import { exchange } from './exchange.ts';
import { wantedCount } from './familyWish.ts';
import { keepAddresses, type Former } from './keepAddresses.ts';
import { isExcluded, reservedFor, type Pool } from './poolTable.ts';
import type { Refusal } from './refusal.ts';
import type { IpAddress } from '../../core/net/ipAddress.ts';
import type { ServiceWish } from './serviceWish.ts';

/** One pass of the leader: what Services have, then what they ask for by value, then what they leave to us. */
export function giveAddresses(state: AllocationState, former: Former): void {
  const choice = new PoolChoice(state);
  keepAddresses(state, former, 'previous');
  const asking = state.candidates.filter(({ wish }) => wish.addresses.length > 0);
  exchange(state, asking, (candidate) =>
    candidate.wish.addresses.length > 0 ? giveAsked(state, candidate) : giveChosen(state, candidate, choice),
  );
  const others = state.candidates.filter(({ wish, refusal }) => wish.addresses.length === 0 && refusal === null);
  const without = others.filter(({ held }) => held === null);
  for (const candidate of others) if (candidate.held !== null) candidate.refusal = complete(state, candidate, choice);
  for (const candidate of without) candidate.refusal = giveChosen(state, candidate, choice);
}

/** One pass of everybody else: Services have what the leader has written into their statuses, and wait for the rest. */
export function followStatuses(state: AllocationState, former: Former): void {
  keepAddresses(state, former, 'status');
  for (const candidate of state.candidates) if (candidate.held === null) candidate.refusal = { type: 'leader' };
}

/** All addresses asked for by value, or none. */
function giveAsked(state: AllocationState, candidate: Candidate): Refusal | null {
  const { wish, held } = candidate;
  const missing = wish.addresses.filter((wanted) => held === null || !includesAddress(held.addresses, wanted));
  let pool = held?.pool ?? null;
  const [first] = held?.addresses ?? [];
  if (first !== undefined && missing.length === 0) {
    const refusal = poolRefusal(state, wish, first);
    if (refusal !== null) return refusal;
  }
  for (const address of missing) {
    const refusal = refusalOf(state, wish, { address, pool });
    if (refusal !== null) return refusal;
    pool ??= state.table.find(address);
  }
  if (pool !== null && missing.length > 0) state.grant(candidate, pool, missing);
  return null;
}

/** Why the pool that the Service names does not go with the address. */
function poolRefusal({ table }: AllocationState, wish: ServiceWish, address: IpAddress): Refusal | null {
  if (wish.pool !== null && !table.byName.has(wish.pool)) return { type: 'unknownPool', name: wish.pool };
  const holder = table.find(address);
  if (holder === null) return { type: 'outsidePools', address };
  if (wish.pool === null || holder.name === wish.pool) return null;
  return { type: 'otherPool', address, holder, wanted: wish.pool };
}

/** Why this address cannot be given; `pool` is that of the Service's other address. */
function refusalOf(
  state: AllocationState,
  wish: ServiceWish,
  { address, pool }: { readonly address: IpAddress; readonly pool: Pool | null },
): Refusal | null {
  const { table, admissions, holdings } = state;
  const holder = table.find(address);
  const outside = poolRefusal(state, wish, address);
  if (outside !== null || holder === null) return outside;
  if (pool !== null && holder !== pool) return { type: 'twoPools', address, holder, pool };
  if (isExcluded(holder, address)) return { type: 'excluded', address, holder };
  const fault = admissions.fault(holder, wish.service);
  if (fault !== null) return { type: 'notAdmitted', address, pool: holder, fault };
  if (holder.object.drain) return { type: 'drained', address, pool: holder };
  const owner = reservedFor(holder, address);
  if (owner !== null && owner !== wish.key) return { type: 'reserved', address, owner };
  const inUse = holdings.refusal(address, wish);
  return inUse === null ? null : { type: 'inUse', address, inUse };
}

/** Adds the family that is missing to a Service that has one already, from the same pool; both from another if it needs both. */
function complete(state: AllocationState, candidate: Candidate, choice: PoolChoice): Refusal | null {
  const { wish, held } = candidate;
  const { families, fault } = wish;
  if (fault !== null) return { type: 'fault', fault };
  if (held === null || held.addresses.length >= wantedCount(families)) return null;
  const address = choice.next(held.pool, held.addresses[0]?.family === 'IPv4' ? 'IPv6' : 'IPv4', wish);
  if (address !== null) state.claim(candidate, held.pool, [address]);
  if (address !== null || families.type !== 'require') return null;
  const chosen = choice.choose(wish);
  if ('refusal' in chosen) return chosen.refusal;
  state.release(candidate, held.addresses);
  state.claim(candidate, chosen.found.pool, chosen.found.addresses);
  state.lose(candidate, 'incomplete');
  state.gaveBack = true;
  return null;
}

/** Gives a Service that has none what it is content with. */
function giveChosen(state: AllocationState, candidate: Candidate, choice: PoolChoice): Refusal | null {
  const chosen = choice.choose(candidate.wish);
  if ('refusal' in chosen) return chosen.refusal;
  state.grant(candidate, chosen.found.pool, chosen.found.addresses);
  return null;
}
