import { printRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import { refOf } from '../../model/objects.ts';
import type { Service, ServicePort } from '../../model/service.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { annotationField, OWN_PREFIX } from '../annotations/readAnnotations.ts';
import { compareAge } from '../ingressAge.ts';
import { problemOf } from '../problemOf.ts';
import { CANARY_WEIGHT_TOTAL, SERVICE_ROWS } from './serviceRows.ts';
import { readServiceRow } from './serviceSettings.ts';

/** A Service that takes a share of another one's connections. */
export interface ServiceCanary {
  readonly service: Service;
  /** 0 to CANARY_WEIGHT_TOTAL; those of one primary add up to no more. */
  readonly weight: number;
}

/** `namespace/name` of a primary → its canaries, oldest first. */
export type ServiceCanaries = ReadonlyMap<string, readonly ServiceCanary[]>;

const CANARY_OF = annotationField(OWN_PREFIX + SERVICE_ROWS.canaryOf.name);
const CANARY_WEIGHT = annotationField(OWN_PREFIX + SERVICE_ROWS.canaryWeight.name);
const NO_SHARE = 'the canary gets no connections, the primary serves all';

/**
 * Which Services are canaries of which. `primaries` are those whose ports are carried at all. A canary that cannot be
 * obeyed is a problem of its own and leaves the primary as it is.
 */
export function findServiceCanaries(
  objects: ObjectIndex,
  services: readonly Service[],
  primaries: ReadonlySet<string>,
): { readonly canaries: ServiceCanaries; readonly problems: readonly Problem[] } {
  const canaries = new Map<string, ServiceCanary[]>();
  const problems: Problem[] = [];
  for (const service of services.filter(isCanary).toSorted(compareAge)) {
    const { value: primaryName, problems: nameProblems } = readServiceRow(service, SERVICE_ROWS.canaryOf);
    problems.push(...nameProblems);
    if (primaryName === null) continue;
    const refusal = refusalOf(service, primaryName, { objects, primaries });
    if (refusal !== null) {
      problems.push(problemOf(service, { severity: 'error', field: CANARY_OF, rule: refusal, value: primaryName, effect: NO_SHARE }));
      continue;
    }
    const key = `${service.metadata.namespace}/${primaryName}`;
    const older = canaries.get(key) ?? [];
    canaries.set(key, [...older, { service, weight: weightOf(service, older, problems) }]);
  }
  return { canaries, problems };
}

/** The port of a canary that shares a port of its primary: of the same number, else of the same name. */
export function canaryPort(canary: Service, port: ServicePort): ServicePort | null {
  const ofProtocol = canary.ports.filter(({ protocol }) => protocol === port.protocol);
  const byNumber = ofProtocol.find((candidate) => candidate.port === port.port);
  return byNumber ?? ofProtocol.find(({ name }) => name !== '' && name === port.name) ?? null;
}

/** The problem of a canary that has nothing to share a port with, or no endpoint for it. */
export function canaryFault(canary: Service, rule: string): Problem {
  return problemOf(canary, { severity: 'warning', field: CANARY_OF, rule, effect: 'the primary serves all connections there' });
}

function isCanary(service: Service): boolean {
  return (service.metadata.annotations.get(OWN_PREFIX + SERVICE_ROWS.canaryOf.name) ?? '') !== '';
}

function refusalOf(
  service: Service,
  primaryName: string,
  { objects, primaries }: { readonly objects: ObjectIndex; readonly primaries: ReadonlySet<string> },
): string | null {
  const { namespace, name } = service.metadata;
  if (primaryName === name) return 'must not name the Service itself';
  const primary = objects.get('Service', namespace, primaryName);
  if (primary === undefined) return `must name a Service of namespace ${namespace} that exists`;
  if (isCanary(primary)) return `must not name a Service that is a canary itself; ${printRef(refOf(primary))} is`;
  if (primaries.has(`${namespace}/${primaryName}`)) return null;
  return 'must name a Service of type LoadBalancer, or one in the tcp-services or udp-services ConfigMap';
}

/** What the older canaries have left of the total. */
function weightOf(service: Service, older: readonly ServiceCanary[], problems: Problem[]): number {
  const { value: wanted, problems: faults } = readServiceRow(service, SERVICE_ROWS.canaryWeight);
  problems.push(...faults);
  if (!service.metadata.annotations.has(OWN_PREFIX + SERVICE_ROWS.canaryWeight.name)) {
    const rule = `needs ${OWN_PREFIX}${SERVICE_ROWS.canaryWeight.name} beside it`;
    problems.push(problemOf(service, { severity: 'warning', field: CANARY_OF, rule, effect: 'the canary gets no connections' }));
  }
  const left = CANARY_WEIGHT_TOTAL - older.reduce((sum, { weight }) => sum + weight, 0);
  if (wanted <= left) return wanted;
  const rule = `weights of all canaries of one Service must add up to ${CANARY_WEIGHT_TOTAL} at most`;
  const effect = `the canary gets the ${left} that older ones leave`;
  problems.push(problemOf(service, { severity: 'warning', field: CANARY_WEIGHT, rule, value: wanted, effect }));
  return left;
}
