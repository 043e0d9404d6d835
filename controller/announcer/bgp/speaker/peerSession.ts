import type { Logger } from '../../../../core/log/logger.ts';
import type { BgpPeerEvent } from '../bgpReport.ts';
import type { WantedPeer } from '../bgpWanted.ts';
import { createAdjRibOut, type AdjRibOut } from '../routes/adjRibOut.ts';
import type { AddressFamily } from '../codec/message.ts';
import type { OutRoutes } from '../routes/outRoute.ts';
import { codecOptions } from '../session/negotiate.ts';
import type { ConnectionEnds, ConnectionId, Moment, Negotiated, SessionEffect, SessionEvent, SessionMachine, SessionView } from '../session/sessionEvents.ts';
import { createSessionMachine } from '../session/sessionMachine.ts';
import { createPeerConnections, type PeerConnections } from './peerConnections.ts';
import type { BgpConnection, BgpTransport, ConnectionEvents } from '../transport/transport.ts';

/** What one peer is spoken to with. */
export interface PeerSessionOptions {
  readonly peer: WantedPeer;
  readonly hostName: string;
  readonly restarting: boolean;
  readonly transport: BgpTransport;
  readonly now: () => Moment;
  readonly random: () => number;
  readonly logger: Logger;
  /** Routes may be sent: the owner is to say which, by `want`, soon. */
  readonly established: () => void;
  readonly event: (event: BgpPeerEvent) => void;
  readonly changed: () => void;
}

/** How a session is ended; see SessionEvent. */
export type StopHow = Omit<Extract<SessionEvent, { readonly type: 'stop' }>, 'type'>;

/** What can be seen of the routes of a peer. */
export type SentRoutes = Pick<AdjRibOut, 'sent' | 'count' | 'unsendable'>;

/** Ours: octets of UPDATEs that one peer is given before it is another one's turn. */
const SLICE_BYTES = 8 * 1024;

/** Ours: a peer that asks for all routes without end would be sent them without end, and this thread has others to serve. */
const REFRESH_INTERVAL_MS = 1_000;

/**
 * One peer: drives its session machine with what its connections and the time tell, and its connections with what the machine wants. Routes
 * are taken from its Adj-RIB-Out as fast as the peer reads them.
 */
export class PeerSession {
  readonly #options: PeerSessionOptions;
  readonly #machine: SessionMachine;
  readonly #routes = createAdjRibOut();
  readonly #connections: PeerConnections;
  readonly #events: SessionEvent[] = [];
  #peer: WantedPeer;
  #isBusy = false;
  #isOver = false;
  #nextId = 0;
  #timer: { readonly dueMs: number; readonly timeout: NodeJS.Timeout } | null = null;
  #established: { readonly connection: ConnectionId; readonly negotiated: Negotiated } | null = null;
  #lastEnds: ConnectionEnds | null = null;
  #isWritable = true;
  /** What this session is to have was said: End-of-RIB before that would say that there is nothing. */
  #isTold = false;
  #pumping: NodeJS.Immediate | null = null;
  /** Runs for a while after routes were asked for again. */
  #refreshTimer: NodeJS.Timeout | null = null;
  /** Asked for meanwhile. */
  readonly #refreshes = new Set<AddressFamily>();
  #toldError = '';
  #isBfdUp: boolean | null = null;

