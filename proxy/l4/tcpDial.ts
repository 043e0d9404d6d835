import type { LookupFunction, Socket } from 'node:net';
import type { Endpoint } from '../../core/ir/cluster.ts';
import { connectReading } from '../http/octetSource.ts';

/** Exactly one of the two is called, later than the constructor returns, unless the dial is abandoned. */
export interface TcpDialEvents {
  /** `socket` is paused, half-open capable, and brings its octets as data events. */
  onConnected(socket: Socket): void;
  /** `code`: the system's name of the error. */
  onFailed(code: string): void;
}

/** Errors that say nothing of the endpoint: descriptors, local ports or memory are used up. */
const LOCAL_FAULTS = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOMEM', 'EACCES', 'EPERM']);

/** The error is the proxy's own, not the endpoint's. */
export function isLocalFault(code: string): boolean {
  return LOCAL_FAULTS.has(code);
}

/** One try to connect to one endpoint. */
export class TcpDial {
  readonly #socket: Socket;
  readonly #events: TcpDialEvents;
  #isOver = false;

  constructor(endpoint: Endpoint, lookup: LookupFunction, events: TcpDialEvents) {
    const { host, port } = endpoint;
    const { socket, source } = connectReading({ host, port, lookup, allowHalfOpen: true, noDelay: true, keepAlive: true });
    source((chunk) => socket.emit('data', chunk));
    this.#socket = socket;
    this.#events = events;
    socket.once('connect', this.#onConnect).on('error', this.#onError);
  }

  /** Ends the try as a failure. */
  fail(code: string): void {
    if (this.#isOver) return;
    this.abandon();
    this.#events.onFailed(code);
  }

  /** Ends the try without a word. */
  abandon(): void {
    this.#isOver = true;
    this.#socket.destroy();
  }

  readonly #onConnect = (): void => {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.pause();
    this.#socket.off('error', this.#onError);
    this.#events.onConnected(this.#socket);
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.onFailed(error.code ?? 'unknown');
  };
}
