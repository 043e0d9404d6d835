import { CEASE } from '../codec/errorCodes.ts';
import { createMessageFramer } from '../codec/framer.ts';
import { PLAIN_CODEC, type NotificationMessage } from '../codec/message.ts';
import { ceaseNotification } from '../codec/notification.ts';
import { closeConnection, discardConnection } from './loss.ts';
import { mayRestart } from './negotiate.ts';
import { openOffer } from './openOffer.ts';
import { enterPhase, establishedConnection, startTimer, type Connection, type Session } from './session.ts';
import type { ConnectionEnds, ConnectionId } from './sessionEvents.ts';
import { CONNECT_TIMEOUT_MS, LARGE_HOLD_MS, LEAST_KEEPALIVE_MS, pauseLimitMs } from './timings.ts';
import { sendKeepalive, sendMessage } from './wire.ts';

/** Before there are any. */
const NO_ENDS: ConnectionEnds = { localAddress: '', remoteAddress: '' };

/** The pause is over, or there was none: this side connects, where it is to. */
export function beginConnecting(session: Session): void {
  session.wait = null;
  if (session.options.peer.connect === 'passive' || session.connections.some(({ direction }) => direction === 'outgoing')) return;
  if (session.bfdWaitUntilMs !== null && session.bfdWaitUntilMs > session.now.monotonicMs) {
    session.wait = { type: 'retry', untilMs: session.bfdWaitUntilMs };
    return;
  }
  session.bfdWaitUntilMs = null;
  session.connects += 1;
  // Those of the shell count upwards from 0: no number of ours is ever one of them.
  const connection = newConnection(session, -session.connects, 'outgoing');
  session.connections = [...session.connections, connection];
  startTimer(session, connection, { name: 'connect', ms: CONNECT_TIMEOUT_MS });
  session.effects.push({ type: 'connect', connection: connection.id });
}

/** The connection that was asked for is there. */
export function connectionMade(session: Session, connection: Connection, ends: ConnectionEnds): void {
  connection.timers.delete('connect');
  connection.ends = ends;
  connection.offered = openOffer(session.options, ends, {
    level: session.offerLevel,
    restarting: session.options.restarting && session.established === 0,
  });
  const { delayOpenMs } = session.options.peer;
  if (delayOpenMs === 0) return sendOpen(session, connection);
  enterPhase(session, connection, 'DelayOpen');
  startTimer(session, connection, { name: 'delayOpen', ms: delayOpenMs });
}

/** OPEN is sent, and that of the peer waited for, long (RFC 4271 section 8.2.2). */
export function sendOpen(session: Session, connection: Connection): void {
  connection.timers.delete('delayOpen');
  if (connection.offered !== null) sendMessage(session, connection, connection.offered);
  enterPhase(session, connection, 'OpenSent');
  startTimer(session, connection, { name: 'hold', ms: LARGE_HOLD_MS });
}

/** The peer has connected: its connection is taken, or closed, as a rule with a word why (RFC 4486 section 4). */
export function acceptConnection(session: Session, id: ConnectionId, ends: ConnectionEnds): void {
  const connection = newConnection(session, id, 'incoming');
  connection.ends = ends;
  enterPhase(session, connection, 'DelayOpen');
  // Without a word, as one pause is not to be the reason for another, longer one on the other side: many wait for minutes after any Cease.
  if (session.wait?.type === 'idle') return closeConnection(session, connection, null);
  const refusal = refusalOf(session);
  if (refusal !== null) return closeConnection(session, connection, refusal);
  // One without OPEN so far that is older is the less likely to live: its other end may have died without a word.
  for (const older of session.connections.filter(({ direction, phase }) => direction === 'incoming' && phase !== 'Established')) {
    discardConnection(session, older, ceaseNotification(CEASE.connectionCollisionResolution));
  }
  session.connections = [...session.connections, connection];
  connectionMade(session, connection, ends);
}

/** What a peer that connects now is told; null: it is welcome. */
function refusalOf(session: Session): NotificationMessage | null {
  const { isWanted, shutdownText, options } = session;
  if (!isWanted && shutdownText !== null) return ceaseNotification(CEASE.administrativeShutdown, shutdownText);
  if (!isWanted || options.peer.connect === 'active') return ceaseNotification(CEASE.connectionRejected);
  const established = establishedConnection(session);
  const isTaken = established === null
    ? session.connections.some(({ direction, phase }) => direction === 'incoming' && phase === 'OpenConfirm')
    : !mayBeReplaced(session, established);
  return isTaken ? ceaseNotification(CEASE.connectionCollisionResolution) : null;
}

/**
 * A second connection while there is a session is a collision (RFC 4271 section 6.8), but a peer that keeps routes through restarts may have
 * restarted (RFC 4724 section 5): it is heard, though not more often than any peer that flaps. Of others the old connection is asked for a
 * sign of life: the system of a peer that has restarted answers with a reset.
 */
function mayBeReplaced(session: Session, established: Connection): boolean {
  const { negotiated, phaseSinceMs, lastKeepaliveMs } = established;
  const nowMs = session.now.monotonicMs;
  const isSettled = nowMs - phaseSinceMs >= pauseLimitMs(session.failures + 1, session.options.peer);
  if (negotiated !== null && mayRestart(negotiated) && isSettled) return true;
  if (nowMs - lastKeepaliveMs >= LEAST_KEEPALIVE_MS && established.isWritable) sendKeepalive(session, established);
  return false;
}

function newConnection(session: Session, id: ConnectionId, direction: Connection['direction']): Connection {
  return {
    id,
    direction,
    framer: createMessageFramer(PLAIN_CODEC),
    phase: 'Connecting',
    phaseSinceMs: session.now.monotonicMs,
    ends: NO_ENDS,
    offered: null,
    negotiated: null,
    codec: PLAIN_CODEC,
    timers: new Map(),
    isWritable: true,
    lastHeardMs: 0,
    lastKeepaliveMs: 0,
    isGivenGrace: false,
  };
}
