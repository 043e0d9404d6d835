import type { MessageFramer } from '../codec/framer.ts';
import type { CodecOptions, OpenMessage } from '../codec/message.ts';
import type { OfferLevel } from './openOffer.ts';
import type {
  ConnectionEnds, ConnectionId, MessageCounts, Moment, Negotiated, SessionEffect, SessionError, SessionOptions, SessionState,
} from './sessionEvents.ts';

/** Where a connection is. RFC 4271 section 8.2.1 has an FSM for each; `DelayOpen` is its Connect or Active with the DelayOpenTimer. */
export type Phase = 'Connecting' | 'DelayOpen' | 'OpenSent' | 'OpenConfirm' | 'Established';

/** Timers of a connection; `connect` gives up an attempt, `sendHold` is that of RFC 9687. */
export type TimerName = 'connect' | 'delayOpen' | 'hold' | 'keepalive' | 'sendHold';

/** One connection to or from the peer. */
export interface Connection {
  readonly id: ConnectionId;
  /** `outgoing`: this side has opened it. */
  readonly direction: 'outgoing' | 'incoming';
  readonly framer: MessageFramer;
  phase: Phase;
  /** When `phase` began, monotonic. */
  phaseSinceMs: number;
  ends: ConnectionEnds;
  /** Our OPEN, sent or to be sent; null before there is a connection. */
  offered: OpenMessage | null;
  /** From OpenConfirm on. */
  negotiated: Negotiated | null;
  codec: CodecOptions;
  /** By timer: when it expires, monotonic. Those that do not run are not in it. */
  readonly timers: Map<TimerName, number>;
  isWritable: boolean;
  /** When the peer was last heard, in OpenConfirm and Established; monotonic. */
  lastHeardMs: number;
  /** When a KEEPALIVE was last sent, monotonic. */
  lastKeepaliveMs: number;
  /** The peer was given more time, as this process was late itself; until something is heard of it. */
  isGivenGrace: boolean;
}

/** What a session waits for before it connects again. `idle`: the peer is not heard either (IdleHoldTimer); `retry`: it is (ConnectRetryTimer). */
export interface Wait {
  readonly type: 'idle' | 'retry';
  readonly untilMs: number;
}

/** Counters that go up. */
export type RunningCounts = { -readonly [Name in keyof MessageCounts]: number };

/** All that a machine knows: of one peer, with at most two connections. */
export interface Session {
  readonly options: SessionOptions;
  /** Of the event that is being handled. */
  now: Moment;
  effects: SessionEffect[];
  /** There is to be a session. */
  isWanted: boolean;
  /** What the peer was told when it was stopped, and is told when it connects; null: nothing. */
  shutdownText: string | null;
  /** At most two, the older one first. */
  connections: readonly Connection[];
  wait: Wait | null;
  /** In a row: without a session that lasted. */
  failures: number;
  offerLevel: OfferLevel;
  /** As BFD has said; null: nothing yet. */
  isBfdUp: boolean | null;
  /** BFD is down: until then this side does not connect by itself, monotonic; null: it may. */
  bfdWaitUntilMs: number | null;
  /** Connections asked for so far. */
  connects: number;
  state: SessionState;
  stateSinceMs: number;
  established: number;
  /** As the peer's last OPEN says; null: none has come. */
  remoteAsn: number | null;
  readonly sent: RunningCounts;
  readonly received: RunningCounts;
  prefixesReceived: number;
  updateFaults: number;
  lastUpdateFault: string | null;
  lastError: SessionError | null;
  /** What ended the last session or told why there can be none, while attempts fail that tell nothing. */
  cause: SessionError | null;
}

/** A session that nobody has started. */
export function newSession(options: SessionOptions): Session {
  return {
    options,
    now: { monotonicMs: 0, wallMs: 0 },
    effects: [],
    isWanted: false,
    shutdownText: options.peer.shutdown,
    connections: [],
    wait: null,
    failures: 0,
    offerLevel: 'all',
    isBfdUp: null,
    bfdWaitUntilMs: null,
    connects: 0,
    state: 'Idle',
    stateSinceMs: 0,
    established: 0,
    remoteAsn: null,
    sent: noCounts(),
    received: noCounts(),
    prefixesReceived: 0,
    updateFaults: 0,
    lastUpdateFault: null,
    lastError: null,
    cause: null,
  };
}

function noCounts(): RunningCounts {
  return { open: 0, update: 0, notification: 0, keepalive: 0, routeRefresh: 0, octets: 0 };
}

/** The connection of that number; null: it is over, or never was. */
export function findConnection(session: Session, id: ConnectionId): Connection | null {
  return session.connections.find((connection) => connection.id === id) ?? null;
}

/** The one that routes go over; null: none. */
export function establishedConnection(session: Session): Connection | null {
  return session.connections.find(({ phase }) => phase === 'Established') ?? null;
}

/** True until it is closed, by whomever. */
export function isOpen(session: Session, connection: Connection): boolean {
  return session.connections.includes(connection);
}

/** Moves a connection on. */
export function enterPhase(session: Session, connection: Connection, phase: Phase): void {
  connection.phase = phase;
  connection.phaseSinceMs = session.now.monotonicMs;
}

/** Starts a timer, or starts it anew. */
export function startTimer(session: Session, connection: Connection, timer: { readonly name: TimerName; readonly ms: number }): void {
  connection.timers.set(timer.name, session.now.monotonicMs + timer.ms);
}

/** The state that people see: of the connection that is furthest on, else of the session. */
export function sessionState(session: Session): SessionState {
  const has = (phase: Phase, direction?: Connection['direction']): boolean => session.connections
    .some((connection) => connection.phase === phase && (direction === undefined || connection.direction === direction));
  if (!session.isWanted) return 'Idle';
  if (has('Established')) return 'Established';
  if (has('OpenConfirm')) return 'OpenConfirm';
  if (has('OpenSent')) return 'OpenSent';
  if (has('Connecting') || has('DelayOpen', 'outgoing')) return 'Connect';
  return session.wait?.type === 'idle' && session.connections.length === 0 ? 'Idle' : 'Active';
}
