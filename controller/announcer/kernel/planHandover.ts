import { isDeepStrictEqual } from 'node:util';
import type { Neighbourhood } from '../parts.ts';
import type { ForwardedPort, KernelEndpoint } from '../wanted.ts';
import { isHandedOver } from './place.ts';
import { nameOfAddress, readAddress, type NftFamily } from './nftFamily.ts';
import { HASH_SEED } from './planBalance.ts';
import { readEndpoints } from './planPort.ts';
import { portContext, type PortContext } from './portContext.ts';
import { planMaglevSlots, type SlotPlan } from './slotPlan.ts';
import type { TablePiece } from './tablePiece.ts';

/** TCP flows that one neighbour is remembered for; more are chosen for by their hash alone. */
const MAX_FLOWS = 262_144;
/** Ours: a flow without a packet for this long is forgotten, as is one that ends. */
const FLOW_TIMEOUT_S = 900;
const END_TIMEOUT_S = 10;

/** A port whose flows are handed over, and the slots that every node has for it. */
export interface HandoverPort {
  readonly port: ForwardedPort;
  readonly context: PortContext;
  readonly slots: SlotPlan;
}

/** Null: flows of this port are not handed over. The slots are those of the port's own choice. */
export function readHandoverPort(port: ForwardedPort): HandoverPort | null {
  const vip = readAddress(port.address);
  if (vip === null || port.to.type !== 'endpoints' || !isHandedOver(port)) return null;
  const context = portContext(vip.family, port.protocol, vip.text, port.port);
  const { endpoints } = readEndpoints(context, port.to.endpoints);
  return endpoints.length === 0 ? null : { port, context, slots: planMaglevSlots(endpoints) };
}

/**
 * What a port puts into the table of its family. A slot whose endpoint is on a living neighbour leads to that; all others are in no
 * map, and their packets go on to be translated here. Nothing where no slot leads away.
 */
export function planHandover({ context, slots }: HandoverPort, neighbourhood: Neighbourhood): TablePiece[] {
  const { family } = context;
  const addresses = neighbourAddresses(neighbourhood, family);
  const name = `${context.name}-${slots.length}`;
  const set = `slots-${name}`;
  const elements = slots.flatMap((endpoint, slot): TablePiece[] => {
    const address = addressFor(endpoint, addresses);
    return address === null ? [] : [{ type: 'element', set, key: String(slot), value: `goto ${chainTo(address)}` }];
  });
  if (elements.length === 0) return [];
  return [
    ...neighbourhood.uplinks.map((index): TablePiece => ({ type: 'element', set: 'uplinks', key: String(index), value: null })),
    ...neighbourPieces([...new Set(addresses.values())], family),
    { type: 'map', name: set, declaration: 'typeof numgen random mod 2 : verdict' },
    {
      type: 'chain',
      name: `hand-${name}`,
      rules: [
        ...(context.protocol === 'tcp' ? ['tcp flags & syn == 0 jump remembered'] : []),
        `jhash ${family.header} saddr . th sport mod ${slots.length} seed ${HASH_SEED} vmap @${set}`,
      ],
    },
    ...elements,
    { type: 'element', set: 'ports', key: context.key, value: `goto hand-${name}` },
  ];
}

/** True when two neighbourhoods hand over alike. */
export function sameNeighbourhood(a: Neighbourhood, b: Neighbourhood): boolean {
  return a === b || isDeepStrictEqual(a, b);
}

function neighbourAddresses({ neighbours }: Neighbourhood, family: NftFamily): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [node, addresses] of neighbours ?? []) {
    const address = addresses.map(readAddress).find((read) => read?.family === family);
    if (address !== undefined && address !== null) found.set(node, address.text);
  }
  return found;
}

function addressFor({ node }: KernelEndpoint, addresses: ReadonlyMap<string, string>): string | null {
  return node === undefined ? null : addresses.get(node) ?? null;
}

/**
 * A chain for each neighbour that sends packets there and remembers TCP flows, so that a change of slots moves none that comes in by
 * this node. A first packet is not remembered: whoever sends only those fills no set.
 */
function neighbourPieces(addresses: readonly string[], { header, addressType }: NftFamily): TablePiece[] {
  const flow = `${header} saddr . tcp sport . ${header} daddr . tcp dport`;
  const hops = header === 'ip' ? 'ip ttl' : 'ip6 hoplimit';
  const sorted = addresses.toSorted();
  return [
    ...sorted.flatMap((address): TablePiece[] => {
      const flows = `handed-${nameOfAddress(address)}`;
      return [
        { type: 'set', name: flows, declaration: `type ${addressType} . inet_service . ${addressType} . inet_service; flags dynamic,timeout; size ${MAX_FLOWS}` },
        {
          type: 'chain',
          name: chainTo(address),
          rules: [
            // The kernel counts down without looking: 0 would become 255, and a loop endless. Going on from here ends it.
            `${hops} < 2 accept`,
            `tcp flags & (fin | rst) != 0 update @${flows} { ${flow} timeout ${END_TIMEOUT_S}s }`,
            `tcp flags & (syn | fin | rst) == 0 update @${flows} { ${flow} timeout ${FLOW_TIMEOUT_S}s }`,
            `dup to ${address}`,
            'drop',
          ],
        },
      ];
    }),
    {
      type: 'chain',
      name: 'remembered',
      rules: sorted.map((address) => `${flow} @handed-${nameOfAddress(address)} goto ${chainTo(address)}`),
    },
  ];
}

function chainTo(address: string): string {
  return `to-${nameOfAddress(address)}`;
}
