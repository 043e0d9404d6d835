import type { IpAddress, IpFamily } from '../../core/net/ipAddress.ts';
import { reservedFor, type Pool } from './poolTable.ts';
import { freePlaces, type FreePlaces } from './freePlaces.ts';
import { SharingGroup, type SharedHolding } from './sharingGroup.ts';
import type { Claimant, InUse, SharingTerms } from './sharingTerms.ts';

/** Who holds an address: one Service alone, by `namespace/name`, or some that share. No object for the first: there are so many. */
type Holding = string | SharedHolding;

/** Which Service holds which address, and which is the next one to give. Lives for one run of the allocator. */
export class Holdings {
  readonly #byAddress: Readonly<Record<IpFamily, Map<bigint, Holding>>> = { IPv4: new Map(), IPv6: new Map() };
  /** pool → addresses held in it; one that is shared counts once. */
  readonly #counts = new Map<Pool, Record<IpFamily, number>>();
  readonly #free = new Map<Pool, Record<IpFamily, FreePlaces>>();
  readonly #groups = new Map<Pool, Map<string, SharingGroup>>();

  /** Addresses of the pool that are held. */
  count(pool: Pool, family: IpFamily): number {
    return this.#counts.get(pool)?.[family] ?? 0;
  }

  isHeld({ family, value }: IpAddress): boolean {
    return this.#byAddress[family].has(value);
  }

  /** Null when the claimant may have the address. */
  refusal(address: IpAddress, claimant: Claimant): InUse | null {
    const held = this.#byAddress[address.family].get(address.value);
    if (held === undefined) return null;
    return typeof held === 'string' ? { reason: 'noKey', by: held } : held.refusal(claimant.sharing);
  }

  /** Gives the address; `refusal` must have been null. */
  claim(address: IpAddress, pool: Pool, claimant: Claimant): void {
    const addresses = this.#byAddress[address.family];
    const held = addresses.get(address.value);
    if (held === undefined) this.#adjust(pool, address.family, 1);
    if (claimant.sharing.key === '') {
      addresses.set(address.value, claimant.key);
      return;
    }
    const group = this.#group(pool, address, claimant.sharing);
    const place = this.#freeIn(pool)[address.family].placeOf(address.value);
    addresses.set(address.value, group.join({ value: address.value, place }, claimant));
  }

  release(address: IpAddress, pool: Pool, claimant: Claimant): void {
    if (claimant.sharing.key !== '') {
      const group = this.#group(pool, address, claimant.sharing);
      if (!group.leave(address.value, claimant)) return;
    }
    this.#byAddress[address.family].delete(address.value);
    this.#adjust(pool, address.family, -1);
    this.#freeIn(pool)[address.family].giveBack(address.value);
  }

  /**
   * The first address of the pool, in the order its ranges are written, that the claimant may have. Null: none. Those that are
   * kept for a Service are left out.
   */
  next(pool: Pool, family: IpFamily, claimant: Claimant): IpAddress | null {
    const places = this.#freeIn(pool)[family];
    const addresses = this.#byAddress[family];
    const reserved = pool.reserved[family];
    const value =
      reserved.size === 0
        ? places.first((candidate) => addresses.has(candidate))
        : places.first((candidate) => addresses.has(candidate) || reserved.has(candidate));
    const terms = claimant.sharing;
    const shared = terms.key === '' ? null : this.#groupOf(pool, [family, terms.key, terms.backend], terms).first(terms);
    if (shared !== null && (value === null || shared.place < places.placeOf(value)))
      return { family, value: shared.value };
    return value === null ? null : { family, value };
  }

  #adjust(pool: Pool, family: IpFamily, by: 1 | -1): void {
    const counts = this.#counts.get(pool) ?? { IPv4: 0, IPv6: 0 };
    counts[family] += by;
    this.#counts.set(pool, counts);
  }

  #freeIn(pool: Pool): Record<IpFamily, FreePlaces> {
    const known = this.#free.get(pool);
    if (known !== undefined) return known;
    const free = { IPv4: freePlaces(pool, 'IPv4'), IPv6: freePlaces(pool, 'IPv6') };
    this.#free.set(pool, free);
    return free;
  }

  /** Those who share a kept address are among themselves: it is not offered to others. */
  #group(pool: Pool, address: IpAddress, terms: SharingTerms): SharingGroup {
    const owner = reservedFor(pool, address);
    const key = [address.family, terms.key, terms.backend];
    return this.#groupOf(pool, owner === null ? key : [...key, owner, String(address.value)], terms);
  }

  #groupOf(pool: Pool, parts: readonly string[], terms: SharingTerms): SharingGroup {
    let groups = this.#groups.get(pool);
    if (groups === undefined) this.#groups.set(pool, (groups = new Map<string, SharingGroup>()));
    const key = JSON.stringify(parts);
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = new SharingGroup(terms)));
    return group;
  }
}
