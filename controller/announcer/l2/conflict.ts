import { announce } from './announce.ts';
import type { Outbox } from './outbox.ts';
import { DEFEND_INTERVAL_MS, hasTwin, hold, silence } from './phases.ts';
import type { Vip, VipLink } from './vip.ts';

/**
 * Ours: how long a conflict may be a take-over that this node has not been told of yet. A member that has just become
 * the owner announces the VIP at once; an answer in that moment would draw its clients back to us.
 */
export const SETTLE_MS = 500;

/**
 * Ours: so long nothing is answered or announced after another station has used the VIP. Nodes hear of a change one after the other, and a client that
 * hears two of them would send a connection here and there. Who is no new owner has the address to itself for this moment, once in ten seconds.
 */
const YIELD_MS = 200;

/** Ours: a member that shares the VIP answers duplicate address detection within this time, to all nodes. */
const DETECTION_ANSWER_MS = 1000;

/** Another station has used the VIP: `mac` says it is there. */
export function seeForeignUse(on: VipLink, mac: Uint8Array, { nowMs, outbox }: { readonly nowMs: number; readonly outbox: Outbox }): void {
  const { vip } = on;
  if (hasTwin(on)) return;
  switch (on.phase) {
    case 'leaving':
      takeOver(vip, outbox);
      return;
    case 'takenOver':
      return;
    case 'held':
      vip.counts.conflictsSeen += 1;
      return;
    case 'probing':
      vip.counts.conflictsSeen += 1;
      hold(on, mac, { nowMs, outbox });
      return;
    case 'owning':
      if (vip.share !== null && nowMs - vip.detectedMs < DETECTION_ANSWER_MS) return;
      // The owner before us may not have been told yet.
      if (nowMs - Math.max(vip.calledMs, on.ownedMs) < SETTLE_MS) return;
      vip.counts.conflictsSeen += 1;
      suspect(on, mac, nowMs);
  }
}

/** A conflict has outlasted any take-over: it is reported, and the address defended (RFC 5227 section 2.4). Answers the frames. */
export function settle(on: VipLink, nowMs: number, outbox: Outbox): number {
  if (on.phase !== 'owning' || on.suspect === null) return 0;
  // To all that share a VIP belongs a part of its clients: who calls all of them takes those of the others.
  const defended = on.vip.share === null;
  outbox.conflict(on, on.suspect, defended);
  on.suspect = null;
  on.reportedMs = nowMs;
  return defended ? announce(on, outbox) : 0;
}

/** The new owner of a VIP that is left has been heard, wherever: silent at once. */
export function takeOver(vip: Vip, outbox: Outbox): void {
  vip.isTakenOver = true;
  for (const on of vip.links.values()) silence(on);
  outbox.takenOver(vip.address);
}

/** Whether another station, which may be the new owner, is to be heard alone. */
export function isYielding(on: VipLink, nowMs: number): boolean {
  return nowMs < yieldsUntilMs(on);
}

/** Until when that is so; in the past: it is not. */
export function yieldsUntilMs({ vip, suspect: other, suspectedMs }: VipLink): number {
  return vip.share === null && other !== null ? suspectedMs + YIELD_MS : Number.NEGATIVE_INFINITY;
}

function suspect(on: VipLink, mac: Uint8Array, nowMs: number): void {
  const isNew = on.suspect === null;
  on.suspect = Uint8Array.from(mac);
  if (!isNew) return;
  on.suspectedMs = nowMs;
  on.link.queue.add(Math.max(nowMs + SETTLE_MS, on.reportedMs + DEFEND_INTERVAL_MS), { type: 'settle', on });
}
