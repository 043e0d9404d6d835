import { announce, probe } from './announce.ts';
import type { Outbox } from './outbox.ts';
import { hasTwin, hold, mayReportMs, noteReport, silence } from './phases.ts';
import type { Vip, VipLink } from './vip.ts';

/**
 * Ours: how long a conflict may be a take-over that this node has not been told of yet, or another one of its own. A member that has
 * just become the owner announces the VIP at once; an answer in that moment would draw its clients back to us.
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
      on.usedMs = nowMs;
      if (nowMs - vip.calledMs < SETTLE_MS) return;
      if (!isNewcomer(on, nowMs)) vip.counts.conflictsSeen += 1;
      suspect(on, mac, nowMs);
  }
}

/**
 * A conflict has outlasted any take-over: it is reported, and the address defended (RFC 5227 section 2.4). Who was heard only when this node
 * was new to the VIP is asked whether it still has it; the answer is a conflict like any. Answers the frames.
 */
export function settle(on: VipLink, nowMs: number, outbox: Outbox): number {
  // What was planned for a conflict that has ended must not cut another one short.
  if (on.phase !== 'owning' || on.suspect === null || nowMs < settlesMs(on)) return 0;
  if (isNewcomer(on, on.suspectedMs)) {
    on.suspect = null;
    // Those that share a VIP cannot ask: they would answer each other.
    return on.vip.share === null ? probe(on, outbox) : 0;
  }
  // To all that share a VIP belongs a part of its clients: who calls all of them takes those of the others.
  const defended = on.vip.share === null;
  outbox.conflict(on, on.suspect, defended);
  on.suspect = null;
  noteReport(on, nowMs);
  return defended ? announce(on, outbox) : 0;
}

/** The new owner of a VIP that is left has been heard, wherever: silent at once. */
export function takeOver(vip: Vip, outbox: Outbox): void {
  vip.isTakenOver = true;
  for (const on of vip.links.values()) silence(on);
  outbox.takenOver(vip.address);
}

/** Whether the new owner of a VIP that this node is told to leave has been heard already, most likely. */
export function isNewOwnerHeard(on: VipLink, nowMs: number): boolean {
  return hasSuccessor(on) || nowMs - on.usedMs < SETTLE_MS;
}

/** Whether another station, which may be the new owner, is to be heard alone. */
export function isYielding(on: VipLink, nowMs: number): boolean {
  return nowMs < yieldsUntilMs(on);
}

/** Until when that is so; in the past: it is not. */
export function yieldsUntilMs(on: VipLink): number {
  return on.vip.share === null && hasSuccessor(on) ? on.suspectedMs + YIELD_MS : Number.NEGATIVE_INFINITY;
}

/** Another station has used the VIP that may be its new owner: the one before us is none. */
function hasSuccessor(on: VipLink): boolean {
  return on.suspect !== null && !isNewcomer(on, on.suspectedMs);
}

/** Whether the owner before us may not have been told of us at that time. */
function isNewcomer({ ownedMs }: VipLink, atMs: number): boolean {
  return atMs - ownedMs < SETTLE_MS;
}

function suspect(on: VipLink, mac: Uint8Array, nowMs: number): void {
  const isNew = on.suspect === null;
  const isKnown = hasSuccessor(on);
  on.suspect = Uint8Array.from(mac);
  // The first use counts; but what is heard of the owner before us says nothing of one after us.
  if (isKnown || (!isNew && isNewcomer(on, nowMs))) return;
  on.suspectedMs = nowMs;
  on.link.queue.add(settlesMs(on), { type: 'settle', on });
}

function settlesMs(on: VipLink): number {
  return Math.max(on.suspectedMs + SETTLE_MS, mayReportMs(on));
}
