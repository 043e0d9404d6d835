import { NO_BGP } from './bgp/bgpWanted.ts';
import { createComparison, type IsSame } from './createComparison.ts';
import type { WantedDelta } from './messages.ts';
import type { AnnouncerWanted } from './wanted.ts';

/** A wanted state with its number. */
export interface NumberedWanted {
  readonly generation: number;
  readonly wanted: AnnouncerWanted;
}

/** Nothing is wanted. */
export const NOTHING_WANTED: AnnouncerWanted = { ports: new Map(), vips: new Map(), nodes: new Map(), bgp: NO_BGP };

/** What turns `before` into `next`; null stands for a receiver that knows nothing, who is told everything. */
export function diffWanted(before: AnnouncerWanted | null, next: NumberedWanted): WantedDelta {
  const { ports, vips, nodes, bgp } = before ?? NOTHING_WANTED;
  const { generation, wanted } = next;
  const isSame = createComparison();
  return {
    generation,
    whole: before === null,
    ports: diffMaps(ports, wanted.ports, isSame),
    vips: diffMaps(vips, wanted.vips, isSame),
    nodes: before !== null && isSame(nodes, wanted.nodes) ? null : wanted.nodes,
    peers: before !== null && isSame(bgp.peers, wanted.bgp.peers) ? null : wanted.bgp.peers,
    routes: diffMaps(bgp.routes, wanted.bgp.routes, isSame),
  };
}

/** The state after `delta`, `before` being the one it was made against. */
export function applyWantedDelta(before: AnnouncerWanted, delta: WantedDelta): AnnouncerWanted {
  const { ports, vips, nodes, bgp } = delta.whole ? NOTHING_WANTED : before;
  return {
    ports: patchMap(ports, delta.ports, (port) => port.key),
    vips: patchMap(vips, delta.vips, (vip) => vip.address),
    nodes: delta.nodes ?? nodes,
    bgp: { peers: delta.peers ?? bgp.peers, routes: patchMap(bgp.routes, delta.routes, (route) => route.prefix) },
  };
}

/** True for a delta that only carries a new number. */
export function isEmptyDelta({ whole, ports, vips, nodes, peers, routes }: WantedDelta): boolean {
  const lists = [ports, vips, routes].flatMap(({ upserts, deletes }) => [upserts, deletes]);
  return !whole && nodes === null && peers === null && lists.every((list) => list.length === 0);
}

interface MapDelta<Key, Value> {
  readonly upserts: readonly Value[];
  readonly deletes: readonly Key[];
}

function diffMaps<Key, Value>(before: ReadonlyMap<Key, Value>, next: ReadonlyMap<Key, Value>, isSame: IsSame): MapDelta<Key, Value> {
  return {
    upserts: [...next].filter(([key, value]) => !isSame(before.get(key), value)).map(([, value]) => value),
    deletes: [...before.keys()].filter((key) => !next.has(key)),
  };
}

function patchMap<Key, Value>(
  before: ReadonlyMap<Key, Value>, { upserts, deletes }: MapDelta<Key, Value>, keyOf: (value: Value) => Key,
): ReadonlyMap<Key, Value> {
  if (upserts.length === 0 && deletes.length === 0) return before;
  const after = new Map(before);
  for (const key of deletes) after.delete(key);
  for (const value of upserts) after.set(keyOf(value), value);
  return after;
}
