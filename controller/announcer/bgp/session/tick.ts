import { ERROR } from '../codec/errorCodes.ts';
import { closeConnection, failConnection, loseConnection } from './loss.ts';
import { beginConnecting, sendOpen } from './opening.ts';
import { isOpen, startTimer, type Connection, type Session, type TimerName } from './session.ts';
import { CONNECT_TIMEOUT_MS, LATE_GRACE_MS, LATE_MS, sendHoldMs } from './timings.ts';
import { keepaliveMsOf, sendKeepalive } from './wire.ts';
import { silentPeer } from './words.ts';

/** Does what is due. */
export function tick(session: Session): void {
  for (const connection of session.connections) {
    for (const [name, dueMs] of connection.timers) {
      if (dueMs <= session.now.monotonicMs && isOpen(session, connection)) expire(session, connection, { name, dueMs });
    }
  }
  if (session.wait !== null && session.wait.untilMs <= session.now.monotonicMs) beginConnecting(session);
}

/** When something is due next, monotonic; null: nothing is. */
export function nextDueMs({ connections, wait }: Session): number | null {
  const due = connections.flatMap(({ timers }) => [...timers.values()]);
  if (wait !== null) due.push(wait.untilMs);
  return due.length === 0 ? null : Math.min(...due);
}

/**
 * The connection takes octets again, or none for now: then the SendHoldTimer runs, as what was sent before still waits; but not in a session
 * without hold time (RFC 9687 section 4.3).
 */
export function setWritable(session: Session, connection: Connection, writable: boolean): void {
  if (connection.isWritable === writable) return;
  connection.isWritable = writable;
  if (!writable) {
    if (connection.negotiated?.holdTimeMs === 0) return;
    startTimer(session, connection, { name: 'sendHold', ms: sendHoldMs(connection.negotiated?.holdTimeMs ?? 0) });
    return;
  }
  connection.timers.delete('sendHold');
  const isKeepaliveMissed = keepaliveMsOf(session, connection) > 0 && !connection.timers.has('keepalive');
  if (isKeepaliveMissed) sendKeepalive(session, connection);
}

function expire(session: Session, connection: Connection, { name, dueMs }: { readonly name: TimerName; readonly dueMs: number }): void {
  connection.timers.delete(name);
  switch (name) {
    case 'connect':
      return connectTimedOut(session, connection);
    case 'delayOpen':
      return sendOpen(session, connection);
    case 'hold':
      return holdExpired(session, connection, dueMs);
    case 'keepalive':
      // What waits to be sent keeps the session alive as well as a KEEPALIVE behind it would.
      return connection.isWritable ? sendKeepalive(session, connection) : undefined;
    case 'sendHold':
      return sendHoldExpired(session, connection);
  }
}

function connectTimedOut(session: Session, connection: Connection): void {
  closeConnection(session, connection, null);
  const text = `no connection: no answer within ${CONNECT_TIMEOUT_MS / 1_000} s`;
  loseConnection(session, connection, { kind: 'notConnected', text, notification: null });
}

/** Looked at late, the peer is heard first: its messages may wait in the socket since this process was kept from running. */
function holdExpired(session: Session, connection: Connection, dueMs: number): void {
  if (session.now.monotonicMs - dueMs >= LATE_MS && !connection.isGivenGrace) {
    connection.isGivenGrace = true;
    startTimer(session, connection, { name: 'hold', ms: LATE_GRACE_MS });
    return;
  }
  const { negotiated, lastHeardMs, phaseSinceMs } = connection;
  const text = negotiated === null ? 'the peer has sent no OPEN' : silentPeer(negotiated.holdTimeMs, lastHeardMs - phaseSinceMs);
  failConnection(session, connection, { code: ERROR.holdTimerExpired, subcode: 0, data: new Uint8Array(0), text });
}

function sendHoldExpired(session: Session, connection: Connection): void {
  const minutes = Math.round(sendHoldMs(connection.negotiated?.holdTimeMs ?? 0) / 60_000);
  const text = `the peer has taken nothing that was sent to it for ${minutes} minutes`;
  failConnection(session, connection, { code: ERROR.sendHoldTimerExpired, subcode: 0, data: new Uint8Array(0), text });
}
