import { parseIpAddress, sameIpAddress, type IpAddress, type IpFamily } from '../../core/net/ipAddress.ts';
import type { LossCause } from './assignmentChange.ts';
import type { Assignments } from './assignment.ts';
import { wantedCount } from './familyWish.ts';
import { Holdings } from './holdings.ts';
import { hasFamily, isExcluded, type Pool, type PoolTable } from './poolTable.ts';
import type { Refusal } from './refusal.ts';
import type { ServiceWish } from './serviceWish.ts';

/** Addresses that a Service has, all of one pool. */
export interface Held {
  readonly pool: Pool;
  readonly addresses: readonly IpAddress[];
}

/** One Service on its way through a run. */
export interface Candidate {
  readonly wish: ServiceWish;
  held: Held | null;
  /** Why it does not have what it wants. */
  refusal: Refusal | null;
}

/** One pass over all Services: what they have first, then what they ask for by value, then what they leave to us. */
export class AllocationRun {
  readonly table: PoolTable;
  readonly candidates: readonly Candidate[];
  readonly holdings = new Holdings();
  /** `namespace/name` → why the Service lost an address it had. */
  readonly losses = new Map<string, LossCause>();
  /** An address that was kept at first was given up: Services that came before may want it. */
  gaveBack = false;
  readonly #autoAssigned: readonly Pool[];
  /** family → how many of the first of those have nothing left for a Service that does not share. */
  readonly #spent: Record<IpFamily, number> = { IPv4: 0, IPv6: 0 };

  /** `wishes` oldest first. */
  constructor(table: PoolTable, wishes: readonly ServiceWish[]) {
    this.table = table;
    this.#autoAssigned = table.pools.filter(({ object }) => object.autoAssign);
    this.candidates = wishes.map((wish) => ({ wish, held: null, refusal: null }));
  }

  allocate(previous: Assignments): void {
    this.#keepAll(previous);
    const [asking, others] = partition(this.candidates, ({ wish }) => wish.addresses.length > 0);
    for (const candidate of asking) this.#giveAsked(candidate);
    for (const candidate of others) if (candidate.held !== null) this.#complete(candidate);
    for (const candidate of others) if (candidate.held === null) this.#choose(candidate);
  }