  constructor(options: PeerSessionOptions) {
    this.#options = options;
    this.#peer = options.peer;
    const { hostName, restarting, random } = options;
    const current = (): WantedPeer => this.#peer;
    // The machine looks at the peer each time it needs it, so that what needs no new session counts from now on.
    this.#machine = createSessionMachine({ get peer() { return current(); }, hostName, restarting, random });
    this.#connections = createPeerConnections({
      connected: (id, ends) => {
        this.#lastEnds = ends;
        this.#tell({ type: 'connected', connection: id, ends });
      },
      octets: (id, octets) => this.#tell({ type: 'octets', connection: id, octets }),
      writable: (id, writable) => this.#setWritable(id, writable),
      closed: (id, reason, wasConnected) => this.#tell({ type: wasConnected ? 'closed' : 'connectFailed', connection: id, reason }),
    });
  }

  get peer(): WantedPeer {
    return this.#peer;
  }

  get routes(): SentRoutes {
    return this.#routes;
  }

  /** While it is Established. */
  negotiated(): Negotiated | null {
    return this.#established?.negotiated ?? null;
  }

  /** Of the connection that was there last. */
  lastEnds(): ConnectionEnds | null {
    return this.#lastEnds;
  }

  view(): SessionView {
    return this.#machine.view(this.#options.now());
  }

  start(): void {
    this.#tell({ type: 'start' });
  }

  /** A peer that differs in what needs no new session. */
  adopt(peer: WantedPeer): void {
    this.#peer = peer;
  }

  accepted(connection: BgpConnection, ends: ConnectionEnds): ConnectionEvents | null {
    if (this.#isOver) return null;
    const id = this.#nextId;
    this.#nextId += 1;
    const events = this.#connections.take(id, connection);
    this.#tell({ type: 'accepted', connection: id, ends });
    return events;
  }

  /** What the peer is to have. */
  want(routes: OutRoutes): void {
    this.#isTold = true;
    this.#routes.want(routes);
    this.#pump();
  }

  /** True when all that is wanted has been given to the connection. */
  isSent(): boolean {
    return this.#established === null || this.#routes.isEmpty();
  }

  bfd(isUp: boolean): void {
    if (this.#isBfdUp === isUp) return;
    this.#isBfdUp = isUp;
    this.#tell({ type: 'bfd', up: isUp });
  }

  /** There is no BFD session any more: it says nothing against the peer. */
  withoutBfd(): void {
    if (this.#isBfdUp === false) this.bfd(true);
    this.#isBfdUp = null;
  }

  /** Ends it; resolves when its connections are gone. */
  async stop(how: StopHow): Promise<void> {
    this.#tell({ type: 'stop', ...how });
    this.#isOver = true;
    this.#clear();
    await this.#connections.gone();
  }

  /** Ends it without a word, at once. */
  abandon(): void {
    this.#isOver = true;
    this.#clear();
    this.#connections.destroy();
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer.timeout);
    if (this.#refreshTimer !== null) clearTimeout(this.#refreshTimer);
    if (this.#pumping !== null) clearImmediate(this.#pumping);
    this.#timer = null;
    this.#pumping = null;
    this.#established = null;
  }

  /** One event after the other: carrying out what one wants may bring the next. */
  #tell(event: SessionEvent): void {
    if (this.#isOver) return;
    this.#events.push(event);
    if (this.#isBusy) return;
    this.#isBusy = true;
    const before = this.view();
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        for (const effect of this.#machine.handle(next, this.#options.now())) this.#carryOut(effect);
      }
    } finally {
      this.#isBusy = false;
    }
    this.#plan();
    this.#tellChanges(before);
  }

  #carryOut(effect: SessionEffect): void {
    switch (effect.type) {
      case 'connect':
        return this.#connections.open(effect.connection, (events) => this.#options.transport.connect(this.#peer, events));
      case 'send':
        if (!this.#connections.send(effect.connection, effect.octets)) this.#setWritable(effect.connection, false);
        return;
      case 'close': return this.#connections.close(effect.connection);
      case 'established': return this.#enterEstablished(effect.connection, effect.negotiated);
      case 'down': return this.#leaveEstablished(effect.reason);
      case 'refresh':
        this.#refreshes.add(effect.family);
        return this.#refresh();
      case 'endOfRib': return;
    }
  }

  #setWritable(id: ConnectionId, writable: boolean): void {
    if (id === this.#established?.connection) this.#isWritable = writable;
    this.#tell({ type: 'writable', connection: id, writable });
    if (writable) this.#pump();
  }

  #enterEstablished(connection: ConnectionId, negotiated: Negotiated): void {
    this.#established = { connection, negotiated };
    this.#lastEnds = negotiated.ends;
    this.#isWritable = true;
    this.#isTold = false;
    // What was wanted in an earlier session may be wrong in this one: the owner says anew before anything is sent.
    this.#routes.want(new Map());
    this.#routes.reset({ codec: codecOptions(negotiated), enhancedRouteRefresh: negotiated.enhancedRouteRefresh });
    this.#options.established();
    this.#emit(true, 'Established');
  }

  #leaveEstablished(reason: string): void {
    this.#established = null;
    this.#refreshes.clear();
    this.#emit(false, reason);
  }

  #emit(up: boolean, reason: string): void {
    const { name, remote } = this.#peer;
    this.#options.event({
      type: 'bgpPeer', peer: name, remote: this.#lastEnds?.remoteAddress ?? (remote.type === 'address' ? remote.address : remote.interface),
      up, reason, atMs: this.#options.now().wallMs,
    });
  }

  #pump(): void {
    if (this.#established !== null && this.#isTold && !this.#routes.isEmpty()) this.#pumping ??= setImmediate(() => this.#sendRoutes());
  }

  #refresh(): void {
    if (this.#refreshTimer !== null || this.#refreshes.size === 0) return;
    for (const family of this.#refreshes) this.#routes.refresh(family);
    this.#refreshes.clear();
    this.#refreshTimer = setTimeout(() => {
      this.#refreshTimer = null;
      this.#refresh();
    }, REFRESH_INTERVAL_MS);
    this.#pump();
  }

  /** A slice per turn of the event loop, while the peer reads. */
  #sendRoutes(): void {
    this.#pumping = null;
    const connection = this.#established?.connection;
    if (connection === undefined) return;
    for (let octets = 0; octets < SLICE_BYTES && this.#isWritable;) {
      const message = this.#routes.next();
      if (message === null) break;
      octets += message.octets.length;
      this.#machine.countUpdates(message.type === 'update' ? message.messages : 0, message.octets.length, this.#options.now());
      if (!this.#connections.send(connection, message.octets)) this.#setWritable(connection, false);
    }
    this.#plan();
    this.#options.changed();
    if (this.#isWritable) this.#pump();
  }

  #plan(): void {
    const dueMs = this.#machine.dueMs();
    if (this.#isOver || dueMs === this.#timer?.dueMs) return;
    if (this.#timer !== null) clearTimeout(this.#timer.timeout);
    this.#timer = null;
    if (dueMs === null) return;
    const delayMs = Math.ceil(Math.max(0, dueMs - this.#options.now().monotonicMs));
    const timeout = setTimeout(() => {
      this.#timer = null;
      this.#tell({ type: 'tick' });
    }, delayMs);
    this.#timer = { dueMs, timeout };
  }

  #tellChanges(before: SessionView): void {
    const { state, lastError } = this.view();
    if (state !== before.state || lastError !== before.lastError) this.#options.changed();
    const text = lastError?.text ?? '';
    if (state === 'Established') this.#toldError = '';
    // The end of a session is an event, and many attempts fail alike: that is said once.
    if (before.state === 'Established' || text === '' || text === this.#toldError || lastError === before.lastError) return;
    this.#toldError = text;
    this.#options.logger.warn('a BGP session cannot be begun; trying again', { peer: this.#peer.name, reason: text });
  }
}
