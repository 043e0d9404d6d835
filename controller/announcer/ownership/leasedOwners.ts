import type { MemberState } from '../parts.ts';
import type { AnnouncedVip } from '../wanted.ts';
import { lacksQuorum, type OwnershipInput } from './decideOwners.ts';
import { nobody, type Decision, type Decisions } from './decision.ts';
import { eligibleNodes, memberFacts, UNABLE_LEASES } from './eligibleNodes.ts';

/** What a node knows of Leases. */
export interface LeaseFacts {
  readonly self: string;
  /** VIPs whose Lease this node holds. */
  readonly rights: { has(address: string): boolean };
}

/**
 * Who answers for the VIPs with `ownership: lease`, of which `wished` says who is to; all others are as there. This node answers as
 * long as it holds the Lease and can, also while another is to take it over: which of the two is seen to by the controller, that gives the
 * Lease up. Of other nodes it says what they say.
 */
export function leasedOwners(wished: Decisions, input: OwnershipInput, facts: LeaseFacts): Decisions {
  const leased = [...input.vips.values()].filter(({ ownership }) => ownership === 'lease');
  if (leased.length === 0) return wished;
  const decisions = new Map(wished);
  const holders = holdersAmong(leased, input.alive, facts.self);
  const canAnswer = ownAbility(input, facts.self);
  for (const vip of leased) {
    const wish = wished.get(vip.address) ?? nobody('nothing is decided');
    const answers = facts.rights.has(vip.address) && canAnswer(vip);
    decisions.set(vip.address, answers ? ownDecision(facts.self, wish) : otherDecision(holders.get(vip.address) ?? null, wish));
  }
  return decisions;
}

/** VIPs with `ownership: lease` that `self` is to own. */
export function leasesWanted(wished: Decisions, vips: ReadonlyMap<string, AnnouncedVip>, self: string): readonly string[] {
  return [...vips.values()].filter(({ address, ownership }) => ownership === 'lease' && wished.get(address)?.owner === self).map(({ address }) => address);
}

/** Members, but for `self`, that say that they hold one of these. */
function holdersAmong(leased: readonly AnnouncedVip[], alive: ReadonlyMap<string, MemberState>, self: string): ReadonlyMap<string, string> {
  const addresses = new Set(leased.map(({ address }) => address));
  const others = [...alive].filter(([node]) => node !== self);
  return new Map(others.flatMap(([node, { held }]) => held.filter((address) => addresses.has(address)).map((address) => [address, node] as const)));
}

/** Whether this node could own a VIP if there were no Leases, alone if need be. */
function ownAbility(input: OwnershipInput, self: string): (vip: AnnouncedVip) => boolean {
  const state = input.alive.get(self);
  if (state === undefined || lacksQuorum(input)) return () => false;
  const unable = state.unable.filter((key) => key !== UNABLE_LEASES);
  const alone = memberFacts(new Map([[self, { ...state, unable }]]));
  return (vip) => eligibleNodes(vip, alone).type === 'eligible';
}

function ownDecision(self: string, { owner, reason }: Decision): Decision {
  if (owner === self) return { owner, sharers: [], reason: `${reason}; holds its Lease` };
  const until = owner === null ? reason : `until ${owner} takes it over`;
  return { owner: self, sharers: [], reason: `${self} holds its Lease, ${until}` };
}

function otherDecision(holder: string | null, wish: Decision): Decision {
  if (holder !== null) return { owner: holder, sharers: [], reason: `${holder} says that it holds its Lease` };
  return wish.owner === null ? wish : nobody(`${wish.owner} is to own it (${wish.reason}) and does not hold its Lease yet`);
}
