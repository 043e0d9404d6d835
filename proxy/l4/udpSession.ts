import type { LookupFunction } from 'node:net';
import type { Clock } from '../../core/time/clock.ts';
import type { Deadline } from '../limits/deadlines.ts';
import type { L4Pick } from './l4Pick.ts';
import type { DatagramDrop, L4Client, L4Observer, L4Outcome, L4Record } from './l4Record.ts';
import type { L4RouteState } from './l4RouteState.ts';
import type { TableSession } from './sessionTable.ts';
import { isEndpointFault, UdpUpstream } from './udpUpstream.ts';

export interface UdpSessionContext {
  readonly clock: Clock;
  readonly lookup: LookupFunction;
  readonly observer: L4Observer;
  /** Sends a datagram from the listener's socket to the session's client. */
  reply(datagram: Buffer, session: UdpSession): void;
  /** The session was silent for the route's idle timeout. */
  onSilent(session: UdpSession): void;
}

/** The datagrams of one client address and port: where they go, and the way back. */
export class UdpSession implements TableSession, Deadline {
  readonly key: string;
  readonly address: string;
  readonly client: L4Client;
  isAssured = false;
  /** When the session has been silent for too long. */
  at = Infinity;
  /** The endpoint has answered; the client's next datagram then shows that it got that. */
  hasReply = false;
  readonly #route: L4RouteState;
  readonly #context: UdpSessionContext;
  readonly #startedAtMs: number;
  #pick: L4Pick;
  #upstream: UdpUpstream | null = null;
  #tries = 0;
  #receivedBytes = 0;
  #sentBytes = 0;
  #receivedDatagrams = 0;
  #sentDatagrams = 0;

  constructor(options: { key: string; client: L4Client; route: L4RouteState; pick: L4Pick }, context: UdpSessionContext) {
    this.key = options.key;
    this.client = options.client;
    this.address = options.client.remoteAddress;
    this.#route = options.route;
    this.#context = context;
    this.#startedAtMs = context.clock.now();
    this.#pick = options.pick;
    this.#route.open += 1;
    context.observer.opened(this.#route.route, 'udp');
    this.#connect(options.pick);
  }

  /** A datagram of the client. */
  forward(datagram: Buffer): void {
    this.#receivedDatagrams += 1;
    this.#receivedBytes += datagram.length;
    this.#route.receivedBytes += datagram.length;
    this.#touch();
    if (this.#upstream !== null && !this.#route.isMember(this.#pick)) this.#disconnect(false);
    if (this.#upstream === null && !this.#reconnect()) return this.#dropped('noEndpoint');
    this.#upstream?.send(datagram);
  }

  expire(): void {
    this.#context.onSilent(this);
  }

  /** Lets go of the endpoint; what is known of the session. */
  end(outcome: L4Outcome): L4Record {
    this.at = Infinity;
    this.#disconnect(false);
    this.#route.open -= 1;
    return {
      route: this.#route.route,
      protocol: 'udp',
      client: this.client,
      cluster: this.#pick.cluster.cluster,
      endpoint: this.#pick.target.endpoint,
      receivedBytes: this.#receivedBytes,
      sentBytes: this.#sentBytes,
      receivedDatagrams: this.#receivedDatagrams,
      sentDatagrams: this.#sentDatagrams,
      timeMs: Date.now(),
      sessionTimeMs: Math.max(0, this.#context.clock.now() - this.#startedAtMs),
      connectTimeMs: null,
      tries: this.#tries,
      outcome,
    };
  }

  #touch(): void {
    this.at = this.#context.clock.now() + this.#route.route.idleTimeoutMs;
  }

  #connect(pick: L4Pick): void {
    this.#pick = pick;
    this.#tries += 1;
    this.#route.entered(this.address, pick);
    let isFirst = true;
    const upstream = new UdpUpstream(pick.target.endpoint, this.#context.lookup, {
      onReply: (datagram) => {
        if (isFirst) pick.cluster.connectSucceeded(pick.target);
        isFirst = false;
        this.#replied(datagram);
      },
      onDropped: (reason) => this.#dropped(reason),
      onFailed: (code) => this.#failed(upstream, code),
    });
    this.#upstream = upstream;
  }

  /** After the endpoint failed or left: another one if there is one, else the same again. */
  #reconnect(): boolean {
    const next = this.#route.choose(this.address);
    if (next === null) return false;
    const hasFailed = next.target === this.#pick.target;
    const other = hasFailed ? this.#route.chooseIn(next.cluster, this.address, [next.target]) : null;
    this.#connect(other ?? next);
    return true;
  }

  #disconnect(hasFailed: boolean): void {
    if (this.#upstream === null) return;
    this.#upstream.close();
    this.#upstream = null;
    this.#route.left(this.address, this.#pick, hasFailed);
  }

  #failed(upstream: UdpUpstream, code: string): void {
    if (upstream !== this.#upstream) return;
    const pick = this.#pick;
    if (!isEndpointFault(code)) this.#dropped('sendFailed');
    else if (pick.cluster.connectFailed(pick.target)) this.#context.observer.endpointEjected(pick.cluster.cluster);
    this.#disconnect(true);
  }

  #replied(datagram: Buffer): void {
    this.hasReply = true;
    this.#sentDatagrams += 1;
    this.#sentBytes += datagram.length;
    this.#route.sentBytes += datagram.length;
    // Replies alone keep no session alive whose client may never have asked for them.
    if (this.isAssured) this.#touch();
    this.#context.reply(datagram, this);
  }

  #dropped(reason: DatagramDrop): void {
    this.#context.observer.datagramDropped(this.#route.route, reason);
  }
}
