import { isDeepStrictEqual } from 'node:util';
import type { ObjectRef } from '../../core/ir/objectRef.ts';
import { decodeObject, type Decoded } from '../decode/decodeObject.ts';
import { entryOf, isPlainMap } from '../decode/plainMap.ts';
import type { IPAddressPool } from '../model/addressPool.ts';
import type { KubeObject } from '../model/objects.ts';
import { splitFaults } from './newFaults.ts';
import { judgeAnnouncement, usersOfProfile, type Announcement } from './reviewAnnouncement.ts';
import { isOurIngress, judgeIngress } from './reviewIngress.ts';
import { ALLOWED, type Change, type Findings, type Review, type ReviewContext, type ReviewRequest } from './reviewInput.ts';
import { judgePool, lostAddresses } from './reviewPool.ts';
import { isOurService, judgeService } from './reviewService.ts';

/** Kinds that are judged, by `group kind`; what else comes is allowed without a look. */
const JUDGED = new Set([
  'networking.k8s.io Ingress',
  ' Service',
  ...['IPAddressPool', 'L2Advertisement', 'BGPAdvertisement', 'BGPPeer', 'BFDProfile', 'Community'].map((kind) => `gatehouse.dev ${kind}`),
]);

/**
 * Judges one change by the decoders and rules of translation itself, so that what is denied here is what would be a problem
 * there. Pure: reads what it is given, changes and executes nothing.
 *
 * Denied are faults of severity `error` that the change brings; those that were there before, and all of severity `warning`,
 * are warnings. Always allowed: what is not ours, what is being deleted (but for a BFDProfile in use), a change of anything but
 * spec and annotations, and every Service of type LoadBalancer: a cluster's Services must not depend on us.
 */
export function reviewObject(request: ReviewRequest, context: ReviewContext): Review {
  if (!JUDGED.has(`${request.group} ${request.kind}`) || request.subResource !== '') return ALLOWED;
  if (request.operation === 'DELETE') return reviewDelete(request, context);
  const changes = request.operation === 'CREATE' || (request.operation === 'UPDATE' && changesWhatIsRead(request));
  return changes && !isBeingDeleted(request.object) ? reviewWrite(request, context) : ALLOWED;
}

function reviewDelete(request: ReviewRequest, { objects }: ReviewContext): Review {
  const { object, ref } = decodeObject(request.oldObject, null);
  if (object === null || ref === null) return ALLOWED;
  if (object.kind === 'BFDProfile') return verdict(ref, { now: usersOfProfile(object, objects), before: [] });
  if (object.kind !== 'IPAddressPool') return ALLOWED;
  return verdict(ref, { now: lostAddresses({ ref, object: null, oldObject: object }, objects), before: [] });
}

function reviewWrite(request: ReviewRequest, context: ReviewContext): Review {
  const now = decodeObject(request.object, null);
  if (now.ref === null || !mayBeOurs(now, request.object, context)) return ALLOWED;
  const old: Decoded = request.operation === 'UPDATE' ? decodeObject(request.oldObject, null) : ABSENT;
  // What was somebody else's has no faults that we have let pass.
  const before = old.ref !== null && mayBeOurs(old, request.oldObject, context) ? old : ABSENT;
  const found = now.object === null ? NOTHING : findingsOf(now.object, before.object, context);
  const all: Findings = { now: [...now.problems, ...found.now], before: [...before.problems, ...found.before] };
  return request.kind === 'Service' ? { ...ALLOWED, ref: now.ref, warnings: all.now } : verdict(now.ref, all);
}

const NOTHING: Findings = { now: [], before: [] };
const ABSENT: Decoded = { object: null, ref: null, problems: [] };

