import { KubeError, type KubeApi } from '../cluster/kubeApi.ts';
import { LEASE, resourcePath } from '../cluster/resources.ts';
import type { FailedResult, ReadResult, WriteResult } from './electionState.ts';
import { decodeLease, encodeLease, type LeaseName } from './leaseCodec.ts';
import type { LeaseClaim, LeasePrecondition } from './leaseRecord.ts';

/** How one request is bounded. */
export interface RequestLimits {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** One Lease of the API server. Nothing here throws: what fails is told to `onFailure`, and is a result like the others. */
export interface LeaseStore {
  read(limits: RequestLimits): Promise<ReadResult>;
  write(claim: LeaseClaim, precondition: LeasePrecondition, limits: RequestLimits): Promise<WriteResult>;
}

/** What went wrong with a request that was meant to succeed. */
export type FailureListener = (verb: 'read' | 'write', error: unknown) => void;

/** The Lease of that name. Reads are consistent (no resourceVersion), writes conditional. */
export function createLeaseStore(api: KubeApi, lease: LeaseName, onFailure: FailureListener): LeaseStore {
  const collection = resourcePath(LEASE, { namespace: lease.namespace });
  const path = resourcePath(LEASE, lease);

  async function read(limits: RequestLimits): Promise<ReadResult> {
    try {
      const record = decodeLease(await api.request({ method: 'GET', path, ...limits }));
      return record === null ? failed('read', new Error('the answer is no Lease')) : { type: 'found', record };
    } catch (error) {
      return isCode(error, 'notFound') ? { type: 'absent' } : failed('read', error);
    }
  }

  async function write(claim: LeaseClaim, precondition: LeasePrecondition, limits: RequestLimits): Promise<WriteResult> {
    const body = encodeLease(lease, claim, precondition);
    const isCreation = precondition.type === 'absent';
    try {
      const place = isCreation ? { method: 'POST', path: collection } as const : { method: 'PUT', path } as const;
      const record = decodeLease(await api.request({ ...place, body, ...limits }));
      return record === null ? failed('write', new Error('the answer is no Lease')) : { type: 'written', record };
    } catch (error) {
      // A Lease that is gone is not the one that was read; of a creation the same code means that the namespace is not there.
      const isConflict = isCode(error, 'conflict') || (!isCreation && isCode(error, 'notFound'));
      return isConflict ? { type: 'conflict' } : failed('write', error);
    }
  }

  function failed(verb: 'read' | 'write', error: unknown): FailedResult {
    onFailure(verb, error);
    return { type: 'failed', retryAfterMs: error instanceof KubeError ? error.retryAfterMs : null, unreachable: isCode(error, 'unreachable') };
  }

  return { read, write };
}

function isCode(error: unknown, code: KubeError['code']): boolean {
  return error instanceof KubeError && error.code === code;
}
