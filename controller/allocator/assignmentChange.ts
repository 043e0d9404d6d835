/**
 * Why the addresses of a Service change. These are all the causes there are:
 * - `new`: it had none
 * - `notLoadBalancer`: it is gone, or no longer ours by type, class or opt-in
 * - `leader`: the leader has decided so; only where another process gives addresses
 * - `outsidePools`: its pool is gone or no longer holds the address
 * - `avoidBuggyIPs`: its pool no longer gives addresses that end in .0 and .255
 * - `serviceAllocation`: its pool is no longer for Services like it
 * - `otherPoolWanted`, `otherAddressWanted`: it asks for another pool or address, and has been given it
 * - `families`: it asks for other families
 * - `familyAdded`: it asks for one more family, or its pool now has the other one
 * - `poolsDiffer`: its two addresses are no longer in one pool
 * - `sharing`: it may no longer share the address with those that have it
 * - `incomplete`: it requires two addresses, and another pool than its own has both
 */
export type ChangeCause = 'new' | 'notLoadBalancer' | 'leader' | 'familyAdded' | LossCause;

/** Why a Service may not keep an address that it had. */
export type LossCause =
  | 'outsidePools'
  | 'avoidBuggyIPs'
  | 'serviceAllocation'
  | 'otherPoolWanted'
  | 'otherAddressWanted'
  | 'families'
  | 'poolsDiffer'
  | 'sharing'
  | 'incomplete';

/** One Service whose addresses differ from those of the last run. */
export interface AssignmentChange {
  /** `namespace/name`. */
  readonly service: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly cause: ChangeCause;
}

/** What people are told of a change, after the name of the Service: `its pool no longer holds the address`. */
export const CAUSE_TEXTS: Readonly<Record<ChangeCause, string>> = {
  new: 'it had no address',
  notLoadBalancer: 'it is gone, or no longer served by its type, class or opt-in',
  leader: 'the leader has decided so',
  familyAdded: 'an address of the other family could be added',
  outsidePools: 'no pool holds the address any more',
  avoidBuggyIPs: 'its pool no longer gives addresses that end in .0 and .255',
  serviceAllocation: "its pool's serviceAllocation no longer admits it",
  otherPoolWanted: 'it asks for another pool',
  otherAddressWanted: 'it asks for another address',
  families: 'it asks for other families',
  poolsDiffer: 'its two addresses are no longer in one pool',
  sharing: 'it may no longer share the address with those that have it',
  incomplete: 'it requires two addresses, and another pool has both',
};