/** Faults of an object that could be decoded, and what its old form had. */
function findingsOf(object: KubeObject, oldObject: KubeObject | null, context: ReviewContext): Findings {
  switch (object.kind) {
    case 'Ingress':
      return judgeIngress(object, oldObject?.kind === 'Ingress' ? oldObject : null, context);
    case 'Service':
      return { now: judgeService(object, context), before: [] };
    case 'IPAddressPool':
      return poolFindings(object, oldObject?.kind === 'IPAddressPool' ? oldObject : null, context);
    case 'L2Advertisement':
    case 'BGPAdvertisement':
    case 'BGPPeer':
    case 'BFDProfile':
    case 'Community':
      return judgeAnnouncement(changeOf<Announcement>(object, isAnnouncement(oldObject) ? oldObject : null), context.objects);
    case 'IngressClass':
    case 'EndpointSlice':
    case 'Endpoints':
    case 'Secret':
    case 'ConfigMap':
    case 'Namespace':
    case 'Node':
    case 'ServiceVIPStatus':
      return NOTHING;
  }
}

function poolFindings(pool: IPAddressPool, old: IPAddressPool | null, { objects }: ReviewContext): Findings {
  const change = changeOf<IPAddressPool>(pool, old);
  const own = judgePool(pool, old, objects);
  // A pool that shrinks may become smaller than what an advertisement aggregates.
  const announced = judgeAnnouncement(change, objects);
  return {
    now: [...own.now, ...announced.now, ...lostAddresses(change, objects)],
    before: [...own.before, ...announced.before],
  };
}

function changeOf<T extends KubeObject>(object: T, oldObject: T | null): Change<T> {
  const { kind, metadata } = object;
  return { ref: { kind, namespace: metadata.namespace, name: metadata.name }, object, oldObject };
}

function isAnnouncement(object: KubeObject | null): object is Announcement {
  return object !== null && ['L2Advertisement', 'BGPAdvertisement', 'BGPPeer', 'BFDProfile', 'Community'].includes(object.kind);
}

function verdict(ref: ObjectRef, findings: Findings): Review {
  const { added, kept } = splitFaults(findings);
  const problems = added.filter(({ severity }) => severity === 'error');
  if (problems.length > 0) return { ref, allowed: false, problems, warnings: [] };
  return { ref, allowed: true, problems, warnings: [...added, ...kept] };
}

/** Whether an object is ours by its class. One that cannot be decoded is asked by its class alone; kinds of our own always are. */
function mayBeOurs(decoded: Decoded, raw: unknown, context: ReviewContext): boolean {
  const kind = decoded.ref?.kind;
  if (kind !== 'Ingress' && kind !== 'Service') return true;
  const object = decoded.object ?? decodeObject(skeletonOf(raw), null).object;
  return object?.kind === 'Ingress' ? isOurIngress(object, context) : object?.kind === 'Service' && isOurService(object, context);
}

/** Of an object that cannot be used only what says whose it is. */
function skeletonOf(raw: unknown): unknown {
  if (!isPlainMap(raw)) return null;
  const spec = entryOf(raw, 'spec');
  const className = isPlainMap(spec) ? entryOf(spec, 'ingressClassName') : undefined;
  return { ...raw, spec: className === undefined ? {} : { ingressClassName: className } };
}

/** What Gatehouse obeys is in spec and annotations; labels choose pools only, owners and finalizers nothing. */
function changesWhatIsRead({ object, oldObject }: ReviewRequest): boolean {
  return !isDeepStrictEqual(partsOf(object), partsOf(oldObject));
}

function partsOf(object: unknown): unknown {
  if (!isPlainMap(object)) return null;
  const metadata = entryOf(object, 'metadata');
  return [entryOf(object, 'spec'), isPlainMap(metadata) ? (entryOf(metadata, 'annotations') ?? {}) : {}];
}

function isBeingDeleted(object: unknown): boolean {
  const metadata = isPlainMap(object) ? entryOf(object, 'metadata') : undefined;
  return isPlainMap(metadata) && entryOf(metadata, 'deletionTimestamp') !== undefined;
}
