import type { MemberState } from '../parts.ts';
import type { AnnouncedVip, VipCandidate } from '../wanted.ts';
import { listNodes } from './decision.ts';

/** In `MemberState.unable`: the member can own no VIP at all yet, whatever interfaces it has. No wish looks like this. */
export const UNABLE_ALL = '*';

/** In `MemberState.unable`: the member could hold no Lease now. No wish looks like this. */
export const UNABLE_LEASES = 'lease';

/** How a VIP's wish for interfaces is named in `MemberState.unable`: `4:eth1,eth2`; `6:` is that for any interface that speaks IPv6. */
export function wishKey({ address, interfaces }: Pick<AnnouncedVip, 'address' | 'interfaces'>): string {
  return `${address.includes(':') ? 6 : 4}:${interfaces.join(',')}`;
}

/** Who may own a VIP now, or a sentence that says what is in the way. */
export type Eligibility =
  | {
      readonly type: 'eligible';
      readonly nodes: readonly VipCandidate[];
      /** No proxy of a candidate serves, and the VIP is of little use until one does. */
      readonly unserved: boolean;
    }
  | { readonly type: 'nobody'; readonly reason: string };

/** What a member says of itself, ready to be looked up: others may say much. */
export interface MemberFacts {
  readonly serving: boolean;
  readonly unable: ReadonlySet<string>;
  readonly held: ReadonlySet<string>;
}

export function memberFacts(alive: ReadonlyMap<string, MemberState>): ReadonlyMap<string, MemberFacts> {
  return new Map([...alive].map(([node, { serving, unable, held }]) => [node, { serving, unable: new Set(unable), held: new Set(held) }]));
}

/** Candidates ∩ alive ∩ able ∩ serving, as far as each applies; the first that leaves nobody is the reason. */
export function eligibleNodes(vip: AnnouncedVip, alive: ReadonlyMap<string, MemberFacts>): Eligibility {
  if (vip.candidates.length === 0) return { type: 'nobody', reason: 'no node may announce it' };
  const living = vip.candidates.filter(({ node }) => alive.has(node));
  if (living.length === 0) return { type: 'nobody', reason: `no candidate is alive: ${namesOf(vip.candidates)}` };
  const ready = living.filter(({ node }) => alive.get(node)?.unable.has(UNABLE_ALL) !== true);
  if (ready.length === 0) return { type: 'nobody', reason: `no candidate is ready (just started, without kernel forwarding, or not heard by the others): ${namesOf(living)}` };
  const key = wishKey(vip);
  const able = ready.filter(({ node }) => alive.get(node)?.unable.has(key) !== true);
  if (able.length === 0) return { type: 'nobody', reason: `no candidate has ${describeWish(vip)}: ${namesOf(ready)}` };
  const leasable = vip.ownership === 'lease' ? able.filter(({ node }) => alive.get(node)?.unable.has(UNABLE_LEASES) !== true) : able;
  if (leasable.length === 0) return { type: 'nobody', reason: `no candidate can hold its Lease (no API server, or no controller): ${namesOf(able)}` };
  const serving = vip.needsProxy ? leasable.filter(({ node }) => alive.get(node)?.serving === true) : leasable;
  return serving.length > 0 ? { type: 'eligible', nodes: serving, unserved: false } : { type: 'eligible', nodes: leasable, unserved: true };
}

function namesOf(candidates: readonly VipCandidate[]): string {
  return listNodes(candidates.map(({ node }) => node).sort());
}

function describeWish({ address, interfaces }: AnnouncedVip): string {
  const protocol = address.includes(':') ? 'NDP' : 'ARP';
  return `an interface for ${protocol}${interfaces.length === 0 ? '' : ` as asked for (${interfaces.join(' or ')})`}`;
}
