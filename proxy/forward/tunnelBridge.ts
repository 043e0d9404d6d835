import type { Clock } from '../../core/time/clock.ts';
import type { Tunnel, TunnelHandler } from '../http/exchange.ts';
import type { Deadline, Deadlines } from '../limits/deadlines.ts';

export interface TunnelBridgeOptions {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** Both directions silent for so long: cut. */
  readonly idleTimeoutMs: number;
  /** Once, when both ends are closed. Octets carried in each direction. */
  readonly onClose: (bytes: { readonly toClient: number; readonly toBackend: number }) => void;
}

/** Joins the two ends of an upgraded exchange. Each half closes alone; either end's loss ends the other. */
export class TunnelBridge {
  readonly #client: Tunnel;
  readonly #backend: Tunnel;
  readonly #options: TunnelBridgeOptions;
  readonly #deadline: Deadline;
  #toClient = 0;
  #toBackend = 0;
  #open = 2;

  constructor(client: Tunnel, backend: Tunnel, options: TunnelBridgeOptions) {
    this.#client = client;
    this.#backend = backend;
    this.#options = options;
    this.#deadline = { at: Infinity, expire: () => this.abort() };
  }

  start(): void {
    this.#options.deadlines.add(this.#deadline);
    this.#touch();
    this.#client.start(this.#end(this.#client, this.#backend, (bytes) => (this.#toBackend += bytes)));
    this.#backend.start(this.#end(this.#backend, this.#client, (bytes) => (this.#toClient += bytes)));
  }

  abort(): void {
    this.#client.abort();
    this.#backend.abort();
  }

  #end(from: Tunnel, to: Tunnel, count: (bytes: number) => void): TunnelHandler {
    return {
      onData: (chunk) => {
        this.#touch();
        count(chunk.length);
        if (!to.write(chunk)) from.pause();
      },
      onEnd: () => to.end(),
      onWritable: () => {
        this.#touch();
        to.resume();
      },
      onClose: () => this.#closed(to),
    };
  }

  #touch(): void {
    this.#deadline.at = this.#options.clock.now() + this.#options.idleTimeoutMs;
  }

  #closed(other: Tunnel): void {
    this.#open -= 1;
    // What the closed end still sent goes out; nobody is left to read for, so a peer that talks on is not listened to.
    if (this.#open > 0) return other.close();
    this.#options.deadlines.delete(this.#deadline);
    this.#options.onClose({ toClient: this.#toClient, toBackend: this.#toBackend });
  }
}
