import type { Socket } from 'node:net';
import { resetConnection } from '../../core/os/resetConnection.ts';

export interface TcpRelayEvents {
  /** Octets came or went, or room was made. */
  onActivity(): void;
  onReceived(bytes: number): void;
  onSent(bytes: number): void;
  /** Once, when both sockets are closed. */
  onClose(outcome: TcpRelayOutcome): void;
}

/** Which end broke the connection, or `completed`: both ended it. */
export type TcpRelayOutcome = 'completed' | 'clientReset' | 'endpointReset';

/**
 * Joins two connected sockets. Each direction ends alone; what cannot be written holds its reader back, so that at most one
 * read and the socket's own buffers wait in memory; when one end breaks, the other is reset, since an orderly end would
 * look like the end of the data. Takes the sockets over: whoever had them before has removed its listeners.
 */
export class TcpRelay {
  readonly #client: Socket;
  readonly #endpoint: Socket;
  readonly #events: TcpRelayEvents;
  #open = 2;
  #outcome: TcpRelayOutcome = 'completed';

  constructor(client: Socket, endpoint: Socket, events: TcpRelayEvents) {
    this.#client = client;
    this.#endpoint = endpoint;
    this.#events = events;
  }

  /** `first`: octets for the endpoint, written before all others. */
  start(first: Buffer | null): void {
    const events = this.#events;
    this.#carry(this.#client, this.#endpoint, (bytes) => events.onReceived(bytes));
    this.#carry(this.#endpoint, this.#client, (bytes) => events.onSent(bytes));
    this.#watch(this.#client, this.#endpoint, 'clientReset');
    this.#watch(this.#endpoint, this.#client, 'endpointReset');
    const hasRoom = first === null || this.#endpoint.write(first);
    this.#endpoint.resume();
    // The client ended its half before the relay began: that event is over.
    if (this.#client.readableEnded) this.#endpoint.end();
    else if (hasRoom) this.#client.resume();
    else this.#client.pause();
  }

  /** Resets both ends. */
  abort(): void {
    resetConnection(this.#client);
    resetConnection(this.#endpoint);
  }

  #carry(from: Socket, to: Socket, count: (bytes: number) => void): void {
    const events = this.#events;
    from.on('data', (chunk: Buffer) => {
      events.onActivity();
      count(chunk.length);
      // A large chunk fills the socket's own measure even when the kernel has taken all of it.
      if (!to.write(chunk) && to.writableLength > 0) from.pause();
    });
    from.on('end', () => to.end());
    to.on('drain', () => {
      events.onActivity();
      from.resume();
    });
  }

  #watch(socket: Socket, other: Socket, broken: TcpRelayOutcome): void {
    socket.on('error', () => {
      if (this.#outcome === 'completed') this.#outcome = broken;
      resetConnection(other);
    });
    socket.on('close', () => {
      this.#open -= 1;
      if (this.#open === 0) this.#events.onClose(this.#outcome);
    });
  }
}
