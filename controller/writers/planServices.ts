import { printRef } from '../../core/ir/objectRef.ts';
import { RESOURCES } from '../cluster/resources.ts';
import type { LoadBalancerIngress } from '../model/objectBase.ts';
import { refOf } from '../model/objects.ts';
import type { Service } from '../model/service.ts';
import type { ServiceStatus } from '../translate/translation.ts';
import type { PlanContext } from './planWrites.ts';
import { ADDRESS_ASSIGNED, serviceCondition } from './serviceCondition.ts';
import { standingOf } from './standingStatus.ts';
import type { StatusWrite, WantedIngress, WantedStatus } from './statusWrite.ts';

const NONE: readonly string[] = [];
const REMOVED = { action: 'remove', type: ADDRESS_ASSIGNED } as const;

/** Statuses of Services: addresses and the condition of those that are ours, and what we left on those that are no longer. */
export function* planServices(context: PlanContext): Iterable<StatusWrite> {
  const ours = new Set<string>();
  for (const status of context.input.services) {
    const service = context.input.objects.get('Service', status.ref.namespace, status.ref.name);
    if (service === undefined || !status.ours) continue;
    ours.add(printRef(status.ref));
    yield writeOf(service, wantedOfOurs(service, status, context));
  }
  for (const service of context.input.objects.list('Service')) {
    if (ours.has(printRef(refOf(service)))) continue;
    const wanted = wantedOfOther(service, context);
    if (wanted !== null) yield writeOf(service, wanted);
  }
}

function writeOf(service: Service, wanted: WantedStatus): StatusWrite {
  const { uid, resourceVersion } = service.metadata;
  return { ref: refOf(service), resource: RESOURCES.Service, uid, resourceVersion, wanted, standing: standingOf(service) };
}

function wantedOfOurs(service: Service, status: ServiceStatus, context: PlanContext): WantedStatus {
  const condition = serviceCondition(status, context.refusals.get(printRef(status.ref)));
  const ingress: WantedIngress =
    status.addresses.length > 0
      ? { action: 'set', entries: entriesOf(service, status, context) }
      : { action: 'clear', owned: ownedOf(service, context) };
  return { ingress, condition: { action: 'set', ...condition }, usage: null };
}

function entriesOf(service: Service, { addresses }: ServiceStatus, { input }: PlanContext): LoadBalancerIngress[] {
  const ports = service.ports.map(({ port, protocol }) => ({ port, protocol }));
  const ipMode = input.ipModeOf(`${service.metadata.namespace}/${service.metadata.name}`);
  return addresses.map((ip) => ({ ip, hostname: '', ipMode, ports }));
}

/**
 * A Service of another class, type or product. The API server itself wipes the addresses of a Service whose type changes from
 * LoadBalancer (with any update of it), so that mostly the condition alone is left to be taken away. Null: nothing there is ours.
 */
function wantedOfOther(service: Service, context: PlanContext): WantedStatus | null {
  const owned = ownedOf(service, context);
  const marked = service.statusConditions.some(({ type }) => type === ADDRESS_ASSIGNED);
  return marked || owned.length > 0 ? { ingress: { action: 'clear', owned }, condition: REMOVED, usage: null } : null;
}

function ownedOf(service: Service, { ownership }: PlanContext): readonly string[] {
  const known = ownership.get(printRef(refOf(service)));
  return known?.uid === service.metadata.uid ? [...known.addresses].toSorted() : NONE;
}
