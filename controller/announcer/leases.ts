import type { Right } from '../election/electionState.ts';

/** What the controller knows of the Leases of VIPs with `ownership: lease`: whole each time. */
export interface LeaseNews {
  /** Rises with each; from 1 on. */
  readonly sequence: number;
  /** The API server answers, so that this node could hold a Lease. */
  readonly reachable: boolean;
  /**
   * Until when this node surely holds a VIP's Lease, by address; `untilMonotonicMs` is of CLOCK_MONOTONIC. What is missing must not
   * be answered for from now on.
   */
  readonly rights: ReadonlyMap<string, Right>;
}

/** What the announcer would do with Leases. */
export interface LeaseWishes {
  /** Sequence of the news heeded last; 0: none. For a VIP without a right in it nothing is answered any more. */
  readonly heeded: number;
  /** VIPs with `ownership: lease` that this node is to own, whether or not it holds their Leases. */
  readonly wanted: readonly string[];
}
