import type { MemberRecord } from './message.ts';
import { recordOctets } from './messageCodec.ts';

/** What a message still has room for, and how to fill it. */
export interface NewsRoom {
  readonly octets: number;
  /** Times that each piece of news is passed on. */
  readonly transmitLimit: number;
  /** What is known of a member now; null: it is not passed on any more. */
  readonly recordOf: (node: string) => MemberRecord | null;
}

/** Most records beside each other in one message. */
const MAX_TAKEN = 200;

/**
 * Members there is something new about, at most one entry each: what is sent is what is known when it is sent. What was passed on
 * least goes first (SWIM section 4.1).
 */
export class NewsQueue {
  /** By node: how often it was passed on. */
  readonly #transmits = new Map<string, number>();

  get isEmpty(): boolean {
    return this.#transmits.size === 0;
  }

  add(node: string): void {
    this.#transmits.set(node, 0);
  }

  take({ octets, transmitLimit, recordOf }: NewsRoom): MemberRecord[] {
    const taken: MemberRecord[] = [];
    let room = octets;
    for (const [node, transmits] of [...this.#transmits].sort((a, b) => a[1] - b[1])) {
      const record = recordOf(node);
      if (record === null) {
        this.#transmits.delete(node);
        continue;
      }
      const fitted = [record, { ...record, state: null }].find((choice) => recordOctets(choice) <= room);
      if (fitted === undefined || taken.length >= MAX_TAKEN) continue;
      taken.push(fitted);
      room -= recordOctets(fitted);
      if (transmits + 1 >= transmitLimit) this.#transmits.delete(node);
      else this.#transmits.set(node, transmits + 1);
    }
    return taken;
  }
}
