import type { LookupFunction, Socket } from 'node:net';
import { resetConnection } from '../../core/os/resetConnection.ts';
import type { Clock } from '../../core/time/clock.ts';
import type { EndpointState } from '../balance/endpointState.ts';
import type { Deadline, Deadlines } from '../limits/deadlines.ts';
import { canonicalAddress } from './ipAddress.ts';
import type { L4Pick } from './l4Pick.ts';
import type { L4Client, L4Observer, L4Outcome } from './l4Record.ts';
import type { L4RouteState } from './l4RouteState.ts';
import { ProxyHeaderReader } from './proxyHeaderReader.ts';
import { encodeProxyHeader, type ProxyHeader } from './proxyProtocol.ts';
import { isLocalFault, TcpDial } from './tcpDial.ts';
import { TcpRelay } from './tcpRelay.ts';

/** Ours: proxies send the header with or right after the handshake. Haproxy's own `timeout` advice is 3 s (a lost packet). */
const PROXY_HEADER_TIMEOUT_MS = 3_000;
/** Ours: tries at endpoints that do not answer end after so many connect timeouts; refusals cost no time and do not count. */
const MAX_CONNECT_TIMEOUTS = 3;

export interface TcpConnectionContext {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly lookup: LookupFunction;
  readonly observer: L4Observer;
  /** Once, when nothing of the connection is open any more. */
  onClosed(connection: TcpConnection): void;
}

export interface TcpConnectionOptions {
  /** Owned by the connection; nobody else listens to its octets. */
  readonly socket: Socket;
  readonly client: L4Client;
  readonly route: L4RouteState;
  /** Octets read already. */
  readonly firstBytes: Buffer | null;
  /** Begins with a PROXY header; counted neither here nor at the endpoint. */
  readonly expectsProxyHeader: boolean;
}

type Phase = 'proxyHeader' | 'connecting' | 'relaying' | 'closed';

/** One client connection from its start to its record: PROXY header, source check, endpoint, relay. */
export class TcpConnection {
  readonly #socket: Socket;
  readonly #route: L4RouteState;
  readonly #context: TcpConnectionContext;
  readonly #deadline: Deadline;
  readonly #startedAtMs: number;
  readonly #tried: EndpointState[] = [];
  #client: L4Client;
  #phase: Phase = 'connecting';
  #header: ProxyHeaderReader | null = null;
  /** Octets for the endpoint that came before it was connected. */
  #early: Buffer[] = [];
  #pick: L4Pick | null = null;
  #dial: TcpDial | null = null;
  #dialedAtMs = 0;
  #connectTimeMs: number | null = null;
  #relay: TcpRelay | null = null;
  /** Why the proxy ended what it relayed; null: the ends did. */
  #cause: L4Outcome | null = null;
  #receivedBytes = 0;
  #sentBytes = 0;

  constructor(options: TcpConnectionOptions, context: TcpConnectionContext) {
    this.#socket = options.socket;
    this.#client = options.client;
    this.#route = options.route;
    this.#context = context;
    this.#startedAtMs = context.clock.now();
    this.#deadline = { at: Infinity, expire: () => this.#expire() };
    if (options.expectsProxyHeader) this.#header = new ProxyHeaderReader();
    if (options.firstBytes !== null && options.firstBytes.length > 0) this.#early.push(options.firstBytes);
  }

