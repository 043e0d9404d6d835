import type { KernelEndpoint } from '../wanted.ts';
import type { PortContext } from './portContext.ts';
import { planMaglevSlots, planRandomSlots } from './slotPlan.ts';
import type { TablePiece } from './tablePiece.ts';

/** How a port chooses among endpoints: the chain that does it, and all that takes. */
export interface ChoicePlan {
  readonly chain: string;
  readonly pieces: readonly TablePiece[];
}

/** Whose choice it is: packets from elsewhere, or those of this machine where they have other endpoints. */
export type Choosers = 'all' | 'own';

/** Any number: the same on every node, so that all take the same place for one flow. */
export const HASH_SEED = '0x67617465';

/**
 * Endpoints in numbered slots of a map. The chain draws a number; chain and map are shared by all ports that have as many slots, so
 * that a change of endpoints changes elements only. At least one endpoint.
 *
 * One map for any number of slots would do, but for nft (1.0.6): a rule cannot name a `typeof` map that an earlier transaction has
 * made. So each chain comes with its own, in one transaction.
 */
export function planBalance(context: PortContext, endpoints: readonly KernelEndpoint[], balance: 'random' | 'maglev', choosers: Choosers): ChoicePlan {
  const { suffix, header } = context.family;
  const slots = balance === 'maglev' ? planMaglevSlots(endpoints) : planRandomSlots(endpoints);
  const chain = `${choosers === 'own' ? 'own-' : ''}${balance}${suffix}-${slots.length}`;
  const number = balance === 'maglev' ? `jhash ${header} saddr . th sport mod ${slots.length} seed ${HASH_SEED}` : `numgen random mod ${slots.length}`;
  const set = `slots-${chain}`;
  const declaration = `typeof numgen random mod 2 . ${header} daddr . meta l4proto . th dport : ${header} daddr . th dport`;
  const rule = `meta l4proto { tcp, udp } dnat ${header} to ${number} . ${header} daddr . meta l4proto . th dport map @${set}`;
  return {
    chain,
    pieces: [
      { type: 'map', name: set, declaration },
      { type: 'chain', name: chain, rules: [rule] },
      ...slots.map(({ address, port }, slot): TablePiece => ({ type: 'element', set, key: `${slot} . ${context.key}`, value: `${address} . ${port}` })),
    ],
  };
}
