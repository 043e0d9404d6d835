import type { Outbox } from './outbox.ts';
import type { VipLink } from './vip.ts';

/** Ours: a defended address is defended again, and a conflict reported again, after so long (RFC 5227 DEFEND_INTERVAL). */
const DEFEND_INTERVAL_MS = 10_000;

/**
 * Ours: when an address is asked for again that another station has: after the first time a second, by which a member
 * that was its owner has left it, then ever more up to ten.
 */
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 10_000;

/** The address is ours from now on: all are told, unless each client is to hear from its own node. */
export function own(on: VipLink, nowMs: number): void {
  on.phase = 'owning';
  on.ownedMs = nowMs;
  on.timesHeld = 0;
  on.suspect = null;
  if (isAnnounced(on)) beginAnnouncing(on, nowMs);
  else endRow(on);
}

/** All are told that the address is here: it is ours, and no other node or interface answers for it. */
export function isAnnounced(on: VipLink): boolean {
  return on.phase === 'owning' && on.vip.share === null && !hasTwin(on);
}

/** Another interface of this node, on the same network, speaks for the VIP. */
export function hasTwin({ vip, twin }: VipLink): boolean {
  return twin !== null && vip.links.get(twin.index)?.link === twin;
}

/** Begins the burst of a take-over; one that is under way ends. */
export function beginAnnouncing(on: VipLink, nowMs: number): void {
  on.link.queue.add(nowMs, { type: 'announce', on, row: endRow(on), round: 0 });
}

/** Asks whether another station has the address. */
export function beginProbing(on: VipLink, dueMs: number): void {
  on.phase = 'probing';
  on.link.queue.add(dueMs, { type: 'probe', on, row: endRow(on), round: 0 });
}

/** Another station has answered the probe: nothing is answered until a later one stays without answer. */
export function hold(on: VipLink, mac: Uint8Array, { nowMs, outbox }: { readonly nowMs: number; readonly outbox: Outbox }): void {
  const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** on.timesHeld);
  beginProbing(on, nowMs + delayMs);
  on.phase = 'held';
  on.timesHeld += 1;
  if (nowMs < mayReportMs(on)) return;
  noteReport(on, nowMs);
  outbox.conflict(on, mac, false);
}

/** From when on a conflict may be reported, and the address defended, once more. */
export function mayReportMs({ vip, link }: VipLink): number {
  return (vip.reportedMs.get(link.index) ?? Number.NEGATIVE_INFINITY) + DEFEND_INTERVAL_MS;
}

/** A conflict is reported now. */
export function noteReport({ vip: { reportedMs }, link }: VipLink, nowMs: number): void {
  // Interfaces that are made and removed all the time have another index each time.
  for (const [index, atMs] of reportedMs) if (nowMs - atMs >= DEFEND_INTERVAL_MS) reportedMs.delete(index);
  reportedMs.set(link.index, nowMs);
}

/** Answers on, announces no more. */
export function leave(on: VipLink): void {
  on.phase = 'leaving';
  endRow(on);
}

/** Says nothing any more. */
export function silence(on: VipLink): void {
  on.phase = 'takenOver';
  on.suspect = null;
  endRow(on);
}

function endRow(on: VipLink): number {
  on.row += 1;
  return on.row;
}
