/** What an echo function goes by; times in ms. */
export interface EchoTimers {
  readonly intervalMs: number;
  readonly detectMultiplier: number;
}

/** Octets of an echo packet's payload, which is nobody's business but ours (RFC 5880 section 5). */
export const ECHO_PAYLOAD_BYTES = 16;

/** Octets of a key. */
export const ECHO_KEY_BYTES = 6;
/** Of a number: at 10 ms enough for 90,000 years. */
const SEQUENCE_BYTES = 6;
const OFFSETS = { discriminator: 0, key: 4, sequence: 4 + ECHO_KEY_BYTES } as const;

/**
 * The Echo function of one session (RFC 5880 sections 6.8.8 and 6.8.9): packets that the peer's forwarding plane sends back. Each has
 * a number and a key that only who is on the way can know; only numbers above the last one that came back are news.
 */
export class EchoFunction {
  readonly #discriminator: number;
  readonly #key: Buffer;
  readonly #random: () => number;
  /** Null: not active. */
  #timers: EchoTimers | null = null;
  #sentMs: number | null = null;
  #jitter = 1;
  #sequence = 0;
  #returnedSequence = 0;
  /** Since when silence counts: the last return, or the first sending. */
  #aliveMs: number | null = null;

  /** `key`: `ECHO_KEY_BYTES` random octets. */
  constructor(options: { readonly discriminator: number; readonly key: Buffer; readonly random: () => number }) {
    this.#discriminator = options.discriminator;
    this.#key = options.key;
    this.#random = options.random;
  }

  /** Null ends it. */
  setTimers(timers: EchoTimers | null): void {
    if (timers === null) {
      this.#sentMs = null;
      this.#aliveMs = null;
    }
    this.#timers = timers;
  }

  timers(): EchoTimers | null {
    return this.#timers;
  }

  /** When the next packet is due; null: none is. */
  sendDueMs(): number | null {
    if (this.#timers === null) return null;
    return this.#sentMs === null ? Number.NEGATIVE_INFINITY : this.#sentMs + this.#timers.intervalMs * this.#jitter;
  }

  /** When it has failed; null: it is not active. */
  expiresMs(): number | null {
    return this.#timers === null || this.#aliveMs === null ? null : this.#aliveMs + this.#timers.detectMultiplier * this.#timers.intervalMs;
  }

  /** The payload of the next packet. */
  send(nowMs: number): Buffer {
    this.#sentMs = nowMs;
    this.#aliveMs ??= nowMs;
    this.#jitter = 0.75 + this.#random() * 0.25;
    this.#sequence += 1;
    const payload = Buffer.alloc(ECHO_PAYLOAD_BYTES);
    payload.writeUInt32BE(this.#discriminator, OFFSETS.discriminator);
    this.#key.copy(payload, OFFSETS.key, 0, ECHO_KEY_BYTES);
    payload.writeUIntBE(this.#sequence, OFFSETS.sequence, SEQUENCE_BYTES);
    return payload;
  }

  /** A payload that has come back; answers whether it is one of ours, and new. */
  receive(payload: Buffer, nowMs: number): boolean {
    if (this.#timers === null || readEchoDiscriminator(payload) !== this.#discriminator) return false;
    if (!payload.subarray(OFFSETS.key, OFFSETS.sequence).equals(this.#key)) return false;
    const sequence = payload.readUIntBE(OFFSETS.sequence, SEQUENCE_BYTES);
    if (sequence <= this.#returnedSequence || sequence > this.#sequence) return false;
    this.#returnedSequence = sequence;
    this.#aliveMs = nowMs;
    return true;
  }
}

/** Whose it says it is; null: it is no payload of ours. */
export function readEchoDiscriminator(payload: Buffer): number | null {
  return payload.length < ECHO_PAYLOAD_BYTES ? null : payload.readUInt32BE(OFFSETS.discriminator);
}
