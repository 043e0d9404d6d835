import type { VipEvent } from '../report.ts';
import type { Decision, Decisions } from '../ownership/decision.ts';

/** One VIP whose decision has changed. */
export interface Move {
  readonly address: string;
  /** Null: nothing was decided about it, or it is wanted no more. */
  readonly before: Decision | null;
  readonly after: Decision | null;
}

/** Reasons that change alone move nothing. */
export function findMoves(before: Decisions, after: Decisions): readonly Move[] {
  const moves: Move[] = [];
  for (const [address, decision] of after) {
    const known = before.get(address) ?? null;
    if (known === null || !isSameChoice(known, decision)) moves.push({ address, before: known, after: decision });
  }
  for (const [address, decision] of before) if (!after.has(address)) moves.push({ address, before: decision, after: null });
  return moves;
}

/** True when this node answers, alone or with others. */
export function includes(decision: Decision | null | undefined, self: string): boolean {
  return decision?.owner === self || decision?.sharers.includes(self) === true;
}

/** True when no node answers. */
export function isNobody(decision: Decision | null): boolean {
  return decision === null || (decision.owner === null && decision.sharers.length === 0);
}

/**
 * What there is to tell of a move: the nodes that give and take tell it, and each of them when nobody is left, since the former
 * owner may not be able to. Null: nothing, as for VIPs that are shared.
 */
export function movedEvent({ address, before, after }: Move, self: string, atMs: number): VipEvent | null {
  const from = before?.owner ?? null;
  const to = after?.owner ?? null;
  if (from === to || (to !== null && from !== self && to !== self)) return null;
  if (after === null && from !== self) return null;
  return { type: 'moved', address, from, to, reason: after?.reason ?? 'it is no longer wanted', atMs };
}

function isSameChoice(a: Decision, b: Decision): boolean {
  return a.owner === b.owner && a.sharers.length === b.sharers.length && a.sharers.every((node, index) => node === b.sharers[index]);
}
