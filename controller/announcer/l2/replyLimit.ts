import { mix32 } from '../../../core/balance/hash32.ts';
import { macNumber } from './macAddress.ts';

/**
 * Ours: one asker (MAC and IP) is answered this often a second for one VIP. A client asks once a second at most (RFC 1122
 * section 2.3.2.1, RFC 4861 RETRANS_TIMER); the rest is a flood, and its reflection is cut here.
 */
export const MAX_REPLIES_PER_SECOND = 20;

/** A power of two. */
const SLOTS = 4096;
const WINDOW_MS = 1000;

/**
 * Counts answers by asker and VIP in a table of fixed size. Two that meet in a slot drive each other out and are
 * answered: who floods from invented addresses silences nobody.
 */
export class ReplyLimit {
  readonly #mac = new Float64Array(SLOTS);
  readonly #ip = new Uint32Array(SLOTS);
  readonly #vip = new Uint32Array(SLOTS);
  readonly #window = new Float64Array(SLOTS).fill(-1);
  readonly #count = new Uint8Array(SLOTS);

  /** Takes one answer from what is left for this asker, VIP (a number of ours) and second. */
  take(asker: { readonly mac: Uint8Array; readonly ip: Uint8Array }, vip: number, nowMs: number): boolean {
    const mac = macNumber(asker.mac);
    const ip = foldIp(asker.ip);
    const slot = mix32(mix32((mac % 4_294_967_296) ^ ip) ^ vip) & (SLOTS - 1);
    const window = Math.floor(nowMs / WINDOW_MS);
    const isSame = this.#mac[slot] === mac && this.#ip[slot] === ip && this.#vip[slot] === vip && this.#window[slot] === window;
    const count = isSame ? (this.#count[slot] ?? 0) : 0;
    if (count >= MAX_REPLIES_PER_SECOND) return false;
    this.#mac[slot] = mac;
    this.#ip[slot] = ip;
    this.#vip[slot] = vip;
    this.#window[slot] = window;
    this.#count[slot] = count + 1;
    return true;
  }
}

function foldIp(octets: Uint8Array): number {
  let folded = 0;
  for (const octet of octets) folded = (Math.imul(folded, 0x01000193) ^ octet) >>> 0;
  return folded;
}