  /** Those whose terms of sharing are as they were go first: who changes the terms gives way. */
  #keepAll(previous: Assignments): void {
    const late: (readonly [Candidate, readonly string[]])[] = [];
    const latest: typeof late = [];
    for (const candidate of this.candidates) {
      const { key, sharingTerms, service } = candidate.wish;
      const before = previous.get(key);
      if (before === undefined) latest.push([candidate, service.statusAddresses]);
      else if (before.sharingTerms === sharingTerms) this.#keep(candidate, before.addresses);
      else late.push([candidate, before.addresses]);
    }
    for (const [candidate, addresses] of [...late, ...latest]) this.#keep(candidate, addresses);
  }

  #keep(candidate: Candidate, texts: readonly string[]): void {
    for (const text of texts) {
      const address = parseIpAddress(text);
      if (address === null) continue;
      const pool = this.table.find(address);
      const cause = pool === null ? 'outsidePools' : this.#lossOf(candidate, address, pool);
      if (cause === null && pool !== null) this.#claim(candidate, pool, [address]);
      else if (cause !== null && !this.losses.has(candidate.wish.key)) this.losses.set(candidate.wish.key, cause);
    }
  }

  #lossOf({ wish, held }: Candidate, address: IpAddress, pool: Pool): LossCause | null {
    if (isExcluded(pool, address)) return 'avoidBuggyIPs';
    if (wish.pool !== null && wish.pool !== pool.name) return 'otherPoolWanted';
    const { addresses, families } = wish;
    if (addresses.length > 0 && !addresses.some((wanted) => sameIpAddress(wanted, address)))
      return 'otherAddressWanted';
    if (families.type === 'single' && families.family !== null && families.family !== address.family) return 'families';
    if (held !== null && held.addresses.length >= wantedCount(families)) return 'families';
    if (held !== null && held.addresses.some(({ family }) => family === address.family)) return 'families';
    if (held !== null && held.pool !== pool) return 'poolsDiffer';
    return this.holdings.refusal(address, wish) === null ? null : 'sharing';
  }

  /** All addresses asked for by value, or none. */
  #giveAsked(candidate: Candidate): void {
    const { wish, held } = candidate;
    const missing = wish.addresses.filter(
      (wanted) => held?.addresses.some((address) => sameIpAddress(address, wanted)) !== true,
    );
    let pool = held?.pool ?? null;
    for (const address of missing) {
      const refusal = this.#refusalOf(wish, address, pool);
      if (refusal !== null) return this.#refuse(candidate, refusal);
      pool ??= this.table.find(address);
    }
    if (pool !== null) this.#claim(candidate, pool, missing);
  }

  #refusalOf(wish: ServiceWish, address: IpAddress, pool: Pool | null): Refusal | null {
    if (wish.pool !== null && !this.table.byName.has(wish.pool)) return { type: 'unknownPool', name: wish.pool };
    const holder = this.table.find(address);
    if (holder === null) return { type: 'outsidePools', address };
    if (wish.pool !== null && holder.name !== wish.pool)
      return { type: 'otherPool', address, holder, wanted: wish.pool };
    if (pool !== null && holder !== pool) return { type: 'twoPools', address, holder, pool };
    if (isExcluded(holder, address)) return { type: 'excluded', address, holder };
    const inUse = this.holdings.refusal(address, wish);
    return inUse === null ? null : { type: 'inUse', address, inUse };
  }

  /** Adds the family that is missing to a Service that has one already, from the same pool. */
  #complete(candidate: Candidate): void {
    const { wish, held } = candidate;
    const { families, fault } = wish;
    if (fault !== null) {
      candidate.refusal = { type: 'fault', fault };
      return;
    }
    if (held === null || held.addresses.length >= wantedCount(families)) return;
    const missing = held.addresses[0]?.family === 'IPv4' ? 'IPv6' : 'IPv4';
    const address = this.holdings.next(held.pool, missing, wish);
    if (address !== null) this.#claim(candidate, held.pool, [address]);
    else if (families.type === 'require') this.#giveBack(candidate);
  }

  /** Addresses for a Service that has none and leaves the choice to us. */
  #choose(candidate: Candidate): void {
    const { wish } = candidate;
    const refusal = this.#refusalToChoose(wish);
    if (refusal !== null) return this.#refuse(candidate, refusal);
    const pools = this.#poolsFor(wish);
    const { families } = wish;
    if (families.type !== 'single' && this.#claimFirst(candidate, pools, families.order)) return;
    if (families.type === 'require')
      return this.#refuse(candidate, { type: 'exhausted', families: families.order, pools });
    const stated = families.type === 'single' ? families.family : families.stated ? families.order[0] : null;
    const family = stated ?? (pools.some((pool) => hasFamily(pool, 'IPv4')) ? 'IPv4' : 'IPv6');
    if (this.#claimFirst(candidate, this.#unspent(pools, family, candidate), [family])) return;
    this.#refuse(candidate, { type: 'exhausted', families: [family], pools });
  }

  /** Without the pools at the front that have nothing left: with a thousand full ones each search would ask them all again. */
  #unspent(pools: readonly Pool[], family: IpFamily, { wish }: Candidate): readonly Pool[] {
    if (pools !== this.#autoAssigned || wish.sharing.key !== '') return pools;
    let spent = this.#spent[family];
    for (let pool = pools[spent]; pool !== undefined; pool = pools[(spent += 1)]) {
      if (this.holdings.next(pool, family, wish) !== null) break;
    }
    this.#spent[family] = spent;
    return pools.slice(spent, spent + 1);
  }

  #refusalToChoose({ fault, pool }: ServiceWish): Refusal | null {
    if (fault !== null) return { type: 'fault', fault };
    if (pool !== null && !this.table.byName.has(pool)) return { type: 'unknownPool', name: pool };
    return this.table.pools.length === 0 ? { type: 'noPools' } : null;
  }

  #poolsFor({ pool }: ServiceWish): readonly Pool[] {
    return pool === null ? this.#autoAssigned : this.table.pools.filter(({ name }) => name === pool);
  }

  /** Takes one address of each family from the first pool that has them all. */
  #claimFirst(candidate: Candidate, pools: readonly Pool[], families: readonly IpFamily[]): boolean {
    for (const pool of pools) {
      const addresses = families.map((family) => this.holdings.next(pool, family, candidate.wish));
      const found = addresses.filter((address) => address !== null);
      if (found.length < families.length) continue;
      this.#claim(candidate, pool, found);
      return true;
    }
    return false;
  }

  #claim(candidate: Candidate, pool: Pool, addresses: readonly IpAddress[]): void {
    for (const address of addresses) this.holdings.claim(address, pool, candidate.wish);
    const all = [...(candidate.held?.addresses ?? []), ...addresses];
    const { families } = candidate.wish;
    const first = families.type === 'single' ? null : families.order[0];
    if (all[1]?.family === first) all.reverse();
    candidate.held = { pool, addresses: all };
  }

  #refuse(candidate: Candidate, refusal: Refusal): void {
    candidate.refusal = refusal;
    this.#giveBack(candidate);
  }

  #giveBack(candidate: Candidate): void {
    const { held, wish } = candidate;
    if (held === null) return;
    for (const address of held.addresses) this.holdings.release(address, held.pool, wish);
    candidate.held = null;
    this.gaveBack = true;
    if (!this.losses.has(wish.key)) this.losses.set(wish.key, 'incomplete');
  }
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
