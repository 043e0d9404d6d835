import { CEASE } from '../codec/errorCodes.ts';
import type { OpenMessage } from '../codec/message.ts';
import { ceaseNotification } from '../codec/notification.ts';
import { closeConnection, discardConnection, forgetConnection, keepTrying, leaveEstablished } from './loss.ts';
import { mayRestart } from './negotiate.ts';
import type { Connection, Session } from './session.ts';
import { COLLISION_WINDOW_MS } from './timings.ts';

/** A speaker as collisions look at it. */
type Speaker = Pick<OpenMessage, 'routerId' | 'asn'>;

/**
 * True when this side's connections outlive the peer's: its BGP Identifier is the greater one (RFC 4271 section 6.8), or its AS number where
 * those are equal (RFC 6286 section 2.3).
 */
export function isDominant(local: Speaker, remote: Speaker): boolean {
  const difference = identifierNumber(local.routerId) - identifierNumber(remote.routerId);
  return difference === 0 ? local.asn > remote.asn : difference > 0;
}

/**
 * A valid OPEN has come in on a connection: with another one there, one of both is closed. Answers whether this one is still open.
 *
 * Connections without an OPEN take part while they are young, as RFC 4271 section 6.8 allows: that both are of one peer is known. Else one
 * side could become Established on a connection that the other is about to close.
 */
export function resolveCollision(session: Session, connection: Connection, received: OpenMessage): boolean {
  const { routerId, localAsn } = session.options.peer;
  const surviving = isDominant({ routerId, asn: localAsn }, received) ? 'outgoing' : 'incoming';
  for (const other of session.connections.filter((each) => each !== connection)) {
    if (other.phase === 'Established') {
      if (other.negotiated === null || !mayRestart(other.negotiated)) return giveUp(session, connection);
      replace(session, other);
      continue;
    }
    const isOtherReal = other.phase === 'OpenConfirm' || isYoung(session, other);
    if (surviving === connection.direction || (other.phase !== 'Connecting' && !isOtherReal)) {
      discardConnection(session, other, ceaseNotification(CEASE.connectionCollisionResolution));
    } else if (other.phase !== 'Connecting') {
      return giveUp(session, connection);
    }
  }
  return true;
}

/** There is a session: what else there is of connections is not needed. */
export function closeOthers(session: Session, connection: Connection): void {
  for (const other of session.connections.filter((each) => each !== connection)) {
    discardConnection(session, other, ceaseNotification(CEASE.connectionCollisionResolution));
  }
}

function giveUp(session: Session, connection: Connection): false {
  closeConnection(session, connection, ceaseNotification(CEASE.connectionCollisionResolution));
  forgetConnection(session, connection);
  keepTrying(session);
  return false;
}

/** The peer has restarted: its old connection is dead, and closed without a NOTIFICATION (RFC 4724 section 5). */
function replace(session: Session, old: Connection): void {
  const text = 'the peer has restarted: it has connected anew';
  session.lastError = { atMs: session.now.wallMs, text, notification: null };
  closeConnection(session, old, null);
  leaveEstablished(session, old, { kind: 'closed', text });
  session.failures += 1;
  forgetConnection(session, old);
}

function isYoung(session: Session, connection: Connection): boolean {
  return session.now.monotonicMs - connection.phaseSinceMs < COLLISION_WINDOW_MS;
}

function identifierNumber(routerId: string): number {
  return routerId.split('.').reduce((number, octet) => number * 256 + Number(octet), 0);
}
