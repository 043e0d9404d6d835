import { LRUCache } from 'lru-cache';
import type { Clock } from '../../core/time/clock.ts';
import type { L4Pick } from './l4Pick.ts';

/** Ours: client addresses remembered by one route of one worker. Beyond, the one seen longest ago draws anew. */
const MAX_PINS = 16_384;

interface Pin {
  readonly pick: L4Pick;
  /** Connections and sessions of this client at this endpoint. */
  open: number;
  silentSinceMs: number;
}

/** Client address → the endpoint it keeps (sessionAffinity ClientIP). */
export class ClientPins {
  readonly #clock: Clock;
  readonly #pins = new LRUCache<string, Pin>({ max: MAX_PINS });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The client's endpoint, unless it has been silent for `timeoutMs`. */
  get(address: string, timeoutMs: number): L4Pick | null {
    const pin = this.#pins.get(address);
    if (pin === undefined) return null;
    return pin.open > 0 || this.#clock.now() - pin.silentSinceMs < timeoutMs ? pin.pick : null;
  }

  /** The client was given `pick` for one more connection; followed by one `closed`. */
  opened(address: string, pick: L4Pick): void {
    const pin = this.#pins.get(address);
    if (pin !== undefined && pin.pick.target === pick.target) {
      pin.open += 1;
      return;
    }
    this.#pins.set(address, { pick, open: 1, silentSinceMs: this.#clock.now() });
  }

  closed(address: string, pick: L4Pick): void {
    const pin = this.#pins.peek(address);
    // Given to another endpoint meanwhile, or forgotten.
    if (pin === undefined || pin.pick.target !== pick.target) return;
    pin.open = Math.max(0, pin.open - 1);
    pin.silentSinceMs = this.#clock.now();
  }

  /** The endpoint did not take the client. */
  forget(address: string, pick: L4Pick): void {
    if (this.#pins.peek(address)?.pick.target === pick.target) this.#pins.delete(address);
  }
}
