/**
 * Why the addresses of a Service change. These are all the causes there are:
 * - `new`: it had none
 * - `notLoadBalancer`: it is gone, or of another type or class
 * - `outsidePools`: its pool is gone or no longer holds the address
 * - `avoidBuggyIPs`: its pool no longer gives addresses that end in .0 and .255
 * - `otherPoolWanted`, `otherAddressWanted`: it asks for another pool or address
 * - `families`: it asks for other families
 * - `familyAdded`: it asks for one more family, or its pool now has the other one
 * - `poolsDiffer`: its two addresses are no longer in one pool
 * - `sharing`: it may no longer share the address with those that have it
 * - `incomplete`: it wants two addresses and there is no second one
 */
export type ChangeCause = 'new' | 'notLoadBalancer' | 'familyAdded' | LossCause;

/** Why a Service may not keep an address that it had. */
export type LossCause =
  | 'outsidePools'
  | 'avoidBuggyIPs'
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
