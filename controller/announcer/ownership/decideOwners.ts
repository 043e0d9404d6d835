import type { MemberState } from '../parts.ts';
import type { AnnouncedVip, VipCandidate } from '../wanted.ts';
import { nobody, type Decision, type Decisions } from './decision.ts';
import { eligibleNodes, memberFacts, type MemberFacts } from './eligibleNodes.ts';
import { ownershipHash, rendezvousScore } from './rendezvousScore.ts';
import { spreadEvenly, type Placement } from './spreadEvenly.ts';

/**
 * All that an owner depends on, and nothing of what only this node knows: nodes with equal inputs decide alike, and with different
 * ones for no longer than news takes.
 */
export interface OwnershipInput {
  /** By canonical address. */
  readonly vips: ReadonlyMap<string, AnnouncedVip>;
  /** Members that are alive, this node included. */
  readonly alive: ReadonlyMap<string, MemberState>;
  /** Nodes that may run an announcer, this one included. */
  readonly knownNodes: number;
  /** Nobody owns anything unless more than half of the known nodes are alive. */
  readonly quorum: boolean;
}

/** Who answers for each VIP (docs/decisions/0016-ownership.md). Pure; an address has one decision whatever Services share it. */
export function decideOwners(input: OwnershipInput): Decisions {
  const { vips, alive, knownNodes } = input;
  if (lacksQuorum(input)) {
    return mapValues(vips, () => nobody(`quorum: ${alive.size} of ${knownNodes} nodes ${alive.size === 1 ? 'is' : 'are'} alive, more than half must be`));
  }
  const decisions = new Map<string, Decision>();
  const groups = new Map<string, PendingGroup>();
  const facts = memberFacts(alive);
  for (const vip of vips.values()) {
    const settled = decideAlone(vip, facts);
    if (settled.type === 'decided') decisions.set(vip.address, settled.decision);
    else addToGroup(groups, vip, settled);
  }
  for (const group of groups.values()) decideGroup(group, decisions);
  return mapValues(vips, ({ address }) => decisions.get(address) ?? nobody('no candidate has room'));
}

/** True when nobody may own anything: too few nodes are alive. */
export function lacksQuorum({ alive, knownNodes, quorum }: Omit<OwnershipInput, 'vips'>): boolean {
  return quorum && alive.size * 2 <= knownNodes;
}

/** One VIP by itself: its owner is certain, or it depends on the other VIPs with the same choice. */
type Choice =
  | { readonly type: 'decided'; readonly decision: Decision }
  | { readonly type: 'spread'; readonly nodes: readonly string[]; readonly keeper: string | null; readonly kind: GroupKind; readonly of: string };

/** Only `free` VIPs never have a keeper, and they are apart from others so that what `held` lists say does not move them. */
type GroupKind = 'free' | 'sticky' | 'unserved';

function decideAlone(vip: AnnouncedVip, alive: ReadonlyMap<string, MemberFacts>): Choice {
  const eligibility = eligibleNodes(vip, alive);
  if (eligibility.type === 'nobody') return { type: 'decided', decision: nobody(eligibility.reason) };
  const best = mostPreferred(eligibility.nodes);
  if (vip.sharing === 'perClient') {
    const dark = eligibility.unserved ? '; no proxy of them serves' : '';
    const reason = `shared by ${best.length} of ${vip.candidates.length} candidates, each for its clients${dark}`;
    return { type: 'decided', decision: { owner: null, sharers: best, reason } };
  }
  // A proxy that does not serve is probably about to be back: nobody else is of more use until one serves.
  const keeps = vip.sticky || eligibility.unserved;
  const keeper = keeps ? holderOf(vip, eligibility.nodes, alive) : null;
  const { unserved } = eligibility;
  if (keeper !== null && !best.includes(keeper)) return owned(keeper, `${keeper} ${describeKeeping(unserved)}`);
  return { type: 'spread', nodes: best, keeper, kind: unserved ? 'unserved' : vip.sticky ? 'sticky' : 'free', of: describeField(vip, eligibility.nodes, best) };
}

