import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import { isIP, type LookupFunction } from 'node:net';
import type { Endpoint } from '../../core/ir/cluster.ts';

export interface UdpUpstreamEvents {
  onReply(datagram: Buffer): void;
  /** A datagram was not sent, the socket is as it was. */
  onDropped(reason: 'queueFull' | 'sendFailed'): void;
  /** Once, later than the constructor returns: the socket is closed. `code`: the system's name of the error; ECONNREFUSED: ICMP said the port is not open. */
  onFailed(code: string): void;
}

/** Ours: what may wait in one session while its endpoint's name is resolved. */
const MAX_WAITING_DATAGRAMS = 64;
const MAX_WAITING_BYTES = 256 * 1024;
/** Ours: octets in a socket's send queue beyond what the kernel took. */
export const MAX_SEND_QUEUE_BYTES: number = 1024 * 1024;

/** A socket of one session's own, connected to its endpoint: the kernel drops what anybody else sends to it. */
export class UdpUpstream {
  readonly #events: UdpUpstreamEvents;
  #socket: Socket | null = null;
  #isConnected = false;
  #isClosed = false;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;

  constructor(endpoint: Endpoint, lookup: LookupFunction, events: UdpUpstreamEvents) {
    this.#events = events;
    if (isIP(endpoint.host) === 0) this.#resolve(endpoint, lookup);
    else this.#open(endpoint.host, endpoint.port);
  }

  /** Sends in order; what does not fit is dropped and told. */
  send(datagram: Buffer): void {
    const socket = this.#socket;
    if (this.#isClosed) return;
    if (socket === null || !this.#isConnected) return this.#wait(datagram);
    if (socket.getSendQueueSize() > MAX_SEND_QUEUE_BYTES) return this.#events.onDropped('queueFull');
    socket.send(datagram, this.#onSent);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waiting = [];
    this.#socket?.close();
  }

  #resolve({ host, port }: Endpoint, lookup: LookupFunction): void {
    lookup(host, {}, (error, address) => {
      if (this.#isClosed) return;
      if (error !== null || typeof address !== 'string') this.#fail(error?.code ?? 'ENOTFOUND');
      else this.#open(address, port);
    });
  }

  #open(address: string, port: number): void {
    const socket = createSocket({ type: isIP(address) === 6 ? 'udp6' : 'udp4', lookup: literal });
    this.#socket = socket;
    socket.on('message', (datagram) => this.#events.onReply(datagram));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(error.code ?? 'unknown'));
    socket.once('connect', () => this.#connected());
    socket.connect(port, address);
  }

  #connected(): void {
    if (this.#isClosed) return;
    this.#isConnected = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const datagram of waiting) this.send(datagram);
  }

  #wait(datagram: Buffer): void {
    const bytes = this.#waitingBytes + datagram.length;
    if (this.#waiting.length >= MAX_WAITING_DATAGRAMS || bytes > MAX_WAITING_BYTES) return this.#events.onDropped('queueFull');
    this.#waitingBytes = bytes;
    this.#waiting.push(datagram);
  }

  readonly #onSent = (error: NodeJS.ErrnoException | null): void => {
    if (error === null || this.#isClosed) return;
    if (isEndpointFault(error.code ?? '')) this.#fail(error.code ?? 'unknown');
    else this.#events.onDropped('sendFailed');
  };

  #fail(code: string): void {
    if (this.#isClosed) return;
    this.close();
    // Later, as opening may fail before whoever opens knows what.
    queueMicrotask(() => this.#events.onFailed(code));
  }
}

/** Addresses are literal here: Node's own look-up would only take turns of the event loop. */
const literal: NonNullable<SocketOptions['lookup']> = (host, _options, callback) => callback(null, host, isIP(host));

/** The error says that the endpoint cannot be reached. */
export function isEndpointFault(code: string): boolean {
  return code === 'ECONNREFUSED' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'ENOTFOUND';
}
