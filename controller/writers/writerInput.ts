import type { Problem } from '../../core/ir/problem.ts';
import type { AssignmentChange } from '../allocator/assignmentChange.ts';
import type { PoolView } from '../allocator/poolView.ts';
import type { AllocationRefusal } from '../allocator/refusal.ts';
import type { VipReport } from '../announcer/report.ts';
import type { ObjectIndex } from '../model/store.ts';
import type { IngressStatus, ServiceStatus } from '../translate/translation.ts';

/** Who answers for a VIP on the local network, and why. */
export type VipOwner = Pick<VipReport, 'owner' | 'sharers' | 'reason'>;

/** What is true after a translation: from it follow the statuses, conditions and Events that should stand in the API server. */
export interface WriterInput {
  /** The objects as they were last read, with their present statuses and resourceVersions. */
  readonly objects: ObjectIndex;
  readonly services: readonly ServiceStatus[];
  readonly ingresses: readonly IngressStatus[];
  /** Addresses of every Ingress that is ours. Empty: it is reached at none. Null: not known now, what stands there stays. */
  readonly ingressAddresses: readonly { readonly ip: string; readonly hostname: string }[] | null;
  readonly pools: readonly PoolView[];
  readonly problems: readonly Problem[];
  /** Services that do not have what they ask for, each once, and why in a closed form; `problems` has the same in words. */
  readonly refusals: readonly AllocationRefusal[];
  /** What the last translation changed; each is handed over once. */
  readonly assignmentChanges: readonly AssignmentChange[];
  /**
   * Of the addresses of a Service (`namespace/name`): `Proxy` while a node of ours carries them, so that kube-proxy leaves them alone
   * (KEP-1860). Else `VIP`: if nobody carries them, kube-proxy is all that Pods have.
   */
  readonly ipModeOf: (service: string) => 'VIP' | 'Proxy';
  /** Announced addresses, canonical → who answers, as this node's announcer sees it; null: none has told anything. */
  readonly vipOwners: ReadonlyMap<string, VipOwner> | null;
  /**
   * True: from a translation that only kept addresses, as this process did not lead then. Nothing is written from it: to a new
   * leader it would say that Services wait which are about to get an address.
   */
  readonly isKept?: boolean;
}

/** Keeps the API server's statuses in line; lives as long as the process. */
export interface Writer {
  /** Returns at once; only the newest input counts, assignment changes of earlier ones excepted. */
  update(input: WriterInput): void;
  /** Ends; what is under way is given up. */
  stop(): Promise<void>;
}
