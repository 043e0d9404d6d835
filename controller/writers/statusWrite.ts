import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { Resource } from '../cluster/resources.ts';
import type { PoolStatus } from '../model/addressPool.ts';
import type { Condition, LoadBalancerIngress } from '../model/objectBase.ts';
import type { StandingStatus } from './standingStatus.ts';

/** What `status.loadBalancer.ingress` should be. */
export type WantedIngress =
  | { readonly action: 'set'; readonly entries: readonly LoadBalancerIngress[] }
  /**
   * Nothing, if all that stands there is ours: among `owned`, or given by us as the condition beside it says. Judged when it is
   * written, of what stands then: nothing that another controller wrote is cleared.
   */
  | { readonly action: 'clear'; readonly owned: readonly string[] };

/** What an object's status should say; null: that part is left as it is. */
export interface WantedStatus {
  readonly ingress: WantedIngress | null;
  /** Our one condition on the object: as it should be, or to be taken away. */
  readonly condition:
    | ({ readonly action: 'set' } & Condition)
    | { readonly action: 'remove'; readonly type: string }
    | null;
  readonly usage: PoolStatus | null;
}

/** One status that may have to be written. */
export interface StatusWrite {
  readonly ref: ObjectRef;
  readonly resource: Resource;
  /** An object of the same name and another uid is another object. */
  readonly uid: string;
  /** Of the object that was wanted to be so; tells a newer reading from an older one. */
  readonly resourceVersion: string;
  readonly wanted: WantedStatus;
  /** Null: the object must be read first. */
  readonly standing: StandingStatus | null;
}

/** Comparable form of what is wanted. */
export function wantedText(wanted: WantedStatus): string {
  return JSON.stringify(wanted);
}
