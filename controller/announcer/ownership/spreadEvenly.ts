import { ownershipHash, rendezvousScore } from './rendezvousScore.ts';

/** Addresses that the very same nodes may own, with nothing to choose between those nodes. */
export interface SpreadGroup {
  /** In any order, without repetitions, not empty. */
  readonly nodes: readonly string[];
  /** Address → who keeps it whatever the hash says; null: the hash decides. */
  readonly addresses: ReadonlyMap<string, string | null>;
}

/** Who owns an address, and the place that node has in the address's own order: 0 is its highest bidder. */
export interface Placement {
  readonly node: string;
  readonly rank: number;
}

/**
 * Places the addresses of a group by rendezvous hash with bounded loads: an address goes to the highest bidder that has not its
 * share yet. The result depends on the group alone, not on the order of nodes or addresses, nor on what was before; and it is the
 * same when any part of it is fixed beforehand, so that nodes which know more or less about who keeps what agree.
 */
export function spreadEvenly({ nodes, addresses }: SpreadGroup): Map<string, Placement> {
  const share = evenShare(addresses.size, nodes.length);
  const bidders = nodes.map((name) => ({ name, hash: ownershipHash(name), load: 0 })).sort((a, b) => (a.name < b.name ? -1 : 1));
  const byName = new Map(bidders.map((bidder) => [bidder.name, bidder]));
  const placements = new Map<string, Placement>();
  for (const [address, keeper] of addresses) {
    const bidder = keeper === null ? undefined : byName.get(keeper);
    if (bidder === undefined) continue;
    bidder.load += 1;
    placements.set(address, { node: bidder.name, rank: 0 });
  }
  for (const { address, hash } of inHashOrder(addresses.keys())) {
    if (placements.has(address)) continue;
    const bidder = highestBidder(bidders, hash, share);
    if (bidder === null) continue;
    bidder.load += 1;
    placements.set(address, { node: bidder.name, rank: rankOf(bidder, bidders, hash) });
  }
  return placements;
}

/**
 * How many addresses one node may have: no more than one while there are no more addresses than nodes, then the average, rounded up,
 * and an eighth of it, rounded up: without that, one more address or one node less would move others that nobody has touched.
 */
export function evenShare(addresses: number, nodes: number): number {
  const average = Math.ceil(addresses / nodes);
  return average <= 1 ? average : average + Math.ceil(average / 8);
}

interface Bidder {
  readonly name: string;
  readonly hash: number;
  load: number;
}

function inHashOrder(addresses: Iterable<string>): { readonly address: string; readonly hash: number }[] {
  const hashed = Array.from(addresses, (address) => ({ address, hash: ownershipHash(address) }));
  return hashed.sort((a, b) => a.hash - b.hash || (a.address < b.address ? -1 : 1));
}

/** Null: there are no nodes. There is room for all: the shares of a group add up to at least its addresses. */
function highestBidder(bidders: readonly Bidder[], addressHash: number, share: number): Bidder | null {
  let best: Bidder | null = null;
  let bestScore = -1;
  for (const bidder of bidders) {
    if (bidder.load >= share) continue;
    const score = rendezvousScore(bidder.hash, addressHash);
    // Bidders are sorted: of two equal bids the first name wins.
    if (score <= bestScore) continue;
    best = bidder;
    bestScore = score;
  }
  return best;
}

function rankOf(chosen: Bidder, bidders: readonly Bidder[], addressHash: number): number {
  const score = rendezvousScore(chosen.hash, addressHash);
  return bidders.filter(({ hash, name }) => {
    const other = rendezvousScore(hash, addressHash);
    return other > score || (other === score && name < chosen.name);
  }).length;
}
