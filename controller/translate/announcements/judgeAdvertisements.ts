import { printRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import type { IpAddress } from '../../../core/net/ipAddress.ts';
import type { IPAddressPool } from '../../model/addressPool.ts';
import type { BGPAdvertisement, L2Advertisement } from '../../model/advertisements.ts';
import { refOf } from '../../model/objects.ts';
import { compareAge } from '../ingressAge.ts';
import { problemOf } from '../problemOf.ts';
import { aggregateOf, isTooNarrow, rangesOf, type Aggregate } from './bgp/aggregate.ts';
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

/**
 * Names that an advertisement of either kind refers to and that nothing has: a warning, what is missing may be on its way. Without a
 * community nothing is announced: it may be the one that keeps routes from spreading.
 */
export function judgeReferences(advertisement: L2Advertisement | BGPAdvertisement, context: AdvertisementContext): readonly Problem[] {
  const { ipAddressPools: names } = advertisement;
  const missing = missingNames(advertisement, { list: 'ipAddressPools', names, known: context.poolNames, kind: 'an IPAddressPool' });
  if (advertisement.kind === 'L2Advertisement') return missing;
  const aliases = advertisement.communities.map((text) => (text.includes(':') || isWellKnownCommunity(text) ? '' : text));
  return [
    ...missing,
    ...missingNames(advertisement, { list: 'peers', names: advertisement.peers, known: context.peerNames, kind: 'a BGPPeer' }),
    ...missingNames(advertisement, {
      list: 'communities', names: aliases, known: context.communityNames, kind: 'an entry of a Community', without: 'announces nothing',
    }),
  ];
}

interface References {
  readonly list: string;
  /** Empty texts refer to nothing. */
  readonly names: readonly string[];
  readonly known: ReadonlySet<string>;
  /** With its article. */
  readonly kind: string;
  /** What the advertisement does without it; left out: that which names it says nothing. */
  readonly without?: string;
}

function missingNames(
  advertisement: L2Advertisement | BGPAdvertisement, { list, names, known, kind, without = 'says nothing' }: References,
): Problem[] {
  return [...names.entries()]
    .filter(([, name]) => name !== '' && !known.has(name))
    .map(([index, value]) =>
      problemOf(advertisement, {
        severity: 'warning',
        field: `spec.${list}[${index}]`,
        rule: `must name ${kind} that exists`,
        value,
        effect: `it ${without} until there is one`,
      }),
    );
}

/** Lengths of aggregation that would announce more than a pool: addresses that are somebody else's. */
export function judgeAggregation(advertisement: BGPAdvertisement, pools: readonly IPAddressPool[]): readonly Problem[] {
  const selected = selectedPools(advertisement, pools);
  return AGGREGATIONS.flatMap(({ family, field }) =>
    selected.filter((pool) => isTooNarrow(pool, family, advertisement)).map((pool) => {
      const rule = `must be at least ${widestBlocks(pool)[family]}, the widest block of ${printRef(refOf(pool))}`;
      const effect = `${family} addresses of the pool are not announced by it`;
      return problemOf(advertisement, { severity: 'error', field: `spec.${field}`, rule, value: advertisement[field], effect });
    }));
}

/** Lengths of aggregation whose networks reach beyond a range of a pool: what is announced there is narrower, and the user is to know. */
export function judgeNarrowing(advertisement: BGPAdvertisement, pools: readonly IPAddressPool[]): readonly Problem[] {
  const ranges = selectedPools(advertisement, pools).flatMap((pool) => rangesOf(pool).map((poolRange) => ({ pool, ...poolRange })));
  return AGGREGATIONS.flatMap(({ family, field }) => {
    const length = advertisement[field];
    const isNarrower = (aggregate: Aggregate): boolean => aggregate.length > length;
    const announced = ranges.filter(({ pool, range }) => range.family === family && !isTooNarrow(pool, family, advertisement));
    const all = announced.map(({ range }) => range);
    for (const { pool, text, range } of announced) {
      const ends: readonly IpAddress[] = [{ family, value: range.first }, { family, value: range.last }];
      // Where networks fit into the range itself the others need not be looked at.
      if (!ends.some((end) => isNarrower(aggregateOf(end, advertisement, [range])))) continue;
      const narrower = ends.map((end) => aggregateOf(end, advertisement, all)).find(isNarrower);
      if (narrower === undefined) continue;
      const rule = `makes networks that reach beyond ${text} of ${printRef(refOf(pool))}`;
      const effect = `addresses at its ends are announced in narrower ones, such as ${narrower.prefix}`;
      return [problemOf(advertisement, { severity: 'warning', field: `spec.${field}`, rule, value: length, effect })];
    }
    return [];
  });
}

/** An advertisement as far as it can contradict another. */
interface Claim {
  readonly advertisement: BGPAdvertisement;
  /** Null: all peers. */
  readonly peers: ReadonlySet<string> | null;
}

/**
 * Advertisements that give one prefix two values of localPref for the same peer from the same node. Those with
 * serviceSelectors are left out: they are judged for each Service. They come oldest first; the oldest that has a value counts.
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

  /** Adds the claim to all prefixes it is for; returns the oldest with a value that contradicts it, else one without, if there is one. */
  function enter(claim: Claim): BGPAdvertisement | null {
    const opponents: BGPAdvertisement[] = [];
    for (const key of prefixKeys(claim.advertisement, pools)) {
      const others = claims.get(key) ?? [];
      comparisons += 1 + others.length;
      opponents.push(...others.filter((other) => contradict(claim, other, reachOf)).map(({ advertisement }) => advertisement));
      claims.set(key, others);
      others.push(claim);
    }
    const sorted = opponents.toSorted(compareAge);
    return sorted.find(({ localPref }) => localPref !== null) ?? sorted[0] ?? null;
  }
}

function prefixKeys(advertisement: BGPAdvertisement, pools: readonly IPAddressPool[]): string[] {
  return selectedPools(advertisement, pools).flatMap((pool) =>
    AGGREGATIONS.filter(({ family }) => widestBlocks(pool)[family] !== null && !isTooNarrow(pool, family, advertisement)).map(
      ({ family, field }) => `${pool.metadata.name} ${family} ${advertisement[field]}`,
    ),
  );
}

function contradict(one: Claim, other: Claim, reachOf: NodeReach): boolean {
  if (one.advertisement.localPref === other.advertisement.localPref) return false;
  if (one.peers !== null && other.peers !== null && one.peers.isDisjointFrom(other.peers)) return false;
  return meet(reachOf(one.advertisement.nodeSelectors), reachOf(other.advertisement.nodeSelectors));
}

/** Where one of them has no value, the other's is sent: nothing that somebody asked for is left undone, which is worth a word only. */
function contradiction(advertisement: BGPAdvertisement, holder: BGPAdvertisement): Problem {
  const counting = holder.localPref === null ? advertisement : holder;
  return problemOf(advertisement, {
    severity: advertisement.localPref === null || holder.localPref === null ? 'warning' : 'error',
    field: 'spec.localPref',
    rule: `must be that of other advertisements of the same pools, peers and nodes; ${printRef(refOf(holder))} has ${holder.localPref ?? 'none'}`,
    value: advertisement.localPref ?? 'none',
    effect: `where both apply, the ${counting.localPref} of ${printRef(refOf(counting))} is sent`,
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
