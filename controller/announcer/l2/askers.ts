/** Who has asked for a VIP: where a frame for one client alone goes. */
export interface Asker {
  readonly mac: Uint8Array;
  readonly ip: Uint8Array;
  /** What sharing chooses by: IPv4 address or, for IPv6, link-layer address. */
  readonly identity: Uint8Array;
  readonly interfaceIndex: number;
}

/** Ours: clients remembered for one VIP, and for all VIPs together. */
const MAX_PER_VIP = 4096;
const MAX_IN_ALL = 65_536;

/** How many clients each of `vips` may remember: a flood of askers for one takes nothing from the others. */
export function askersPerVip(vips: number): number {
  return Math.max(1, Math.min(MAX_PER_VIP, Math.floor(MAX_IN_ALL / Math.max(1, vips))));
}

/**
 * Clients heard asking for one VIP, those that other nodes answer included: the least recently heard are forgotten
 * first. A plain Map in order of use, as lru-cache reserves room for its maximum, which few VIPs ever reach.
 */
export class Askers {
  readonly #byIdentity = new Map<number, Asker>();
  #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#byIdentity.size;
  }

  /** Forgets what is beyond a new limit. */
  setLimit(limit: number): void {
    this.#limit = limit;
    this.#forgetOldest();
  }

  /** The octets are copied. */
  remember({ mac, ip, identity, interfaceIndex }: Asker): void {
    const key = numberOf(identity);
    this.#byIdentity.delete(key);
    // Not slice(): a Buffer's would go on looking at the frame.
    const copies = { mac: Uint8Array.from(mac), ip: Uint8Array.from(ip), identity: Uint8Array.from(identity) };
    this.#byIdentity.set(key, { ...copies, interfaceIndex });
    this.#forgetOldest();
  }

  /** Least recently heard first. */
  all(): readonly Asker[] {
    return [...this.#byIdentity.values()];
  }

  #forgetOldest(): void {
    for (const key of this.#byIdentity.keys()) {
      if (this.#byIdentity.size <= this.#limit) return;
      this.#byIdentity.delete(key);
    }
  }
}

/** At most six octets. */
function numberOf(octets: Uint8Array): number {
  return octets.reduce((value, octet) => value * 256 + octet, 0);
}
