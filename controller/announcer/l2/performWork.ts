import { announce, announceTo, probe } from './announce.ts';
import { settle, yieldsUntilMs } from './conflict.ts';
import type { Outbox } from './outbox.ts';
import { isAnnounced, own } from './phases.ts';
import type { VipLink, Work } from './vip.ts';

/** What is needed to do work. */
export interface WorkContext {
  readonly nowMs: number;
  readonly framesLeft: number;
  readonly gratuitousIntervalMs: number;
  readonly outbox: Outbox;
}

/**
 * Ours: from one round of a burst to the next, so that rounds go at 0, 50, 200, 1000, 2000 and 4000 ms. The early ones are
 * against loss; at a second the former owner is silent, whatever it heard, and no cache keeps its entry for being
 * fresh; the late ones are for switches and radio links that were away.
 */
const BURST_GAPS_MS: readonly number[] = [50, 150, 800, 1000, 2000];

/** Ours: probes, and between them; 300 ms in all, where RFC 5227 (section 1.1) takes seven seconds: VIPs are wanted at once. */
const PROBES = 3;
const PROBE_GAP_MS = 100;

/** Ours: clients are called twice, the second time after Linux's locktime of a second. */
const REPOINT_ROUNDS = 2;
const REPOINT_GAP_MS = 1100;

/** Spreads the repetitions of VIPs that are numbered in a row evenly over the interval. */
const GOLDEN_RATIO = 0.618_033_988_749_895;

/** Does one piece of work that is due, and plans what follows from it. Answers the frames sent. */
export function performWork(work: Work, context: WorkContext): number {
  switch (work.type) {
    case 'announce':
      return work.row === work.on.row && isAnnounced(work.on) ? announceRound(work, context) : 0;
    case 'probe':
      return work.row === work.on.row ? probeRound(work, context) : 0;
    case 'settle':
      return settle(work.on, context.nowMs, context.outbox);
    case 'repoint':
      return work.on.phase === 'owning' ? repoint(work, context) : 0;
  }
}

function announceRound(work: Work & { type: 'announce' }, { nowMs, gratuitousIntervalMs, outbox }: WorkContext): number {
  const { on, round } = work;
  const untilMs = yieldsUntilMs(on);
  if (nowMs < untilMs) {
    on.link.queue.add(untilMs, work);
    return 0;
  }
  const frames = announce(on, outbox);
  on.announcedMs = nowMs;
  const delayMs = BURST_GAPS_MS[round] ?? repetitionDelayMs(on, round, gratuitousIntervalMs);
  if (delayMs !== null) on.link.queue.add(nowMs + delayMs, { ...work, round: round + 1 });
  return frames;
}

function repetitionDelayMs(on: VipLink, round: number, intervalMs: number): number | null {
  if (intervalMs <= 0) return null;
  return round === BURST_GAPS_MS.length ? intervalMs * ((on.vip.number * GOLDEN_RATIO) % 1) : intervalMs;
}

function probeRound(work: Work & { type: 'probe' }, { nowMs, outbox }: WorkContext): number {
  const { on, round } = work;
  if (round === PROBES) {
    own(on, nowMs);
    return 0;
  }
  on.phase = 'probing';
  probe(on, outbox);
  on.link.queue.add(nowMs + PROBE_GAP_MS, { ...work, round: round + 1 });
  return 1;
}

function repoint(work: Work & { type: 'repoint' }, { nowMs, framesLeft, outbox }: WorkContext): number {
  const { on, clients, next, round } = work;
  const { share } = on.vip;
  if (share === null) return 0;
  const end = Math.min(clients.length, next + framesLeft);
  let frames = 0;
  for (const client of clients.slice(next, end)) {
    // The nodes may have changed again since.
    if (share.sharing.sharerOf(client.identity) !== share.self) continue;
    announceTo(client, on, { round, outbox });
    frames += 1;
  }
  if (end < clients.length) on.link.queue.add(nowMs, { ...work, next: end });
  else if (round + 1 < REPOINT_ROUNDS) on.link.queue.add(nowMs + REPOINT_GAP_MS, { ...work, next: 0, round: round + 1 });
  return frames;
}
