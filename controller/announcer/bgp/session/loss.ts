import type { BgpFault, NotificationMessage } from '../codec/message.ts';
import { notificationOf } from '../codec/notification.ts';
import type { SessionError } from './sessionEvents.ts';
import type { Connection, Session } from './session.ts';
import { retryPauseMs, STABLE_MS } from './timings.ts';
import { sendMessage } from './wire.ts';
import { closedByUs } from './words.ts';

/** How a connection ended: by a fault or a NOTIFICATION of either side, without one, or before it was there. */
export type LossKind = 'fault' | 'closed' | 'notConnected';

export interface Loss {
  readonly kind: LossKind;
  /** In words for people. */
  readonly text: string;
  readonly notification: SessionError['notification'];
}

/** A fault is found: the peer is told, and the connection closed (RFC 4271 section 6). */
export function failConnection(session: Session, connection: Connection, fault: BgpFault): void {
  const { code, subcode } = fault;
  closeConnection(session, connection, notificationOf(fault));
  loseConnection(session, connection, { kind: 'fault', text: closedByUs(fault), notification: { direction: 'sent', fault: { code, subcode } } });
}

/** Closes a connection from this side, with a last word where it is there and one is given. It still is the session's: lose or forget it. */
export function closeConnection(session: Session, connection: Connection, notification: NotificationMessage | null): void {
  if (notification !== null && connection.phase !== 'Connecting') sendMessage(session, connection, notification);
  session.effects.push({ type: 'close', connection: connection.id });
}

/** Closes one of two that is not needed: no error, and nobody is told but the peer. */
export function discardConnection(session: Session, connection: Connection, notification: NotificationMessage): void {
  closeConnection(session, connection, notification);
  forgetConnection(session, connection);
}

/** A connection is over that was closed, by whomever: what it means for the session. */
export function loseConnection(session: Session, connection: Connection, loss: Loss): void {
  const { phase } = connection;
  keepError(session, loss, phase === 'Established');
  if (phase === 'Established') leaveEstablished(session, connection, loss);
  forgetConnection(session, connection);
  if (session.connections.length > 0) keepTrying(session);
  else if (loss.kind === 'fault' || phase === 'OpenConfirm' || phase === 'Established') pause(session, 'idle');
  else pause(session, 'retry');
}

/** `the peer has reset it` says less than the NOTIFICATION that came before it: what tells why is said on as long as no session comes up. */
function keepError(session: Session, { text, notification }: Loss, wasEstablished: boolean): void {
  const { cause, now } = session;
  if (notification !== null || wasEstablished) session.cause = { atMs: now.wallMs, text, notification };
  session.lastError = session.cause === null || session.cause !== cause
    ? { atMs: now.wallMs, text, notification }
    : { atMs: now.wallMs, text: `${session.cause.text}; now: ${text}`, notification: session.cause.notification };
}

/** The session is over: told to the shell, and its length counts when the next pause is chosen. */
export function leaveEstablished(session: Session, connection: Connection, { kind, text }: Pick<Loss, 'kind' | 'text'>): void {
  session.effects.push({ type: 'down', reason: text });
  session.offerLevel = 'all';
  if (session.now.monotonicMs - connection.phaseSinceMs >= STABLE_MS) session.failures = 0;
  if (kind !== 'fault') return;
  // A peer with faults is not to go on at once over a second connection that it has kept ready.
  for (const other of session.connections.filter((each) => each !== connection)) {
    closeConnection(session, other, null);
    forgetConnection(session, other);
  }
}

/** It is the session's no more. */
export function forgetConnection(session: Session, connection: Connection): void {
  session.connections = session.connections.filter((other) => other !== connection);
}

/** Another connection is there, but not ready: it may hang, so this side tries as well after a while. */
export function keepTrying(session: Session): void {
  const isReady = session.connections.some(({ phase }) => phase === 'OpenConfirm' || phase === 'Established');
  const hasOutgoing = session.connections.some(({ direction }) => direction === 'outgoing');
  if (!isReady && !hasOutgoing) waitToRetry(session);
}

/** After a failure: nothing for a while, longer each time. RFC 4271 section 8.1.1: DampPeerOscillations with IdleHoldTimer, or ConnectRetryTimer. */
function pause(session: Session, type: 'idle' | 'retry'): void {
  session.failures += 1;
  if (type === 'retry') return waitToRetry(session);
  session.wait = { type, untilMs: session.now.monotonicMs + pauseMs(session) };
}

/** A pause that has begun is not made longer; one who is passive waits for the peer alone. */
function waitToRetry(session: Session): void {
  if (session.options.peer.connect === 'passive' || session.wait !== null) return;
  session.wait = { type: 'retry', untilMs: session.now.monotonicMs + pauseMs(session) };
}

function pauseMs({ failures, options }: Session): number {
  return retryPauseMs(failures, options.peer, options.random);
}
