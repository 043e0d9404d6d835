const KEY_LENGTH = 4;

interface Entry<T> {
  readonly octets: Uint8Array;
  readonly value: T;
}

/**
 * Values by address of either family, looked up in a frame where the address stands: a flood of frames about other
 * addresses costs one number each. Addresses that end in the same four octets share a chain; only those who give
 * addresses can make it long, not those who send frames.
 */
export class AddressTable<T> {
  /** Last four octets → the addresses that end so. */
  readonly #chains = new Map<number, Entry<T>[]>();

  /** Adds an address that is not in the table yet. */
  add(octets: Uint8Array, value: T): void {
    const key = keyAt(octets, octets.length - KEY_LENGTH);
    const chain = this.#chains.get(key);
    if (chain === undefined) this.#chains.set(key, [{ octets, value }]);
    else chain.push({ octets, value });
  }

  /** The value of the address of `length` octets at `offset`, which must be within the frame; null: there is none. */
  find(frame: Uint8Array, offset: number, length: number): T | null {
    const chain = this.#chains.get(keyAt(frame, offset + length - KEY_LENGTH));
    if (chain === undefined) return null;
    for (const { octets, value } of chain) if (octets.length === length && isAt(frame, offset, octets)) return value;
    return null;
  }
}

function keyAt(octets: Uint8Array, offset: number): number {
  return (((octets[offset] ?? 0) << 24) | ((octets[offset + 1] ?? 0) << 16) | ((octets[offset + 2] ?? 0) << 8) | (octets[offset + 3] ?? 0)) >>> 0;
}

function isAt(frame: Uint8Array, offset: number, octets: Uint8Array): boolean {
  for (let at = 0; at < octets.length; at += 1) if (frame[offset + at] !== octets[at]) return false;
  return true;
}