function owned(owner: string, reason: string): Choice {
  return { type: 'decided', decision: { owner, sharers: [], reason } };
}

/** Sorted names. */
function mostPreferred(nodes: readonly VipCandidate[]): readonly string[] {
  const most = nodes.reduce((highest, { preference }) => Math.max(highest, preference), Number.NEGATIVE_INFINITY);
  return nodes.filter(({ preference }) => preference === most).map(({ node }) => node).sort();
}

/**
 * Who says that it holds a VIP. Where two say so, as after a partition, the more preferred keeps it, then the higher bidder;
 * the other finds out in the same way.
 */
function holderOf(vip: AnnouncedVip, nodes: readonly VipCandidate[], alive: ReadonlyMap<string, MemberFacts>): string | null {
  const holders = mostPreferred(nodes.filter(({ node }) => alive.get(node)?.held.has(vip.address) === true));
  const addressHash = ownershipHash(vip.address);
  let best: string | null = null;
  let bestScore = -1;
  for (const node of holders) {
    const score = rendezvousScore(ownershipHash(node), addressHash);
    if (score <= bestScore) continue;
    best = node;
    bestScore = score;
  }
  return best;
}

function describeField(vip: AnnouncedVip, eligible: readonly VipCandidate[], best: readonly string[]): string {
  const all = vip.candidates.length;
  if (all === 1) return 'the only candidate';
  if (eligible.length === 1) return `the only one of ${all} candidates that can`;
  const preferred = best.length < eligible.length ? `, ${best.length} of them preferred` : '';
  return eligible.length === all ? `of ${all} candidates${preferred}` : `of ${eligible.length} that can, of ${all} candidates${preferred}`;
}

/** VIPs of one kind with the same nodes to choose from. */
interface PendingGroup {
  readonly nodes: readonly string[];
  readonly kind: GroupKind;
  readonly keepers: Map<string, string | null>;
  readonly of: Map<string, string>;
}

function addToGroup(groups: Map<string, PendingGroup>, { address }: AnnouncedVip, choice: Extract<Choice, { type: 'spread' }>): void {
  const { nodes, kind, keeper, of } = choice;
  const key = `${kind} ${nodes.join(' ')}`;
  const group: PendingGroup = groups.get(key) ?? { nodes, kind, keepers: new Map(), of: new Map() };
  group.keepers.set(address, keeper);
  group.of.set(address, of);
  groups.set(key, group);
}

function decideGroup({ nodes, kind, keepers, of }: PendingGroup, decisions: Map<string, Decision>): void {
  for (const [address, placement] of spreadEvenly({ nodes, addresses: keepers })) {
    const isKept = (keepers.get(address) ?? null) !== null;
    const why = isKept ? `: ${describeKeeping(kind === 'unserved')}` : describePlacement(placement, nodes.length);
    const dark = kind === 'unserved' && !isKept ? '; no proxy of a candidate serves' : '';
    decisions.set(address, { owner: placement.node, sharers: [], reason: `${placement.node}, ${of.get(address) ?? ''}${why}${dark}` });
  }
}

function describeKeeping(unserved: boolean): string {
  return `holds it and keeps it (${unserved ? 'no proxy of a candidate serves' : 'sticky'})`;
}

function describePlacement({ rank }: Placement, nodes: number): string {
  if (nodes === 1) return '';
  return rank === 0 ? ': highest hash' : `: hash number ${rank + 1}, as those before have their share`;
}

function mapValues<Key, From, To>(map: ReadonlyMap<Key, From>, to: (value: From) => To): Map<Key, To> {
  const mapped = new Map<Key, To>();
  for (const [key, value] of map) mapped.set(key, to(value));
  return mapped;
}
