import { isDeepStrictEqual } from 'node:util';
import type { L4Key } from '../../../core/ir/l4.ts';
import type { ForwardedPort } from '../wanted.ts';
import { isHandedOver, NOWHERE, type Place } from './place.ts';
import { createPieceModel, type PieceChange } from './pieceModel.ts';
import { planPort, type PortPlan } from './planPort.ts';
import type { TablePiece } from './tablePiece.ts';

/** What turns the table from one wanted state to the next. */
export interface TableChange extends PieceChange {
  readonly ports: readonly PortChange[];
}

/** A port that is not as before; null: it was not there, or is gone. */
export type PortChange =
  | { readonly before: PortPlan | null; readonly after: PortPlan }
  | { readonly before: PortPlan; readonly after: null };

/** The variable part of the table, as a model: what each port needs, and how many ports need what they share. */
export interface ForwardingTable {
  /**
   * Makes the model as `wanted` and tells what that changes. Costs as much as the ports that differ; where `place` differs, those
   * whose flows are handed over are among them.
   */
  change(wanted: ReadonlyMap<L4Key, ForwardedPort>, place?: Place): TableChange;
  /** Everything in it, by id. */
  pieces(): ReadonlyMap<string, TablePiece>;
  plans(): ReadonlyMap<L4Key, PortPlan>;
}

/** A table of no ports. */
export function createForwardingTable(): ForwardingTable {
  const plans = new Map<L4Key, PortPlan>();
  const model = createPieceModel();
  let here = NOWHERE;

  return {
    change: (wanted, place = NOWHERE) => {
      const isElsewhere = !isDeepStrictEqual(here, place);
      here = place;
      const ports = differences(plans, { ports: wanted, place, isStale: (port) => isElsewhere && isHandedOver(port) });
      for (const change of ports) {
        if (change.after === null) plans.delete(change.before.port.key);
        else plans.set(change.after.port.key, change.after);
      }
      const pieces = model.exchange(ports.map(({ before }) => before?.pieces ?? []), ports.map(({ after }) => after?.pieces ?? []));
      return { ...pieces, ports };
    },
    pieces: () => model.pieces(),
    plans: () => plans,
  };
}

interface Wanted {
  readonly ports: ReadonlyMap<L4Key, ForwardedPort>;
  readonly place: Place;
  /** Ports that are planned anew though they are the same. */
  readonly isStale: (port: ForwardedPort) => boolean;
}

function differences(plans: ReadonlyMap<L4Key, PortPlan>, { ports, place, isStale }: Wanted): PortChange[] {
  const changes: PortChange[] = [];
  for (const [key, before] of plans) if (!ports.has(key)) changes.push({ before, after: null });
  for (const [key, port] of ports) {
    const before = plans.get(key) ?? null;
    if (before !== null && (before.port === port || isDeepStrictEqual(before.port, port)) && !isStale(port)) continue;
    changes.push({ before, after: planPort(port, place) });
  }
  return changes;
}
