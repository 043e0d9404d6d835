import { isDeepStrictEqual } from 'node:util';
import type { L4Key } from '../../../core/ir/l4.ts';
import type { ForwardedPort } from '../wanted.ts';
import { planPort, type PortPlan } from './planPort.ts';
import { pieceId, samePiece, type TablePiece } from './tablePiece.ts';

/** What turns the table from one wanted state to the next. Kinds are disjoint by piece id. */
export interface TableChange {
  readonly added: readonly TablePiece[];
  readonly removed: readonly TablePiece[];
  /** Another content under the same id: as it is to be, and as it was. */
  readonly replaced: readonly { readonly piece: TablePiece; readonly before: TablePiece }[];
  readonly ports: readonly PortChange[];
}

/** A port that is not as before; null: it was not there, or is gone. */
export type PortChange =
  | { readonly before: PortPlan | null; readonly after: PortPlan }
  | { readonly before: PortPlan; readonly after: null };

/** The variable part of the table, as a model: what each port needs, and how many ports need what they share. */
export interface ForwardingTable {
  /** Makes the model as `wanted` and tells what that changes. Costs as much as the ports that differ. */
  change(wanted: ReadonlyMap<L4Key, ForwardedPort>): TableChange;
  /** Everything in it, by id. */
  pieces(): ReadonlyMap<string, TablePiece>;
  plans(): ReadonlyMap<L4Key, PortPlan>;
}

/** A table of no ports. */
export function createForwardingTable(): ForwardingTable {
  const plans = new Map<L4Key, PortPlan>();
  const held = new Map<string, { readonly piece: TablePiece; readonly ports: number }>();

  function hold(piece: TablePiece, ports: 1 | -1): void {
    const id = pieceId(piece);
    const count = (held.get(id)?.ports ?? 0) + ports;
    if (count === 0) held.delete(id);
    else held.set(id, { piece, ports: count });
  }

  return {
    change: (wanted) => {
      const ports = differences(plans, wanted);
      const touched = new Map<string, TablePiece | null>();
      const touch = (piece: TablePiece, count: 1 | -1): void => {
        const id = pieceId(piece);
        if (!touched.has(id)) touched.set(id, held.get(id)?.piece ?? null);
        hold(piece, count);
      };
      for (const { before } of ports) for (const piece of once(before)) touch(piece, -1);
      for (const { after } of ports) for (const piece of once(after)) touch(piece, 1);
      for (const change of ports) {
        if (change.after === null) plans.delete(change.before.port.key);
        else plans.set(change.after.port.key, change.after);
      }
      return { ...compare(touched, held), ports };
    },
    pieces: () => new Map([...held].map(([id, { piece }]) => [id, piece])),
    plans: () => plans,
  };
}

function differences(plans: ReadonlyMap<L4Key, PortPlan>, wanted: ReadonlyMap<L4Key, ForwardedPort>): PortChange[] {
  const changes: PortChange[] = [];
  for (const [key, before] of plans) if (!wanted.has(key)) changes.push({ before, after: null });
  for (const [key, port] of wanted) {
    const before = plans.get(key) ?? null;
    if (before !== null && (before.port === port || isDeepStrictEqual(before.port, port))) continue;
    changes.push({ before, after: planPort(port) });
  }
  return changes;
}

function compare(touched: ReadonlyMap<string, TablePiece | null>, held: ReadonlyMap<string, { readonly piece: TablePiece }>): Omit<TableChange, 'ports'> {
  const added: TablePiece[] = [];
  const removed: TablePiece[] = [];
  const replaced: TableChange['replaced'][number][] = [];
  for (const [id, before] of touched) {
    const piece = held.get(id)?.piece ?? null;
    if (before === null && piece !== null) added.push(piece);
    else if (before !== null && piece === null) removed.push(before);
    else if (before !== null && piece !== null && !samePiece(before, piece)) replaced.push({ piece, before });
  }
  return { added, removed, replaced };
}

/** Pieces of one port by id: what its two choices share counts once. */
function once(plan: PortPlan | null): Iterable<TablePiece> {
  return new Map((plan?.pieces ?? []).map((piece) => [pieceId(piece), piece])).values();
}
