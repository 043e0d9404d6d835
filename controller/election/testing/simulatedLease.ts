import type { ElectionAction, ReadResult, WriteResult } from '../electionState.ts';
import type { LeaseRecord } from '../leaseRecord.ts';

/** For tests: the one Lease of a simulated API server, with versions and conditional writes. */
export interface SimulatedLease {
  current(): LeaseRecord | null;
  read(): ReadResult;
  write(action: Extract<ElectionAction, { type: 'write' }>): WriteResult;
  /** Somebody else's change, without a condition. */
  edit(change: (record: LeaseRecord) => Partial<LeaseRecord>): void;
  remove(): void;
}

/** For tests: no Lease yet. */
export function createSimulatedLease(): SimulatedLease {
  let record: LeaseRecord | null = null;
  let version = 0;

  function store(fields: Omit<LeaseRecord, 'resourceVersion'>): LeaseRecord {
    version += 1;
    record = { ...fields, resourceVersion: String(version) };
    return record;
  }

  return {
    current: () => record,
    read: () => (record === null ? { type: 'absent' } : { type: 'found', record }),
    write({ claim, precondition }) {
      if (precondition.type === 'absent') {
        if (record !== null) return { type: 'conflict' };
        return { type: 'written', record: store({ ...claim, uid: `uid-${version + 1}`, source: {} }) };
      }
      const { uid, resourceVersion } = precondition.record;
      if (record === null || record.uid !== uid || record.resourceVersion !== resourceVersion) return { type: 'conflict' };
      const isSame = record.renewTime === claim.renewTime && record.holder === claim.holder && record.transitions === claim.transitions;
      // As the API server does: a write that changes nothing makes no new version.
      return { type: 'written', record: isSame ? record : store({ ...record, ...claim }) };
    },
    edit(change) {
      if (record !== null) store({ ...record, ...change(record) });
    },
    remove() {
      record = null;
    },
  };
}
