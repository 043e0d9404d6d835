import { apiVersionOf, LEASE } from '../cluster/resources.ts';
import type { LeaseClaim, LeasePrecondition, LeaseRecord } from './leaseRecord.ts';

/** Longest identity we take for one; a Node's name has at most 253 characters, and ours adds 37. */
const MAX_IDENTITY_CHARS = 1024;

/** Which Lease. */
export interface LeaseName {
  readonly namespace: string;
  readonly name: string;
}

/** A Lease as the API server gave it; null when it is no object with a version. A senseless spec is read as far as it makes sense. */
export function decodeLease(value: unknown): LeaseRecord | null {
  if (!isRecord(value)) return null;
  const metadata = recordOf(value['metadata']);
  const spec = recordOf(value['spec']);
  const resourceVersion = textOf(metadata['resourceVersion']);
  if (resourceVersion === '') return null;
  const seconds = spec['leaseDurationSeconds'];
  const transitions = spec['leaseTransitions'];
  return {
    uid: textOf(metadata['uid']),
    resourceVersion,
    holder: holderOf(spec['holderIdentity']),
    leaseDurationSeconds: isCount(seconds) && seconds > 0 ? seconds : null,
    acquireTime: textOf(spec['acquireTime']),
    renewTime: textOf(spec['renewTime']),
    transitions: isCount(transitions) ? transitions : 0,
    source: value,
  };
}

/**
 * The object to send. Its uid and resourceVersion make the API server refuse it (409) unless the Lease is the one that was
 * read; the uid is needed besides, as a PUT would create a Lease that is gone.
 */
export function encodeLease(name: LeaseName, claim: LeaseClaim, precondition: LeasePrecondition): unknown {
  const source = precondition.type === 'absent' ? {} : precondition.record.source;
  return {
    ...source,
    apiVersion: apiVersionOf(LEASE),
    kind: 'Lease',
    metadata: { ...keptMetadata(source), name: name.name, namespace: name.namespace, ...versionOf(precondition) },
    spec: {
      ...recordOf(source['spec']),
      holderIdentity: claim.holder,
      leaseDurationSeconds: claim.leaseDurationSeconds,
      acquireTime: claim.acquireTime,
      renewTime: claim.renewTime,
      leaseTransitions: claim.transitions,
    },
  };
}

function versionOf(precondition: LeasePrecondition): Record<string, string> {
  if (precondition.type === 'absent') return {};
  const { uid, resourceVersion } = precondition.record;
  return uid === '' ? { resourceVersion } : { uid, resourceVersion };
}

/** Without managedFields: they are the API server's to keep, and larger than all the rest. */
function keptMetadata(source: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { managedFields: _, ...kept } = recordOf(source['metadata']);
  return kept;
}

function holderOf(value: unknown): string | null {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' && value.length <= MAX_IDENTITY_CHARS ? value : null;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
