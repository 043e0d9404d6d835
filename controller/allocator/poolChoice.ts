import type { IpAddress, IpFamily } from '../../core/net/ipAddress.ts';
import type { AllocationState, Held } from './allocationState.ts';
import type { FamilyWish } from './familyWish.ts';
import { hasFamily, type Pool, type PooledAddress } from './poolTable.ts';
import type { Refusal } from './refusal.ts';
import type { ServiceWish } from './serviceWish.ts';

/** What was found for a Service, or why nothing was. Nothing is given yet. */
export type Choice = { readonly found: Held } | { readonly refusal: Refusal };

/** Finds addresses for Services that leave the choice to us. Lives for one run. */
export class PoolChoice {
  readonly #state: AllocationState;
  /** Pools that give unasked and are for every Service: the default ones first, then the rest, each oldest first. */
  readonly #plain: readonly Pool[];
  /** pools → family → how many of the first of them have nothing left for a Service that does not share. */
  readonly #spent = new WeakMap<readonly Pool[], Record<IpFamily, number>>();

  constructor(state: AllocationState) {
    this.#state = state;
    const plain = state.table.pools.filter(
      ({ object }) => object.autoAssign && !object.drain && object.serviceAllocation === null,
    );
    this.#plain = plain.toSorted((a, b) => Number(b.object.isDefault) - Number(a.object.isDefault));
  }

  /**
   * Addresses for a Service that asks for none by value: those that are kept for it, else of the pool it names, else of pools
   * that are pinned to the likes of it, else of any other. All come from one pool.
   */
  choose(wish: ServiceWish): Choice {
    const refusal = this.#refusal(wish);
    if (refusal !== null) return { refusal };
    const kept = this.#chooseKept(wish);
    if (kept !== null) return kept;
    const tiers = this.#tiers(wish);
    for (const pools of tiers) {
      const found = this.#first(wish, pools);
      if (found !== null) return { found };
    }
    const pools = tiers.flat();
    return { refusal: { type: 'exhausted', families: familiesOf(wish.families, pools), pools } };
  }

  /** One more address of the pool for a Service: one that is kept for it, else the first that is free. */
  next(pool: Pool, family: IpFamily, wish: ServiceWish): IpAddress | null {
    if (pool.object.drain) return null;
    const kept = this.#keptFor(wish).filter((entry) => entry.pool === pool && entry.address.family === family);
    const free = kept.find(({ address }) => this.#state.holdings.refusal(address, wish) === null);
    return free?.address ?? this.#state.holdings.next(pool, family, wish);
  }

  #refusal({ fault, pool: name, service }: ServiceWish): Refusal | null {
    if (fault !== null) return { type: 'fault', fault };
    const { table, admissions } = this.#state;
    if (name === null) return table.pools.length === 0 ? { type: 'noPools' } : null;
    const pool = table.byName.get(name);
    if (pool === undefined) return { type: 'unknownPool', name };
    const admission = admissions.fault(pool, service);
    if (admission !== null) return { type: 'notAdmitted', address: null, pool, fault: admission };
    return pool.object.drain ? { type: 'drained', address: null, pool } : null;
  }

  #tiers({ pool: name, service }: ServiceWish): readonly (readonly Pool[])[] {
    const { table, admissions } = this.#state;
    if (name === null) {
      const { pinned } = admissions.of(service);
      return pinned.length === 0 ? [this.#plain] : [pinned, this.#plain];
    }
    const pool = table.byName.get(name);
    return pool === undefined ? [] : [[pool]];
  }

