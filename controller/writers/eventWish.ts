import { printRef, type ObjectRef } from '../../core/ir/objectRef.ts';
import { apiVersionOf, RESOURCES } from '../cluster/resources.ts';
import { CAUSE_TEXTS, type AssignmentChange } from '../allocator/assignmentChange.ts';
import { foreignType } from '../decode/compat/foreignForms.ts';
import { refOf, type Kind, type KubeObject } from '../model/objects.ts';
import type { ServiceStatus } from '../translate/translation.ts';
import type { OwnerMove, OwnerNews } from './ownerNews.ts';
import { problemReason } from './problemReason.ts';
import { cutMessage, problemText } from './problemText.ts';
import type { WriterInput } from './writerInput.ts';

/** The object an Event is about (core/v1 ObjectReference). */
export interface InvolvedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Something to be told about an object. */
export interface EventWish {
  readonly object: InvolvedObject;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** Identity of what is told: of the very object, the reason and the words. */
export function eventKey({ object, reason, message }: EventWish): string {
  return `${object.uid} ${reason} ${message}`;
}

/** What the problems of now say, each once, by `eventKey`. Objects that the API server does not have have no Events. */
export function problemEvents(input: WriterInput): ReadonlyMap<string, EventWish> {
  const ours = new Set([...input.services.filter((status) => status.ours), ...input.ingresses].map(({ ref }) => printRef(ref)));
  const refusals = Map.groupBy(input.refusals, ({ service }) => printRef(service));
  const wishes = new Map<string, EventWish>();
  for (const problem of input.problems) {
    const object = problem.object === null ? undefined : findObject(problem.object, input);
    if (object === undefined || problem.object === null || isForeign(object, ours)) continue;
    const reason = problemReason(problem, refusals.get(printRef(problem.object)) ?? []);
    const wish: EventWish = { object: involvedObject(object), type: 'Warning', reason, message: problemText(problem) };
    wishes.set(eventKey(wish), wish);
  }
  return wishes;
}

/** What the changes of addresses say. What the status of a Service says already, after a restart, is no news. */
export function assignmentEvents(input: WriterInput): readonly EventWish[] {
  if (input.assignmentChanges.length === 0) return [];
  const statuses = new Map(input.services.map((status) => [`${status.ref.namespace}/${status.ref.name}`, status]));
  return input.assignmentChanges
    .map((change) => assignmentEvent(change, statuses.get(change.service), input))
    .filter((wish) => wish !== null);
}

function assignmentEvent(change: AssignmentChange, status: ServiceStatus | undefined, input: WriterInput): EventWish | null {
  const [namespace = '', name = ''] = change.service.split('/');
  const service = input.objects.get('Service', namespace, name);
  if (service === undefined || service.metadata.uid === '') return null;
  const standing = new Set(service.statusLoadBalancer.map(({ ip }) => ip));
  // What the leader did is told by the leader.
  if (change.cause === 'leader') return null;
  const known = change.after.length === standing.size && change.after.every((address) => standing.has(address));
  if (change.after.length > 0) {
    if (known) return null;
    const pool = status?.pool === null || status === undefined ? '' : ` from pool "${status.pool}"`;
    return eventOf(service, 'IPAllocated', `Assigned IP [${change.after.join(' ')}]${pool}`);
  }
  return eventOf(service, 'AddressReleased', `Released IP [${change.before.join(' ')}]: ${CAUSE_TEXTS[change.cause]}`);
}

/**
 * What new owners of addresses mean for a Service: one Event for each node that has begun to answer, in MetalLB's words. Of clients
 * that share an address nothing is told but that they do.
 */
export function ownerEvents({ service: ref, uid, others, moves }: OwnerNews, { objects }: Pick<WriterInput, 'objects'>): readonly EventWish[] {
  const service = objects.get('Service', ref.namespace, ref.name);
  if (service === undefined || service.metadata.uid !== uid) return [];
  return [...Map.groupBy(moves, ({ to }) => to)].map(([to, same]) => {
    const addresses = !others && same.length === moves.length ? '' : ` for ${same.map(({ address }) => address).join(' ')}`;
    return eventOf(service, 'nodeAssigned', `${announcing(to)}${addresses}${movedFrom(same)}`);
  });
}

function announcing(node: string | null): string {
  const who = node === null ? 'every node that may, each for its own clients (sharing: perClient),' : `node ${JSON.stringify(node)}`;
  return `announcing from ${who} with protocol "layer2"`;
}

function movedFrom(moves: readonly OwnerMove[]): string {
  const nodes = [...new Set(moves.flatMap(({ from }) => from ?? []))];
  if (nodes.length === 0) return '';
  return `, moved from ${nodes.map((node) => JSON.stringify(node)).join(' and ')}: ${moves[0]?.reason ?? ''}`;
}

function eventOf(object: KubeObject, reason: string, message: string): EventWish {
  return { object: involvedObject(object), type: 'Normal', reason, message: cutMessage(message) };
}

function findObject(ref: ObjectRef, { objects }: WriterInput): KubeObject | undefined {
  if (!Object.hasOwn(RESOURCES, ref.kind)) return undefined;
  const object = objects.get(ref.kind as Kind, ref.namespace, ref.name);
  return object === undefined || object.metadata.uid === '' ? undefined : object;
}

/** A Service of type LoadBalancer, or an Ingress, that another product answers for. */
function isForeign(object: KubeObject, ours: ReadonlySet<string>): boolean {
  if (object.kind !== 'Ingress' && (object.kind !== 'Service' || object.type !== 'LoadBalancer')) return false;
  return !ours.has(printRef(refOf(object)));
}

/** An object as Events name it: one of another product by that product's kind. */
export function involvedObject(object: KubeObject): InvolvedObject {
  const { namespace, name, uid, resourceVersion } = object.metadata;
  const foreign = 'group' in object ? foreignType(object.kind, object.group) : null;
  const own = { apiVersion: apiVersionOf(RESOURCES[object.kind]), kind: object.kind };
  return { ...(foreign ?? own), namespace, name, uid, resourceVersion };
}
