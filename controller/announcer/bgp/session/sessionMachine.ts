import { loseConnection } from './loss.ts';
import { acceptConnection, connectionMade } from './opening.ts';
import { receiveOctets } from './receive.ts';
import { establishedConnection, findConnection, newSession, sessionState, type Connection, type Session } from './session.ts';
import type { Moment, SessionEvent, SessionMachine, SessionOptions, SessionView } from './sessionEvents.ts';
import { bfdChanged, start, stop } from './stop.ts';
import { nextDueMs, setWritable, tick } from './tick.ts';
import { planKeepalive } from './wire.ts';
import { brokenOff } from './words.ts';

/**
 * The FSM of one peer (RFC 4271 section 8). Idle until `start`. Numbers of connections that it asks for are negative; the shell numbers those
 * that it accepts from 0 upwards. Throws nothing, whatever comes; events of connections that are over are passed over.
 */
export function createSessionMachine(options: SessionOptions): SessionMachine {
  const session = newSession(options);
  return {
    handle(event, now) {
      session.now = now;
      session.effects = [];
      handle(session, event);
      noteState(session);
      return session.effects;
    },
    dueMs: () => nextDueMs(session),
    view: (now) => view(session, now),
    countUpdates(messages, octets, now) {
      session.now = now;
      session.sent.update += messages;
      session.sent.octets += octets;
      const established = establishedConnection(session);
      if (established?.timers.has('keepalive') === true) planKeepalive(session, established);
    },
  };
}

function handle(session: Session, event: SessionEvent): void {
  switch (event.type) {
    case 'start':
      return start(session);
    case 'stop':
      return stop(session, event);
    case 'bfd':
      return bfdChanged(session, event.up);
    case 'accepted':
      if (findConnection(session, event.connection) === null) acceptConnection(session, event.connection, event.ends);
      return;
    case 'connected':
    case 'connectFailed':
    case 'octets':
    case 'closed':
    case 'writable':
      return handleConnection(session, event);
    case 'tick':
      return tick(session);
  }
}

type ConnectionEvent = Extract<SessionEvent, { readonly type: 'connected' | 'connectFailed' | 'octets' | 'closed' | 'writable' }>;

function handleConnection(session: Session, event: ConnectionEvent): void {
  const connection = findConnection(session, event.connection);
  if (connection === null) return;
  const isConnecting = connection.phase === 'Connecting';
  switch (event.type) {
    case 'connected':
      return isConnecting ? connectionMade(session, connection, event.ends) : undefined;
    case 'octets':
      return isConnecting ? undefined : receiveOctets(session, connection, event.octets);
    case 'connectFailed':
    case 'closed':
      return connectionEnded(session, connection, event.reason);
    case 'writable':
      return setWritable(session, connection, event.writable);
  }
}

/** TcpConnectionFails (RFC 4271 section 8.1.4), before it was there or after. */
function connectionEnded(session: Session, connection: Connection, reason: string): void {
  if (connection.phase === 'Connecting') {
    return loseConnection(session, connection, { kind: 'notConnected', text: `no connection: ${reason}`, notification: null });
  }
  const text = brokenOff(connection.negotiated !== null, reason, session.options.peer);
  loseConnection(session, connection, { kind: 'closed', text, notification: null });
}

function noteState(session: Session): void {
  const state = sessionState(session);
  if (state === session.state && session.stateSinceMs !== 0) return;
  session.state = state;
  session.stateSinceMs = session.now.wallMs;
}

function view(session: Session, now: Moment): SessionView {
  const { state, stateSinceMs, remoteAsn, sent, received, prefixesReceived, updateFaults, lastUpdateFault, established, lastError, wait } = session;
  const furthest = establishedConnection(session) ?? session.connections.find(({ negotiated }) => negotiated !== null);
  return {
    state,
    sinceMs: stateSinceMs === 0 ? now.wallMs : stateSinceMs,
    negotiated: furthest?.negotiated ?? null,
    remoteAsn,
    sent: { ...sent },
    received: { ...received },
    prefixesReceived,
    updateFaults,
    lastUpdateFault,
    established,
    lastError,
    retryInMs: wait === null ? null : Math.max(0, wait.untilMs - now.monotonicMs),
  };
}
