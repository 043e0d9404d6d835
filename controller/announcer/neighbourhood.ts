import { isDeepStrictEqual } from 'node:util';
import { parseIpAddress } from '../../core/net/ipAddress.ts';
import { inRange, parseCidr, type IpRange } from '../../core/net/ipRange.ts';
import { UNABLE_ALL } from './ownership/eligibleNodes.ts';
import type { Link, MemberState, Neighbourhood } from './parts.ts';
import type { AnnouncerWanted } from './wanted.ts';

/**
 * Ours: how long flows go on to a node whose announcer is heard no more. Its kernel forwards without one, so that a restart ends no
 * connection; a node that is dead has lost its endpoints anyway.
 */
export const NEIGHBOUR_GRACE_MS = 60_000;

/** What is known when somebody asks. */
export interface NeighbourFacts {
  readonly nodes: AnnouncerWanted['nodes'];
  readonly links: readonly Link[];
  /** Members that are alive, by node name; null: they have not been heard yet. */
  readonly alive: ReadonlyMap<string, MemberState> | null;
  /** Monotonic. */
  readonly nowMs: number;
}

/** Follows which nodes flows may be handed over to. */
export interface NeighbourBook {
  /** As things stand now; the same object as before where nothing has changed. To be asked again after `NEIGHBOUR_GRACE_MS`. */
  look(facts: NeighbourFacts): Neighbourhood;
}

/** A book without entries. `self`: the name of this node. */
export function createNeighbourBook(self: string): NeighbourBook {
  const heardMs = new Map<string, number>();
  let last: Neighbourhood = { uplinks: [], neighbours: null };

  function hear(alive: ReadonlyMap<string, MemberState>, nowMs: number): void {
    for (const [node, { unable }] of alive) if (!unable.includes(UNABLE_ALL)) heardMs.set(node, nowMs);
    for (const [node, atMs] of heardMs) if (nowMs - atMs >= NEIGHBOUR_GRACE_MS) heardMs.delete(node);
  }

  return {
    look: ({ nodes, links, alive, nowMs }) => {
      if (alive !== null) hear(alive, nowMs);
      const others = [...nodes].filter(([node]) => node !== self);
      const uplinks = directLinks(links).filter(({ ranges }) => others.some(([, addresses]) => onLink(addresses, ranges).length > 0));
      const ranges = uplinks.flatMap((link) => link.ranges);
      const neighbours = others.filter(([node]) => heardMs.has(node)).map(([node, addresses]) => [node, onLink(addresses, ranges)] as const)
        .filter(([, addresses]) => addresses.length > 0);
      const next: Neighbourhood = {
        uplinks: uplinks.map(({ index }) => index).toSorted((a, b) => a - b),
        neighbours: alive === null && last.neighbours === null ? null : new Map(neighbours),
      };
      if (!isDeepStrictEqual(last, next)) last = next;
      return last;
    },
  };
}

/** Links whose neighbours are found by ARP or NDP: others (tunnels) do not carry packets to an address that is not their peer's. */
function directLinks(links: readonly Link[]): readonly { readonly index: number; readonly ranges: readonly IpRange[] }[] {
  return links.filter(({ up, loopback, noArp, mac }) => up && !loopback && !noArp && mac !== '').map(({ index, addresses }) => ({
    index,
    ranges: addresses.flatMap(({ address, prefixLength }) => {
      const parsed = parseCidr(`${address}/${prefixLength}`);
      return parsed.ok ? [parsed.range] : [];
    }),
  }));
}

function onLink(addresses: readonly string[], ranges: readonly IpRange[]): readonly string[] {
  return addresses.filter((text) => {
    const address = parseIpAddress(text);
    return address !== null && ranges.some((range) => inRange(range, address));
  });
}
