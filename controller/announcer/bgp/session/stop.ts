import { CEASE } from '../codec/errorCodes.ts';
import type { NotificationMessage } from '../codec/message.ts';
import { ceaseNotification, describeNotification, hardReset } from '../codec/notification.ts';
import { closeConnection, forgetConnection, leaveEstablished, loseConnection } from './loss.ts';
import { beginConnecting } from './opening.ts';
import { establishedConnection, type Connection, type Session } from './session.ts';
import type { SessionEvent } from './sessionEvents.ts';
import { BFD_WAIT_MS } from './timings.ts';

type StopEvent = Extract<SessionEvent, { readonly type: 'stop' }>;

/** AutomaticStart (RFC 4271 section 8.1.2), for those that are not to be shut down. */
export function start(session: Session): void {
  const { peer } = session.options;
  session.shutdownText = peer.shutdown;
  if (session.isWanted || peer.shutdown !== null) return;
  session.isWanted = true;
  session.failures = 0;
  session.offerLevel = 'all';
  beginConnecting(session);
}

/** ManualStop (RFC 4271 section 8.1.2): nothing more until `start`. */
export function stop(session: Session, event: StopEvent): void {
  session.isWanted = false;
  session.wait = null;
  session.bfdWaitUntilMs = null;
  session.shutdownText = event.how === 'shutdown' ? event.text : null;
  for (const connection of session.connections) endConnection(session, connection, event);
}

function endConnection(session: Session, connection: Connection, event: StopEvent): void {
  const word = lastWord(event);
  const isHard = event.hard && (connection.negotiated?.gracefulRestart?.notification ?? false);
  const sent = word !== null && isHard ? hardReset(word) : word;
  // Before the OPEN there is nothing to be ended by a NOTIFICATION (RFC 4271 section 8.2.2, Connect and Active).
  closeConnection(session, connection, connection.phase === 'DelayOpen' ? null : sent);
  const text = sent === null ? 'this side has left without a word, to come back' : `this side has ended it: ${describeNotification(sent)}`;
  session.lastError = {
    atMs: session.now.wallMs,
    text,
    notification: sent === null ? null : { direction: 'sent', fault: { code: sent.code, subcode: sent.subcode } },
  };
  if (connection.phase === 'Established') leaveEstablished(session, connection, { kind: 'closed', text });
  forgetConnection(session, connection);
}

function lastWord({ how, text }: StopEvent): NotificationMessage | null {
  switch (how) {
    case 'shutdown':
      return ceaseNotification(CEASE.administrativeShutdown, text);
    case 'reset':
      return ceaseNotification(CEASE.administrativeReset, text);
    case 'deconfigured':
      return ceaseNotification(CEASE.peerDeconfigured);
    case 'silent':
      return null;
  }
}

/**
 * News of BFD. Only a BFD session that was up and goes down ends a BGP session (RFC 5882 section 4.2): as long as it was not up, the peer may
 * not speak BFD at all, or not before BGP. After it, this side does not connect until BFD is up, or for some seconds: the peer may take its BFD
 * session down with that of BGP, and up again not before it. A peer that connects by itself is heard after the usual pause. What forwarding
 * is broken for is not to be kept: where NOTIFICATIONs leave routes in place, it is a Hard Reset (RFC 8538).
 */
export function bfdChanged(session: Session, isUp: boolean): void {
  const wasUp = session.isBfdUp;
  session.isBfdUp = isUp;
  if (isUp) return reachableAgain(session);
  if (wasUp !== true || !session.isWanted) return;
  const established = establishedConnection(session);
  if (established === null) return;
  session.bfdWaitUntilMs = session.now.monotonicMs + BFD_WAIT_MS;
  const sent = ceaseNotification(CEASE.bfdDown);
  const isHard = established.negotiated?.gracefulRestart?.notification ?? false;
  closeConnection(session, established, isHard ? hardReset(sent) : sent);
  loseConnection(session, established, {
    kind: 'fault',
    text: 'BFD says that the peer cannot be reached: look at the link and at the peer\'s BFD session (sent: Cease/BFD Down)',
    notification: { direction: 'sent', fault: { code: sent.code, subcode: sent.subcode } },
  });
}

function reachableAgain(session: Session): void {
  const isWaiting = session.bfdWaitUntilMs !== null && session.wait?.type === 'retry';
  session.bfdWaitUntilMs = null;
  if (isWaiting) beginConnecting(session);
}
