/** What a Lease says of its holder (coordination.k8s.io/v1 LeaseSpec), and what a conditional write of it needs. */
export interface LeaseRecord {
  /** Of this very object: one that is deleted and made again has another. */
  readonly uid: string;
  readonly resourceVersion: string;
  /** Empty: nobody. Null: something that is no identity, so somebody we cannot name. */
  readonly holder: string | null;
  /** Null when it is missing or no positive integer. */
  readonly leaseDurationSeconds: number | null;
  /** MicroTime as written; empty when missing. Shown and handed on, never compared with a clock. */
  readonly acquireTime: string;
  readonly renewTime: string;
  /** How often the Lease has changed hands; 0 when it does not say. */
  readonly transitions: number;
  /** The object as it came: what we do not know of stays in it when we write. */
  readonly source: Readonly<Record<string, unknown>>;
}

/** The fields of a Lease that an election writes. */
export type LeaseClaim = Pick<LeaseRecord, 'acquireTime' | 'renewTime' | 'transitions'> & {
  /** Empty: released. */
  readonly holder: string;
  readonly leaseDurationSeconds: number;
};

/** What must hold for a write to happen: no such Lease, or exactly the one that was read. */
export type LeasePrecondition =
  | { readonly type: 'absent' }
  | { readonly type: 'unchanged'; readonly record: LeaseRecord };

/** `leaseDurationSeconds` of a released Lease, as client-go writes it: tells a release from a holder that somebody erased. */
export const RELEASED_LEASE_SECONDS = 1;

/** True when both say the same of who holds it since when. A change of labels alone, or of the version, is no renewal. */
export function isSameRecord(a: LeaseRecord, b: LeaseRecord): boolean {
  return a.uid === b.uid
    && a.holder === b.holder
    && a.leaseDurationSeconds === b.leaseDurationSeconds
    && a.acquireTime === b.acquireTime
    && a.renewTime === b.renewTime
    && a.transitions === b.transitions;
}

/** meta/v1 MicroTime of microseconds since the epoch: `2026-01-02T03:04:05.000006Z`. */
export function microTime(epochMicros: number): string {
  const ms = Math.floor(epochMicros / 1000);
  const micros = String(epochMicros - ms * 1000).padStart(3, '0');
  return `${new Date(ms).toISOString().slice(0, -1)}${micros}Z`;
}
