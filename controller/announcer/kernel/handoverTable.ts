import { isDeepStrictEqual } from 'node:util';
import type { L4Key } from '../../../core/ir/l4.ts';
import type { Neighbourhood } from '../parts.ts';
import type { ForwardedPort } from '../wanted.ts';
import { NFT_FAMILIES, type NftFamily } from './nftFamily.ts';
import { createPieceModel, type PieceChange, type PieceModel } from './pieceModel.ts';
import { planHandover, readHandoverPort, sameNeighbourhood, type HandoverPort } from './planHandover.ts';
import type { TablePiece } from './tablePiece.ts';

/** Before the chains that refuse and translate, after connection tracking: what this node carries already stays here. */
const PRIORITY = -160;

/** The table of one family, in the order of `NFT_FAMILIES`. `dup` is known to tables of one family only. */
export interface FamilyChange {
  readonly table: string;
  readonly change: PieceChange;
}

/** What is handed over to whom, as a model. */
export interface HandoverTable {
  /** Makes the model as wanted and tells what that changes, for both families. Ports that are the same keep their slots. */
  change(wanted: ReadonlyMap<L4Key, ForwardedPort>, neighbourhood: Neighbourhood): readonly FamilyChange[];
  /** All there is, as a change of nothing. */
  whole(): readonly FamilyChange[];
  isEmpty(): boolean;
}

/** Names of the tables. */
export const HANDOVER_TABLES: readonly string[] = NFT_FAMILIES.map(tableOf);

/** The fixed part of the table of a family; `marker` is a chain by which it can be told from others. */
export function handoverBase(family: NftFamily, marker: string): string {
  const { header, addressType } = family;
  return [
    `table ${tableOf(family)} {`,
    '  set uplinks {\n    type iface_index\n  }',
    `  map ports {\n    type ${addressType} . inet_proto . inet_service : verdict\n  }`,
    `  chain ${marker} {\n  }`,
    '  chain arriving {',
    `    type filter hook prerouting priority ${PRIORITY};`,
    '    ct state established,related accept',
    `    iif @uplinks ${header} daddr . meta l4proto . th dport vmap @ports`,
    '  }',
    '}',
    '',
  ].join('\n');
}

interface Plan extends HandoverPort {
  readonly pieces: readonly TablePiece[];
}

/** A model of nothing. */
export function createHandoverTable(): HandoverTable {
  const plans = new Map<L4Key, Plan>();
  const models = NFT_FAMILIES.map((family) => ({ family, model: createPieceModel() }));
  let last: Neighbourhood = { uplinks: [], neighbours: null };

  return {
    change: (wanted, neighbourhood) => {
      const isSame = sameNeighbourhood(last, neighbourhood);
      last = neighbourhood;
      const before = new Map<L4Key, Plan>();
      const after: Plan[] = [];
      for (const [key, plan] of plans) {
        const port = wanted.get(key);
        if (port !== undefined && isSame && samePort(plan.port, port)) continue;
        before.set(key, plan);
        plans.delete(key);
      }
      for (const [key, port] of wanted) {
        if (plans.has(key)) continue;
        const known = before.get(key);
        const read = known !== undefined && samePort(known.port, port) ? known : readHandoverPort(port);
        if (read !== null) after.push({ ...read, pieces: planHandover(read, neighbourhood) });
      }
      for (const plan of after) plans.set(plan.port.key, plan);
      return models.map(({ family, model }) => ({ table: tableOf(family), change: exchange(family, model, { before: [...before.values()], after }) }));
    },
    whole: () => models.map(({ family, model }) => ({ table: tableOf(family), change: { added: [...model.pieces().values()], removed: [], replaced: [] } })),
    isEmpty: () => models.every(({ model }) => model.pieces().size === 0),
  };
}

function exchange(family: NftFamily, model: PieceModel, { before, after }: { readonly before: readonly Plan[]; readonly after: readonly Plan[] }): PieceChange {
  const of = (plans: readonly Plan[]): (readonly TablePiece[])[] => plans.filter(({ context }) => context.family === family).map(({ pieces }) => pieces);
  return model.exchange(of(before), of(after));
}

function samePort(a: ForwardedPort, b: ForwardedPort): boolean {
  return a === b || isDeepStrictEqual(a, b);
}

function tableOf({ header }: NftFamily): string {
  return `${header} gatehouse`;
}
