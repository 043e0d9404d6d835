import { hash32, mix32 } from '../../../core/balance/hash32.ts';

/** Which node answers whom for one VIP (`perClient` sharing): alike on all nodes that know the same nodes. */
export interface Sharing {
  /** Null: there are no nodes. */
  sharerOf(asker: Uint8Array): string | null;
}

interface Bidder {
  readonly node: string;
  readonly seeds: readonly [number, number];
}

/**
 * Rendezvous hash over nodes: the highest bidder for (VIP, asker) answers, so that a node that goes or comes moves its
 * own clients only. `asker` is the asking IPv4 address, or for IPv6 the asking link-layer address: a station asks from
 * its global addresses at first and from its link-local one later, and must not be sent to and fro.
 */
export function createSharing(vip: string, nodes: readonly string[]): Sharing {
  const bidders: readonly Bidder[] = [...new Set(nodes)].toSorted().map((node) => {
    const name = `${vip}#${node}`;
    return { node, seeds: [hash32(name, 0), hash32(name, 1)] };
  });
  return {
    sharerOf(asker) {
      let best: string | null = null;
      let highest = -1;
      for (const { node, seeds } of bidders) {
        const score = scoreOf(asker, seeds);
        // Equal scores: the first by name, on every node.
        if (score > highest) [best, highest] = [node, score];
      }
      return best;
    },
  };
}

/** The node among `nodes` that answers `asker` for `vip`; null: there are none. */
export function sharerOf(vip: string, asker: Uint8Array, nodes: readonly string[]): string | null {
  return createSharing(vip, nodes).sharerOf(asker);
}

function scoreOf(asker: Uint8Array, [first, second]: readonly [number, number]): number {
  let score = first;
  for (let at = 0; at < asker.length; at += 4) score = mix32(score ^ wordAt(asker, at));
  return mix32(score ^ second);
}

function wordAt(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 24) | ((octets[at + 1] ?? 0) << 16) | ((octets[at + 2] ?? 0) << 8) | (octets[at + 3] ?? 0);
}
