import { printRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import { refOf, type BGPAdvertisement, type IPAddressPool, type L2Advertisement } from '../../model/objects.ts';
import { problemOf } from '../problemOf.ts';
import { isWellKnownCommunity } from './bgp/communityValues.ts';
import { meet, type NodeReach } from './nodeReach.ts';
import { selectedPools, widestBlocks } from './poolSelection.ts';

/** What advertisements refer to, by name whatever the namespace. */
export interface AdvertisementContext {
  readonly pools: readonly IPAddressPool[];
  readonly poolNames: ReadonlySet<string>;
  readonly peerNames: ReadonlySet<string>;
  readonly communityNames: ReadonlySet<string>;
  readonly reachOf: NodeReach;
}

/** Families with the field that says how their addresses are aggregated. */
const AGGREGATIONS = [
  { family: 'IPv4', field: 'aggregationLength' },
  { family: 'IPv6', field: 'aggregationLengthV6' },
] as const;

/** Comparisons of two advertisements (ours); a cluster has some dozens of them. */
const MAX_COMPARISONS = 200_000;

/** Names that an advertisement of either kind refers to and that nothing has: a warning, what is missing may be on its way. */
export function judgeReferences(advertisement: L2Advertisement | BGPAdvertisement, context: AdvertisementContext): readonly Problem[] {
  const { ipAddressPools: names } = advertisement;
  const missing = missingNames(advertisement, { list: 'ipAddressPools', names, known: context.poolNames, kind: 'an IPAddressPool' });
  if (advertisement.kind === 'L2Advertisement') return missing;
  const aliases = advertisement.communities.map((text) => (text.includes(':') || isWellKnownCommunity(text) ? '' : text));
  return [
    ...missing,
    ...missingNames(advertisement, { list: 'peers', names: advertisement.peers, known: context.peerNames, kind: 'a BGPPeer' }),
    ...missingNames(advertisement, { list: 'communities', names: aliases, known: context.communityNames, kind: 'an entry of a Community' }),
  ];
}

interface References {
  readonly list: string;
  /** Empty texts refer to nothing. */
  readonly names: readonly string[];
  readonly known: ReadonlySet<string>;
  /** With its article. */
  readonly kind: string;
}

function missingNames(advertisement: L2Advertisement | BGPAdvertisement, { list, names, known, kind }: References): Problem[] {
  return [...names.entries()]
    .filter(([, name]) => name !== '' && !known.has(name))
    .map(([index, value]) =>
      problemOf(advertisement, {
        severity: 'warning',
        field: `spec.${list}[${index}]`,
        rule: `must name ${kind} that exists`,
        value,
        effect: 'it says nothing until there is one',
      }),
    );
}

/** Lengths of aggregation that would announce more than the pool: addresses that are somebody else's. */
export function judgeAggregation(advertisement: BGPAdvertisement, pools: readonly IPAddressPool[]): readonly Problem[] {
  const problems: Problem[] = [];
  for (const { family, field } of AGGREGATIONS) {
    const length = advertisement[field];
    const short = selectedPools(advertisement, pools).find((pool) => length < (widestBlocks(pool)[family] ?? 0));
    if (short === undefined) continue;
    const widest = widestBlocks(short)[family] ?? 0;
    const rule = `must be at least ${widest}, the widest block of ${printRef(refOf(short))}`;
    problems.push(problemOf(advertisement, { severity: 'error', field: `spec.${field}`, rule, value: length, effect: 'the pool is not announced by it' }));
  }
  return problems;
}

/** An advertisement as far as it can contradict another. */
interface Claim {
  readonly advertisement: BGPAdvertisement;
  /** Null: all peers. */
  readonly peers: ReadonlySet<string> | null;
}

/**
 * Advertisements that give one prefix two values of localPref for the same peer from the same node. Those with
 * serviceSelectors are left out: they are judged for each Service. They come oldest first; the older one counts.
 */
export function judgeLocalPref(advertisements: readonly BGPAdvertisement[], { pools, reachOf }: AdvertisementContext): readonly Problem[] {
  const problems: Problem[] = [];
  /** `pool family length` → advertisements that announce it. */
  const claims = new Map<string, Claim[]>();
  let comparisons = 0;
  for (const advertisement of advertisements) {
    if (advertisement.serviceSelectors.length > 0) continue;
    const claim: Claim = { advertisement, peers: advertisement.peers.length === 0 ? null : new Set(advertisement.peers) };
    const opponent = enter(claim);
    if (opponent !== null) problems.push(contradiction(advertisement, opponent));
    if (comparisons > MAX_COMPARISONS) return [...problems, tooMany(advertisement)];
  }
  return problems;

  /** Adds the claim to all prefixes it is for; returns the oldest that contradicts it, if there is one. */
  function enter(claim: Claim): BGPAdvertisement | null {
    let opponent: BGPAdvertisement | null = null;
    for (const key of prefixKeys(claim.advertisement, pools)) {
      const others = claims.get(key) ?? [];
      comparisons += 1 + others.length;
      opponent ??= others.find((other) => contradict(claim, other, reachOf))?.advertisement ?? null;
      claims.set(key, others);
      others.push(claim);
    }
    return opponent;
  }
}

function prefixKeys(advertisement: BGPAdvertisement, pools: readonly IPAddressPool[]): string[] {
  return selectedPools(advertisement, pools).flatMap((pool) =>
    AGGREGATIONS.filter(({ family }) => widestBlocks(pool)[family] !== null).map(
      ({ family, field }) => `${pool.metadata.name} ${family} ${advertisement[field]}`,
    ),
  );
}

function contradict(one: Claim, other: Claim, reachOf: NodeReach): boolean {
  if (one.advertisement.localPref === other.advertisement.localPref) return false;
  if (one.peers !== null && other.peers !== null && one.peers.isDisjointFrom(other.peers)) return false;
  return meet(reachOf(one.advertisement.nodeSelectors), reachOf(other.advertisement.nodeSelectors));
}

function contradiction(advertisement: BGPAdvertisement, holder: BGPAdvertisement): Problem {
  const theirs = holder.localPref === null ? 'none' : String(holder.localPref);
  return problemOf(advertisement, {
    severity: 'error',
    field: 'spec.localPref',
    rule: `must be that of other advertisements of the same pools, peers and nodes; ${printRef(refOf(holder))} has ${theirs}`,
    value: advertisement.localPref ?? 'none',
    effect: `where both apply, ${printRef(refOf(holder))} counts`,
  });
}

function tooMany(advertisement: BGPAdvertisement): Problem {
  return problemOf(advertisement, {
    severity: 'warning',
    field: 'spec.localPref',
    rule: 'cannot be compared with that of all other advertisements: there are too many for the same pools',
    effect: 'a contradiction between younger ones would go unnoticed',
  });
}
