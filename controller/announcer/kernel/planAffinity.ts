import type { KernelEndpoint } from '../wanted.ts';
import { destination, nameOfAddress } from './nftFamily.ts';
import { HASH_SEED, type ChoicePlan, type Choosers } from './planBalance.ts';
import type { PortContext } from './portContext.ts';
import { planMaglevSlots, planRandomSlots, type SlotPlan } from './slotPlan.ts';
import type { TablePiece } from './tablePiece.ts';

/** Client addresses one endpoint of one port remembers; more are spread as if there were no affinity. */
const MAX_CLIENTS = 65_535;

/** How clients keep their endpoint. */
export interface Affinity {
  readonly timeoutMs: number;
  /** How an endpoint is chosen for who has none. */
  readonly balance: 'random' | 'maglev';
}

/**
 * A set of client addresses for each endpoint, which packets fill: who is in one goes there again. Sets go with their endpoint
 * only, so other clients keep theirs whatever changes. At least one endpoint.
 */
export function planAffinity(context: PortContext, endpoints: readonly KernelEndpoint[], affinity: Affinity, choosers: Choosers): ChoicePlan {
  const chain = `affinity-${choosers === 'own' ? 'own-' : ''}${context.name}`;
  const slots = affinity.balance === 'maglev' ? planMaglevSlots(endpoints) : planRandomSlots(endpoints);
  const { header } = context.family;
  const number = affinity.balance === 'maglev' ? `jhash ${header} saddr mod ${slots.length} seed ${HASH_SEED}` : `numgen random mod ${slots.length}`;
  const rules = [
    ...endpoints.map((endpoint) => `${header} saddr @clients-${names(context, endpoint)} goto to-${names(context, endpoint)}`),
    `${number} vmap { ${runs(slots).map(({ slot, endpoint }) => `${slot} : goto to-${names(context, endpoint)}`).join(', ')} }`,
  ];
  return {
    chain,
    pieces: [...endpoints.flatMap((endpoint) => endpointPieces(context, endpoint, affinity.timeoutMs)), { type: 'chain', name: chain, rules }],
  };
}

function endpointPieces(context: PortContext, endpoint: KernelEndpoint, timeoutMs: number): TablePiece[] {
  const name = names(context, endpoint);
  const { header, addressType } = context.family;
  return [
    { type: 'set', name: `clients-${name}`, declaration: `type ${addressType}; flags dynamic,timeout; size ${MAX_CLIENTS}` },
    {
      type: 'chain',
      name: `to-${name}`,
      rules: [
        // A rule of its own: where the set is full it ends there, and the next one still finds an endpoint.
        `update @clients-${name} { ${header} saddr timeout ${Math.ceil(timeoutMs / 1_000)}s }`,
        `meta l4proto ${context.protocol} dnat ${header} to ${destination(context.family, endpoint.address, endpoint.port)}`,
      ],
    },
  ];
}

function names(context: PortContext, endpoint: KernelEndpoint): string {
  return `${context.name}-${nameOfAddress(endpoint.address)}-${endpoint.port}`;
}

/** Neighbouring slots of one endpoint as one interval. */
function runs(slots: SlotPlan): { readonly slot: string; readonly endpoint: KernelEndpoint }[] {
  const found: { readonly slot: string; readonly endpoint: KernelEndpoint }[] = [];
  for (let start = 0; start < slots.length; ) {
    const endpoint = slots[start] as KernelEndpoint;
    let end = start;
    while (slots[end + 1] === endpoint) end += 1;
    found.push({ slot: start === end ? `${start}` : `${start}-${end}`, endpoint });
    start = end + 1;
  }
  return found;
}
