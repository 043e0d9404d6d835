import { CEASE, ERROR, OPEN_ERROR, STATE_ERROR } from '../codec/errorCodes.ts';
import type { BgpFault, NotificationMessage, OpenMessage, ReceivedMessage, ReceivedUpdate, RouteRefreshMessage } from '../codec/message.ts';
import { capabilityOf } from './capabilitiesOf.ts';
import { closeOthers, resolveCollision } from './collision.ts';
import { closeConnection, failConnection, forgetConnection, keepTrying, loseConnection } from './loss.ts';
import { codecOptions, negotiate } from './negotiate.ts';
import { nextOfferLevel } from './openOffer.ts';
import { sendOpen } from './opening.ts';
import { enterPhase, isOpen, startTimer, type Connection, type Session } from './session.ts';
import { validateOpen } from './validateOpen.ts';
import { sendKeepalive } from './wire.ts';
import { closedByPeer } from './words.ts';

/** Message types on the wire (RFC 4271 section 4.1; RFC 2918 section 3). */
const MESSAGE_TYPES: Readonly<Record<ReceivedMessage['type'], number>> = { open: 1, update: 2, notification: 3, keepalive: 4, routeRefresh: 5 };

/** Types of messages that errors with these codes are about; errors of a header are about none. */
const TYPES_OF_ERRORS: ReadonlyMap<number, ReceivedMessage['type']> = new Map([
  [ERROR.open, 'open'], [ERROR.update, 'update'], [ERROR.routeRefresh, 'routeRefresh'],
]);

/** Octets of a connection: the messages that end in them, until one of them closes it. */
export function receiveOctets(session: Session, connection: Connection, octets: Uint8Array): void {
  session.received.octets += octets.length;
  for (const decoded of connection.framer.messages(octets)) {
    if (!decoded.ok) {
      refuseOctets(session, connection, decoded.fault);
      return;
    }
    session.received[decoded.message.type] += 1;
    connection.isGivenGrace = false;
    receiveMessage(session, connection, decoded.message);
    if (!isOpen(session, connection)) return;
  }
}

function receiveMessage(session: Session, connection: Connection, message: ReceivedMessage): void {
  if (!isExpected(message.type, connection.phase)) return refuseMessage(session, connection, message.type);
  switch (message.type) {
    case 'notification':
      return receiveNotification(session, connection, message);
    case 'open':
      return receiveOpen(session, connection, message);
    case 'keepalive':
      return connection.phase === 'OpenConfirm' ? establish(session, connection) : restartHold(session, connection);
    case 'update':
      return receiveUpdate(session, connection, message);
    case 'routeRefresh':
      return receiveRouteRefresh(session, connection, message);
  }
}

function isExpected(type: ReceivedMessage['type'], phase: Connection['phase']): boolean {
  switch (type) {
    case 'notification':
      return true;
    case 'open':
      return phase === 'DelayOpen' || phase === 'OpenSent';
    case 'keepalive':
      return phase === 'OpenConfirm' || phase === 'Established';
    case 'update':
    case 'routeRefresh':
      return phase === 'Established';
  }
}

/** What has no place in the state is refused for that, whatever else is wrong with it (RFC 4271 section 8.2.2, events 22 and 28). */
function refuseOctets(session: Session, connection: Connection, fault: BgpFault): void {
  const type = TYPES_OF_ERRORS.get(fault.code);
  if (type !== undefined && !isExpected(type, connection.phase)) refuseMessage(session, connection, type);
  else failConnection(session, connection, fault);
}

/** RFC 6608: what the state does not take. */
function refuseMessage(session: Session, connection: Connection, type: ReceivedMessage['type']): void {
  failConnection(session, connection, {
    code: ERROR.finiteStateMachine,
    subcode: unexpectedIn(connection.phase),
    data: Uint8Array.of(MESSAGE_TYPES[type]),
    text: `the peer has sent a message (${type}) that has no place in ${connection.phase}`,
  });
}

function unexpectedIn(phase: Connection['phase']): number {
  switch (phase) {
    case 'Connecting':
    case 'DelayOpen':
      return STATE_ERROR.unspecified;
    case 'OpenSent':
      return STATE_ERROR.openSent;
    case 'OpenConfirm':
      return STATE_ERROR.openConfirm;
    case 'Established':
      return STATE_ERROR.established;
  }
}

