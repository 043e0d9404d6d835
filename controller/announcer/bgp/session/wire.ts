import { encodeMessage } from '../codec/codec.ts';
import type { BgpMessage } from '../codec/message.ts';
import { startTimer, type Connection, type Session } from './session.ts';
import { keepaliveTimeMs, keepalivePauseMs } from './timings.ts';

/** Sends a message, and counts it. */
export function sendMessage(session: Session, connection: Connection, message: Exclude<BgpMessage, { type: 'update' }>): void {
  const octets = encodeMessage(message, connection.codec);
  session.sent[message.type] += 1;
  session.sent.octets += octets.length;
  session.effects.push({ type: 'send', connection: connection.id, octets });
}

/** Sends a KEEPALIVE, and plans the next one. */
export function sendKeepalive(session: Session, connection: Connection): void {
  sendMessage(session, connection, { type: 'keepalive' });
  connection.lastKeepaliveMs = session.now.monotonicMs;
  planKeepalive(session, connection);
}

/** The KeepaliveTimer starts anew, where there is one: after every KEEPALIVE and UPDATE (RFC 4271 section 8.2.2). */
export function planKeepalive(session: Session, connection: Connection): void {
  const keepaliveMs = keepaliveMsOf(session, connection);
  if (keepaliveMs > 0) startTimer(session, connection, { name: 'keepalive', ms: keepalivePauseMs(keepaliveMs, session.options.random) });
}

/** KeepaliveTime of a connection; 0: none, or not yet. It is nobody's business but ours, and may change while the session lasts. */
export function keepaliveMsOf({ options: { peer } }: Session, { negotiated }: Connection): number {
  return negotiated === null ? 0 : keepaliveTimeMs(peer.keepaliveTimeMs, negotiated.holdTimeMs);
}
