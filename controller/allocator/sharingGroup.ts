import type { Claimant, InUse, SharingTerms } from './sharingTerms.ts';

/** An address and how many addresses of its pool come before it. */
export interface PlacedAddress {
  readonly value: bigint;
  readonly place: bigint;
}

/** One address that Services of one sharing key hold. */
export class SharedHolding {
  readonly address: PlacedAddress;
  readonly #terms: SharingTerms;
  /** `TCP/80` → `namespace/name` of the Service that has the port. */
  readonly ports = new Map<string, string>();
  /** `namespace/name` of the Services. */
  readonly services = new Set<string>();

  constructor(address: PlacedAddress, terms: SharingTerms) {
    this.address = address;
    this.#terms = terms;
  }

  /** Null when a Service with these terms may join. */
  refusal(terms: SharingTerms): InUse | null {
    const by = this.services.values().next().value ?? '';
    if (terms.key === '') return { reason: 'noKey', by };
    if (terms.key !== this.#terms.key) return { reason: 'otherKey', by };
    if (terms.backend !== this.#terms.backend) return { reason: 'trafficPolicy', by };
    const port = terms.ports.find((candidate) => this.ports.has(candidate));
    return port === undefined ? null : { reason: 'port', port, by: this.ports.get(port) ?? by };
  }
}

/** All addresses of one pool and family that Services of one key and one traffic policy hold. */
export class SharingGroup {
  readonly #terms: SharingTerms;
  readonly #byAddress = new Map<bigint, SharedHolding>();
  /** In order of place, once `#sort` has run. */
  readonly #inOrder: SharedHolding[] = [];
  #sorted = true;
  /** `TCP/80` → how many of the first addresses all have that port taken: searches do not look at them again. */
  readonly #passed = new Map<string, number>();

  constructor(terms: SharingTerms) {
    this.#terms = terms;
  }

  join(address: PlacedAddress, claimant: Claimant): SharedHolding {
    const holding = this.#byAddress.get(address.value) ?? this.#add(address);
    holding.services.add(claimant.key);
    for (const port of claimant.sharing.ports) holding.ports.set(port, claimant.key);
    return holding;
  }

  /** True when the Service was the last one. */
  leave(value: bigint, claimant: Claimant): boolean {
    const holding = this.#byAddress.get(value);
    holding?.services.delete(claimant.key);
    for (const port of claimant.sharing.ports) holding?.ports.delete(port);
    this.#passed.clear();
    if (holding === undefined || holding.services.size > 0) return holding === undefined;
    this.#byAddress.delete(value);
    this.#inOrder.splice(this.#inOrder.indexOf(holding), 1);
    return true;
  }

  /** The first address that a Service with these terms may join. */
  first(terms: SharingTerms): PlacedAddress | null {
    this.#sort();
    let start = 0;
    for (const port of terms.ports) start = Math.max(start, this.#pass(port));
    for (let index = start; index < this.#inOrder.length; index += 1) {
      const holding = this.#inOrder[index];
      if (holding?.refusal(terms) === null) return holding.address;
    }
    return null;
  }

  #add(address: PlacedAddress): SharedHolding {
    const holding = new SharedHolding(address, this.#terms);
    const last = this.#inOrder.at(-1);
    if (last !== undefined && last.address.place > address.place) this.#sorted = false;
    this.#inOrder.push(holding);
    this.#byAddress.set(address.value, holding);
    return holding;
  }

  #pass(port: string): number {
    let passed = this.#passed.get(port) ?? 0;
    while (this.#inOrder[passed]?.ports.has(port) === true) passed += 1;
    this.#passed.set(port, passed);
    return passed;
  }

  #sort(): void {
    if (this.#sorted) return;
    this.#inOrder.sort((a, b) => (a.address.place < b.address.place ? -1 : 1));
    this.#passed.clear();
    this.#sorted = true;
  }
}