/** RFC 4271 section 8.2.2, events 19 and 20: to OpenConfirm, unless something is wrong with it or another connection is kept. */
function receiveOpen(session: Session, connection: Connection, received: OpenMessage): void {
  const { offered, ends } = connection;
  const { peer } = session.options;
  if (offered === null) return;
  session.remoteAsn = received.asn;
  const fault = validateOpen(peer, { offered, received });
  if (fault !== null) return failConnection(session, connection, fault);
  if (!resolveCollision(session, connection, received)) return;
  if (connection.phase === 'DelayOpen') sendOpen(session, connection);
  const negotiated = negotiate({ offered, received }, ends);
  connection.negotiated = negotiated;
  connection.codec = codecOptions(negotiated);
  connection.framer.setOptions(connection.codec);
  enterPhase(session, connection, 'OpenConfirm');
  session.wait = null;
  restartHold(session, connection);
  sendKeepalive(session, connection);
}

function establish(session: Session, connection: Connection): void {
  const { negotiated } = connection;
  if (negotiated === null) return;
  closeOthers(session, connection);
  enterPhase(session, connection, 'Established');
  session.established += 1;
  session.cause = null;
  session.bfdWaitUntilMs = null;
  restartHold(session, connection);
  session.effects.push({ type: 'established', connection: connection.id, negotiated });
}

/** Everything that is heard in a session says that the peer lives; without a hold time nobody waits for it. */
function restartHold(session: Session, connection: Connection): void {
  const holdMs = connection.negotiated?.holdTimeMs ?? 0;
  connection.lastHeardMs = session.now.monotonicMs;
  if (holdMs > 0) startTimer(session, connection, { name: 'hold', ms: holdMs });
  else connection.timers.delete('hold');
}

/** Routes are not taken in: they are counted, and that is all. What RFC 7606 wants put up with is kept for people to see (its section 8). */
function receiveUpdate(session: Session, connection: Connection, { announced, withdrawn, endOfRib, faults }: ReceivedUpdate): void {
  restartHold(session, connection);
  const [fault] = faults;
  if (fault !== undefined) {
    session.updateFaults += 1;
    session.lastUpdateFault = fault.text;
  }
  session.prefixesReceived += announced.ipv4 + announced.ipv6 + withdrawn.ipv4 + withdrawn.ipv6;
  if (endOfRib !== null) session.effects.push({ type: 'endOfRib', family: endOfRib });
}

/** RFC 2918 section 4: of families that are spoken, from whom it was offered to; whether the peer offers it as well is another matter. */
function receiveRouteRefresh(session: Session, connection: Connection, { family, subtype }: RouteRefreshMessage): void {
  restartHold(session, connection);
  const { negotiated, offered } = connection;
  if (subtype !== 'request' || family === null || negotiated === null || offered === null) return;
  const isOffered = capabilityOf(offered, 'routeRefresh') !== null;
  if (isOffered && negotiated.families.includes(family)) session.effects.push({ type: 'refresh', family });
}

/** Never answered, whatever is in it (RFC 4271 section 6.4). */
function receiveNotification(session: Session, connection: Connection, notification: NotificationMessage): void {
  const { code, subcode } = notification;
  const { peer } = session.options;
  closeConnection(session, connection, null);
  if (isCollision(notification) && session.connections.length > 1 && connection.phase !== 'Established') {
    // The other connection goes on: nothing is wrong.
    forgetConnection(session, connection);
    return keepTrying(session);
  }
  if (connection.phase !== 'Established' && refusesOffer(notification)) session.offerLevel = nextOfferLevel(session.offerLevel, peer);
  // A peer that ends it before its OPEN has its own reasons to wait: it is heard when it comes, else both could wait for each other in turns.
  const kind = code === ERROR.cease && connection.negotiated === null ? 'closed' : 'fault';
  loseConnection(session, connection, {
    kind, text: closedByPeer(notification, peer), notification: { direction: 'received', fault: { code, subcode } },
  });
}

function isCollision({ code, subcode }: NotificationMessage): boolean {
  return code === ERROR.cease && subcode === CEASE.connectionCollisionResolution;
}

/** Old peers refuse capabilities that they do not know, or capabilities at all (RFC 5492 sections 3 and 5). */
function refusesOffer({ code, subcode }: NotificationMessage): boolean {
  return code === ERROR.open && (subcode === OPEN_ERROR.unsupportedOptionalParameter || subcode === OPEN_ERROR.unsupportedCapability);
}
