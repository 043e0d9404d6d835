import { printRef } from '../../core/ir/objectRef.ts';
import type { Ingress } from '../model/ingress.ts';
import type { LoadBalancerIngress } from '../model/objectBase.ts';
import { refOf } from '../model/objects.ts';
import type { Service } from '../model/service.ts';
import type { WriterInput } from './writerInput.ts';

/** Addresses in one object's status that are ours to take away. */
export interface OwnedAddresses {
  readonly kind: 'Service' | 'Ingress';
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Of the object as it was last read. */
  readonly resourceVersion: string;
  /** IPs and host names. */
  readonly addresses: ReadonlySet<string>;
}

/** What is ours in the statuses of Services and Ingresses, by `Kind namespace/name`. */
export type Ownership = ReadonlyMap<string, OwnedAddresses>;

/**
 * Follows what is ours from input to input; every replica does, so that a new leader knows what was given before its time. An
 * address is ours while the object is ours and wants it, and afterwards as long as it stands in the status, or may stand there
 * since the object has not been read anew. After a restart the condition of a Service says the same; for an Ingress nothing does,
 * and what stands there stays.
 */
export function advanceOwnership(before: Ownership, input: WriterInput): Ownership {
  const after = new Map<string, OwnedAddresses>();
  for (const [key, owned] of before) {
    const kept = carryOver(owned, input);
    if (kept !== null) after.set(key, kept);
  }
  const released = new Map(input.assignmentChanges.map((change) => [change.service, change.before]));
  for (const { ref, ours, addresses } of input.services) {
    const service = input.objects.get('Service', ref.namespace, ref.name);
    if (service === undefined || !ours) continue;
    const had = released.get(`${ref.namespace}/${ref.name}`) ?? [];
    own(after, service, had.length === 0 ? addresses : [...addresses, ...had]);
  }
  const published = input.ingressAddresses?.map((address) => nameOf(address)) ?? null;
  for (const { ref } of input.ingresses) {
    const ingress = input.objects.get('Ingress', ref.namespace, ref.name);
    // While they are not known nothing is written, and what was ours before is carried over above.
    if (ingress !== undefined && published !== null) own(after, ingress, published);
  }
  return after;
}

/** What is still ours of it; null: nothing. The same object when nothing has changed, as is so for nearly all of them. */
function carryOver(owned: OwnedAddresses, { objects }: WriterInput): OwnedAddresses | null {
  const object = objects.get(owned.kind, owned.namespace, owned.name);
  if (object === undefined || object.metadata.uid !== owned.uid) return null;
  const { resourceVersion } = object.metadata;
  if (resourceVersion === owned.resourceVersion) return owned;
  const standing = object.statusLoadBalancer.map(nameOf).filter((address) => owned.addresses.has(address));
  return standing.length === 0 ? null : { ...owned, resourceVersion, addresses: new Set(standing) };
}

function own(after: Map<string, OwnedAddresses>, object: Service | Ingress, addresses: readonly string[]): void {
  const key = printRef(refOf(object));
  const known = after.get(key);
  if (addresses.every((address) => known?.addresses.has(address))) return;
  const { uid, resourceVersion, namespace, name } = object.metadata;
  const all = new Set([...(known?.addresses ?? []), ...addresses]);
  after.set(key, { kind: object.kind, namespace, name, uid, resourceVersion, addresses: all });
}

function nameOf({ ip, hostname }: Pick<LoadBalancerIngress, 'ip' | 'hostname'>): string {
  return ip === '' ? hostname : ip;
}
