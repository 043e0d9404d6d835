import type { WantedPeer } from '../bgpWanted.ts';

/** Hold time before an OPEN is here (RFC 4271 section 8.2.2 suggests 4 minutes). */
export const LARGE_HOLD_MS = 240_000;
/** A connection that is not there by then is given up: SYNs at 0, 1, 3, 7 and 15 s had their chance. Ours. */
export const CONNECT_TIMEOUT_MS = 30_000;
/** First pause after a failure; it doubles with each more. Ours. */
export const FIRST_PAUSE_MS = 1_000;
/** Established for this long, a session does not count as flapping. Ours. */
export const STABLE_MS = 60_000;
/**
 * After BFD Down: without a word from BFD, this side connects again by itself. Ours: where both speak, BFD is up again within three slow
 * packets (RFC 5880 section 6.8.3); FRR's comes up after BGP alone where it has lost its configuration, or must learn how far the peer is.
 */
export const BFD_WAIT_MS = 5_000;
/** A connection without OPEN that is younger takes part in collisions (RFC 4271 section 6.8 allows it). Ours. */
export const COLLISION_WINDOW_MS = 10_000;
/** KEEPALIVEs are never closer (RFC 4271 section 4.4). */
export const LEAST_KEEPALIVE_MS = 1_000;
/** A hold timer that is looked at this late was late by our own fault: the peer's messages may be waiting in the socket. Ours. */
export const LATE_MS = 1_000;
/** What the peer is given then. Ours. */
export const LATE_GRACE_MS = 3_000;
/** Least SendHoldTime (RFC 9687 section 6). */
const LEAST_SEND_HOLD_MS = 480_000;
/** Pauses stop to double after so many failures: 2^30 s is past any limit, and no number overflows. */
const MAX_DOUBLINGS = 30;

/** `ms` times 0.75 to 1 (RFC 4271 section 10). */
export function jitter(ms: number, random: () => number): number {
  return Math.round(ms * (0.75 + random() / 4));
}

/** Longest pause before the next attempt after this many failures in a row: from 1 s, doubled each time, to `connectTimeMs`. */
export function pauseLimitMs(failures: number, { connectTimeMs }: Pick<WantedPeer, 'connectTimeMs'>): number {
  const doubled = FIRST_PAUSE_MS * 2 ** Math.min(Math.max(failures - 1, 0), MAX_DOUBLINGS);
  return Math.max(FIRST_PAUSE_MS, Math.min(doubled, connectTimeMs));
}

/** The pause itself: with jitter. */
export function retryPauseMs(failures: number, peer: Pick<WantedPeer, 'connectTimeMs'>, random: () => number): number {
  return jitter(pauseLimitMs(failures, peer), random);
}

/** Hold time of a session: the smaller of both, in whole seconds as on the wire; 0: none (RFC 4271 section 4.2). */
export function negotiatedHoldMs(offeredS: number, receivedS: number): number {
  return Math.min(offeredS, receivedS) * 1_000;
}

/** KeepaliveTime: as configured, but a third of the hold time at most and 1 s at least; 0: none (RFC 4271 sections 4.4 and 10). */
export function keepaliveTimeMs(configuredMs: number, holdMs: number): number {
  if (holdMs === 0) return 0;
  const third = holdMs / 3;
  return Math.max(LEAST_KEEPALIVE_MS, Math.floor(configuredMs > 0 ? Math.min(configuredMs, third) : third));
}

/** Until the next KEEPALIVE: with jitter, and never less than 1 s. */
export function keepalivePauseMs(keepaliveMs: number, random: () => number): number {
  return Math.max(LEAST_KEEPALIVE_MS, jitter(keepaliveMs, random));
}

/** SendHoldTime: 8 minutes, or twice the hold time where that is more (RFC 9687 section 6). */
export function sendHoldMs(holdMs: number): number {
  return Math.max(LEAST_SEND_HOLD_MS, 2 * holdMs);
}