  /** Starts; the connection is over when `onClosed` has been called, which may be before this returns. */
  start(): void {
    const { deadlines, observer, clock } = this.#context;
    observer.opened(this.#route.route, 'tcp');
    const isFull = this.#route.isFull;
    this.#route.open += 1;
    if (isFull) return this.#refuse('connectionLimit');
    deadlines.add(this.#deadline);
    if (this.#early.length > 0) this.#socket.pause();
    this.#socket.on('error', this.#onError).on('close', this.#onClose).on('end', this.#onEnd).on('data', this.#onData);
    if (this.#header === null) return this.#admit(this.#client.remoteAddress);
    this.#phase = 'proxyHeader';
    this.#deadline.at = clock.now() + PROXY_HEADER_TIMEOUT_MS;
    this.#socket.resume();
  }

  /** Resets both ends; true when they were open. */
  cut(): boolean {
    if (this.#phase === 'closed') return false;
    this.#break('cut');
    return true;
  }

  readonly #onError = (): void => this.#refuse('clientReset');
  readonly #onClose = (): void => this.#refuse('clientReset');

  readonly #onEnd = (): void => {
    // Half of a header will never be whole.
    if (this.#phase === 'proxyHeader') this.#refuse('badProxyHeader');
  };

  readonly #onData = (chunk: Buffer): void => {
    if (this.#header !== null) return this.#readHeader(this.#header, chunk);
    // One read is kept for the first write to the endpoint; what follows waits in the kernel.
    this.#early.push(chunk);
    this.#socket.pause();
  };

  #readHeader(reader: ProxyHeaderReader, chunk: Buffer): void {
    const reading = reader.add(chunk);
    if (reading.type === 'incomplete') return;
    if (reading.type === 'invalid') return this.#refuse('badProxyHeader');
    this.#header = null;
    if (reading.rest.length > 0) {
      this.#early.push(reading.rest);
      this.#socket.pause();
    }
    const { source, destination } = reading.header;
    if (source !== null && destination !== null) this.#client = clientOf(source, destination);
    this.#admit(isOwnWord(reading.header) ? null : this.#client.remoteAddress);
  }

  /** `address` null: a trusted peer that speaks for itself, which source ranges are not about. */
  #admit(address: string | null): void {
    if (address !== null && !this.#route.admits(address)) return this.#refuse('sourceRefused');
    const pick = this.#route.choose(this.#client.remoteAddress);
    if (pick === null) return this.#refuse('noEndpoint');
    this.#phase = 'connecting';
    this.#dialedAtMs = this.#context.clock.now();
    this.#connect(pick);
    // To hear of a client that goes, and to have its first octets ready; not when some are there already.
    if (this.#early.length === 0) this.#socket.resume();
  }

  #connect(pick: L4Pick): void {
    const { clock, lookup } = this.#context;
    this.#pick = pick;
    this.#tried.push(pick.target);
    this.#route.entered(this.#client.remoteAddress, pick);
    this.#deadline.at = clock.now() + this.#route.route.connectTimeoutMs;
    this.#dial = new TcpDial(pick.target.endpoint, lookup, {
      onConnected: (socket) => this.#connected(pick, socket),
      onFailed: (code) => this.#connectFailed(pick, code),
    });
  }

  #connectFailed(pick: L4Pick, code: string): void {
    const { observer, clock } = this.#context;
    this.#dial = null;
    const isOurs = isLocalFault(code);
    this.#route.left(this.#client.remoteAddress, pick, !isOurs);
    if (isOurs) return this.#giveUp('proxyFault');
    if (pick.cluster.connectFailed(pick.target)) observer.endpointEjected(pick.cluster.cluster);
    const spentMs = clock.now() - this.#dialedAtMs;
    if (spentMs >= MAX_CONNECT_TIMEOUTS * this.#route.route.connectTimeoutMs) return this.#giveUp('connectFailed');
    // As with HTTP routes, tries stay in the cluster that was drawn.
    const next = this.#route.chooseIn(pick.cluster, this.#client.remoteAddress, this.#tried);
    if (next === null) this.#giveUp('connectFailed');
    else this.#connect(next);
  }

  #connected(pick: L4Pick, endpoint: Socket): void {
    this.#dial = null;
    pick.cluster.connectSucceeded(pick.target);
    this.#connectTimeMs = this.#context.clock.now() - this.#dialedAtMs;
    this.#phase = 'relaying';
    this.#socket.off('error', this.#onError).off('close', this.#onClose).off('end', this.#onEnd).off('data', this.#onData);
    this.#relay = new TcpRelay(this.#socket, endpoint, {
      onActivity: () => this.#touch(),
      onReceived: (bytes) => this.#count(bytes, 0),
      onSent: (bytes) => this.#count(0, bytes),
      onClose: (outcome) => this.#close(this.#cause ?? outcome),
    });
    this.#touch();
    const first = this.#firstBytes();
    this.#relay.start(first);
  }

  /** The PROXY header and what the client has sent so far, for one write. */
  #firstBytes(): Buffer | null {
    const early = this.#early;
    this.#early = [];
    for (const { length } of early) this.#count(length, 0);
    const version = this.#route.route.sendProxyProtocol;
    if (version !== null) early.unshift(proxyHeaderOf(version, this.#client));
    return early.length > 1 ? Buffer.concat(early) : (early[0] ?? null);
  }

  #touch(): void {
    this.#deadline.at = this.#context.clock.now() + this.#route.route.idleTimeoutMs;
  }

  #count(received: number, sent: number): void {
    this.#receivedBytes += received;
    this.#sentBytes += sent;
    this.#route.receivedBytes += received;
    this.#route.sentBytes += sent;
  }

  #expire(): void {
    switch (this.#phase) {
      case 'proxyHeader':
        return this.#refuse('badProxyHeader');
      case 'connecting':
        return this.#dial?.fail('ETIMEDOUT');
      case 'relaying':
        return this.#break('idleTimeout');
      case 'closed':
        return;
    }
  }

  /** Resets whatever there is. A relay tells when its sockets are closed; before there is one, nothing is waited for. */
  #break(outcome: L4Outcome): void {
    if (this.#relay === null) return this.#refuse(outcome);
    this.#cause = outcome;
    this.#relay.abort();
  }

  /** Ends a connection that has an endpoint it was not connected to, or none. */
  #refuse(outcome: L4Outcome): void {
    if (this.#dial !== null && this.#pick !== null) this.#route.left(this.#client.remoteAddress, this.#pick, false);
    this.#dial?.abandon();
    this.#dial = null;
    this.#giveUp(outcome);
  }

  /** Ends a connection that no endpoint counts any more. */
  #giveUp(outcome: L4Outcome): void {
    if (this.#phase === 'closed') return;
    this.#finish(outcome);
    resetConnection(this.#socket);
  }

  #close(outcome: L4Outcome): void {
    const pick = this.#pick;
    if (pick !== null) this.#route.left(this.#client.remoteAddress, pick, false);
    this.#finish(outcome);
  }

  #finish(outcome: L4Outcome): void {
    const { clock, deadlines, observer } = this.#context;
    this.#phase = 'closed';
    deadlines.delete(this.#deadline);
    this.#route.open -= 1;
    observer.finished({
      route: this.#route.route,
      protocol: 'tcp',
      client: this.#client,
      cluster: this.#pick?.cluster.cluster ?? null,
      endpoint: this.#pick?.target.endpoint ?? null,
      receivedBytes: this.#receivedBytes,
      sentBytes: this.#sentBytes,
      receivedDatagrams: 0,
      sentDatagrams: 0,
      timeMs: Date.now(),
      sessionTimeMs: Math.max(0, clock.now() - this.#startedAtMs),
      connectTimeMs: this.#connectTimeMs,
      tries: this.#tried.length,
      outcome,
    });
    this.#context.onClosed(this);
  }
}

/** A trusted peer's health check. */
function isOwnWord(header: ProxyHeader): boolean {
  return header.command === 'LOCAL';
}

function clientOf(source: { address: string; port: number }, destination: { address: string; port: number }): L4Client {
  return {
    remoteAddress: source.address,
    remotePort: source.port,
    localAddress: destination.address,
    localPort: destination.port,
  };
}

function proxyHeaderOf(version: 'v1' | 'v2', client: L4Client): Buffer {
  const source = { address: client.remoteAddress, port: client.remotePort };
  const destination = { address: client.localAddress, port: client.localPort };
  // An end that has no IP address is not made up.
  const isKnown = canonicalAddress(source.address) !== null && canonicalAddress(destination.address) !== null;
  return encodeProxyHeader(version === 'v1' ? 1 : 2, isKnown ? source : null, isKnown ? destination : null);
}
