import type { L2Action } from './l2Action.ts';
import { printMac } from './macAddress.ts';
import type { L2Link, VipLink } from './vip.ts';

const NOTHING: readonly L2Action[] = Object.freeze([]);

/** Gathers the actions of one call. */
export class Outbox {
  #actions: L2Action[] = [];

  /** An answer to somebody who asked. */
  reply(on: VipLink, frame: Uint8Array): void {
    on.vip.counts.repliesSent += 1;
    this.#send(on.link, frame, on.vip.address);
  }

  /** A frame that nobody asked for. */
  gratuitous(on: VipLink, frame: Uint8Array): void {
    on.vip.counts.gratuitousSent += 1;
    this.#send(on.link, frame, on.vip.address);
  }

  /** A frame that says nothing about whose the address is. */
  probe(link: L2Link, frame: Uint8Array): void {
    this.#send(link, frame, null);
  }

  conflict(on: VipLink, mac: Uint8Array, defended: boolean): void {
    this.#actions.push({ type: 'conflict', address: on.vip.address, interface: on.link.name, mac: printMac(mac), defended });
  }

  takenOver(address: string): void {
    this.#actions.push({ type: 'takenOver', address });
  }

  /** What has been gathered since the last call. */
  take(): readonly L2Action[] {
    if (this.#actions.length === 0) return NOTHING;
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  #send({ index }: L2Link, frame: Uint8Array, address: string | null): void {
    this.#actions.push({ type: 'send', interfaceIndex: index, frame, address });
  }
}
