import type { MemberState } from '../../parts.ts';
import type { AnnouncedVip } from '../../wanted.ts';
import { decideOwners, type OwnershipInput } from '../decideOwners.ts';
import type { Decision, Decisions } from '../decision.ts';

/** A member that serves, has every interface, and holds nothing. */
export const SERVING: MemberState = { serving: true, unable: [], held: [] };

/** Members that serve, but for what `states` says. */
export function members(names: readonly string[], states: Readonly<Record<string, Partial<MemberState>>> = {}): Map<string, MemberState> {
  return new Map(names.map((name) => [name, { ...SERVING, ...states[name] }]));
}

/** An ordinary VIP whose candidates are `nodes`, none of them preferred. */
export function vipOf(address: string, nodes: readonly string[], fields: Partial<AnnouncedVip> = {}): AnnouncedVip {
  return {
    address, candidates: nodes.map((node) => ({ node, preference: 0 })), interfaces: [], sharing: 'owner', sticky: false, ownership: 'hash', needsProxy: false,
    services: [`default/${address}`], ...fields,
  };
}

export function mapOfVips(vips: readonly AnnouncedVip[]): Map<string, AnnouncedVip> {
  return new Map(vips.map((vip) => [vip.address, vip]));
}

/** IPv4 addresses of a pool, from its start. */
export function pool(count: number, prefix = '10.1'): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}.${index >> 8}.${index & 255}`);
}

export function decide(vips: readonly AnnouncedVip[], alive: ReadonlyMap<string, MemberState>, more: Partial<OwnershipInput> = {}): Decisions {
  return decideOwners({ vips: mapOfVips(vips), alive, knownNodes: alive.size, quorum: false, ...more });
}

/** The decision about the first of `vips`. */
export function decideFirst(
  vips: readonly AnnouncedVip[], alive: ReadonlyMap<string, MemberState>, more: Partial<OwnershipInput> = {},
): Decision {
  const decision = decide(vips, alive, more).get(vips[0]?.address ?? '');
  if (decision === undefined) throw new Error('there is no decision');
  return decision;
}

/** Addresses that are owned by another node than before. */
export function movedBetween(before: Decisions, after: Decisions): readonly string[] {
  return [...before].filter(([address, { owner }]) => after.has(address) && after.get(address)?.owner !== owner).map(([address]) => address);
}