  /** Addresses from the first pool that has what the Service wants most. */
  #first(wish: ServiceWish, pools: readonly Pool[]): Held | null {
    const { families } = wish;
    const both = families.type === 'single' ? null : this.#firstOf(wish, pools, families.order);
    if (both !== null || families.type === 'require') return both;
    for (const family of singleFamilies(families, pools)) {
      const found = this.#firstOf(wish, this.#unspent(pools, family, wish), [family]);
      if (found !== null) return found;
    }
    return null;
  }

  /** One address of each family from the first pool that has them all. */
  #firstOf(wish: ServiceWish, pools: readonly Pool[], families: readonly IpFamily[]): Held | null {
    for (const pool of pools) {
      const addresses: IpAddress[] = [];
      for (const family of families) {
        const address = this.#state.holdings.next(pool, family, wish);
        if (address === null) break;
        addresses.push(address);
      }
      if (addresses.length === families.length) return { pool, addresses };
    }
    return null;
  }

  /** Without the pools at the front that have nothing left: with a thousand full ones each search would ask them all again. */
  #unspent(pools: readonly Pool[], family: IpFamily, wish: ServiceWish): readonly Pool[] {
    if (wish.sharing.key !== '' || wish.pool !== null) return pools;
    let spents = this.#spent.get(pools);
    if (spents === undefined) this.#spent.set(pools, (spents = { IPv4: 0, IPv6: 0 }));
    let spent = spents[family];
    for (let pool = pools[spent]; pool !== undefined; pool = pools[(spent += 1)]) {
      if (this.#state.holdings.next(pool, family, wish) !== null) break;
    }
    spents[family] = spent;
    return pools.slice(spent, spent + 1);
  }

  /** Addresses that are kept for the Service and that it may be given. */
  #keptFor({ key, service, pool: name }: ServiceWish): readonly PooledAddress[] {
    const kept = this.#state.table.reservedFor.get(key);
    if (kept === undefined) return [];
    return kept.filter(
      ({ pool }) =>
        !pool.object.drain && (name === null || name === pool.name) && this.#state.admissions.admits(pool, service),
    );
  }

  /** Null: none is kept for the Service, or none of those can be part of what it needs. */
  #chooseKept(wish: ServiceWish): Choice | null {
    const families = familySet(wish.families);
    const kept = this.#keptFor(wish).filter(({ address }) => families.includes(address.family));
    for (const pool of new Set(kept.map((entry) => entry.pool))) {
      const addresses = families
        .map((family) => this.next(pool, family, wish))
        .filter((address) => address !== null)
        .toSorted((a, b) => Number(pool.reserved[b.family].has(b.value)) - Number(pool.reserved[a.family].has(a.value)));
      const [best] = addresses;
      if (best === undefined || pool.reserved[best.family].get(best.value) !== wish.key) continue;
      if (wish.families.type === 'single') return { found: { pool, addresses: [best] } };
      if (addresses.length === families.length || wish.families.type === 'prefer') return { found: { pool, addresses } };
    }
    return this.#waitFor(wish, kept);
  }

  /** An address is kept for the Service, and another has it still: it waits rather than settle for a different one. */
  #waitFor(wish: ServiceWish, kept: readonly PooledAddress[]): Choice | null {
    for (const { address } of kept) {
      const inUse = this.#state.holdings.refusal(address, wish);
      if (inUse !== null) return { refusal: { type: 'keptInUse', address, inUse } };
    }
    return null;
  }
}

/** Families that a Service may be given, the first one first. */
function familySet(families: FamilyWish): readonly IpFamily[] {
  if (families.type !== 'single') return families.order;
  return families.family === null ? ['IPv4', 'IPv6'] : [families.family];
}

/** Families to try, one address each, for a Service that does not get two. */
function singleFamilies(families: FamilyWish, pools: readonly Pool[]): readonly IpFamily[] {
  if (families.type === 'single' && families.family !== null) return [families.family];
  if (families.type === 'prefer' && families.stated) return families.order;
  return [pools.some((pool) => hasFamily(pool, 'IPv4')) ? 'IPv4' : 'IPv6'];
}

/** What a message says the Service needs. */
function familiesOf(families: FamilyWish, pools: readonly Pool[]): readonly IpFamily[] {
  return families.type === 'require' ? families.order : singleFamilies(families, pools).slice(0, 1);
}
