import { sameIpAddress, type IpAddress } from '../../core/net/ipAddress.ts';
import type { Admissions } from './admission.ts';
import type { LossCause } from './assignmentChange.ts';
import { Holdings } from './holdings.ts';
import type { Pool, PoolTable } from './poolTable.ts';
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
  /** What it had and wishes to exchange: its own again when the wish cannot be met. */
  former: Held | null;
  /** Of `held`, what this run has given. */
  granted: readonly IpAddress[];
  /** Why it does not have what it wants. */
  refusal: Refusal | null;
}

/** What a run of the allocator knows and changes. */
export class AllocationState {
  readonly table: PoolTable;
  readonly admissions: Admissions;
  /** Oldest first. */
  readonly candidates: readonly Candidate[];
  readonly holdings = new Holdings();
  /** `namespace/name` → why the Service lost an address it had. */
  readonly losses = new Map<string, LossCause>();
  /** An address became free after some Services were told that it is not. */
  gaveBack = false;
  #byKey: ReadonlyMap<string, Candidate> | null = null;

  /** `wishes` oldest first. */
  constructor(table: PoolTable, admissions: Admissions, wishes: readonly ServiceWish[]) {
    this.table = table;
    this.admissions = admissions;
    this.candidates = wishes.map((wish) => ({ wish, held: null, former: null, granted: [], refusal: null }));
  }

  /** The candidate of this Service, `namespace/name`. */
  candidate(key: string): Candidate | undefined {
    this.#byKey ??= new Map(this.candidates.map((candidate) => [candidate.wish.key, candidate]));
    return this.#byKey.get(key);
  }

  /** Adds addresses to what the Service holds; nobody may be in the way. */
  claim(candidate: Candidate, pool: Pool, addresses: readonly IpAddress[]): void {
    const { wish, held } = candidate;
    for (const address of addresses) this.holdings.claim(address, pool, wish);
    const all = held === null ? addresses : [...held.addresses, ...addresses];
    const first = wish.families.type === 'single' ? null : wish.families.order[0];
    candidate.held = { pool, addresses: all.length > 1 && all[1]?.family === first ? all.toReversed() : all };
  }

  /** Adds addresses that the Service did not have before this run. */
  grant(candidate: Candidate, pool: Pool, addresses: readonly IpAddress[]): void {
    this.claim(candidate, pool, addresses);
    candidate.granted = addresses;
  }

  /** Takes addresses from what the Service holds. */
  release(candidate: Candidate, addresses: readonly IpAddress[]): void {
    const { held, wish } = candidate;
    if (held === null || addresses.length === 0) return;
    for (const address of addresses) this.holdings.release(address, held.pool, wish);
    const rest = held.addresses.filter((address) => !includesAddress(addresses, address));
    candidate.held = rest.length === 0 ? null : { pool: held.pool, addresses: rest };
  }

  /** The first cause is the one that counts. */
  lose({ wish }: Candidate, cause: LossCause): void {
    if (!this.losses.has(wish.key)) this.losses.set(wish.key, cause);
  }
}

/** True when the address is one of them. */
export function includesAddress(addresses: readonly IpAddress[], address: IpAddress): boolean {
  return addresses.some((other) => sameIpAddress(other, address));
}
