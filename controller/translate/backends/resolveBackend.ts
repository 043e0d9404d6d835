import type { Endpoint } from '../../../core/ir/cluster.ts';
import type { IngressBackendService } from '../../model/ingress.ts';
import type { Service, ServicePort } from '../../model/service.ts';
import type { ObjectIndex } from '../../model/store.ts';
import type { TranslateOptions } from '../translation.ts';
import { portText } from '../clusterRequest.ts';
import { judgeExternalName } from './externalName.ts';
import { endpointsOfService, type EndpointRules } from './serviceEndpoints.ts';

/** Why a backend has nothing ready to serve it. */
export interface BackendFault {
  readonly severity: 'error' | 'warning';
  /** Part of the backend that is at fault: `service.name` or `service.port`. */
  readonly part: 'service.name' | 'service.port';
  readonly rule: string;
  /** For `explain`: the same as a statement. */
  readonly unavailable: string;
}

/** What stands behind a backend of an Ingress. */
export interface ResolvedBackend {
  readonly endpoints: readonly Endpoint[];
  /** Null when at least one endpoint is ready. */
  readonly fault: BackendFault | null;
}

const MAX_PORT = 65_535;

/** Where Services may lead, and where we are. */
export type AllowedBackends = EndpointRules & Pick<TranslateOptions, 'allowExternalName'>;

/** A port of a Service, and which of its endpoints are wanted. */
export interface BackendQuery {
  readonly namespace: string;
  readonly backend: IngressBackendService;
  /** Default: TCP. */
  readonly protocol?: 'TCP' | 'UDP';
  /** Only endpoints on this node; default: all. */
  readonly node?: string | null;
}

/** Finds the endpoints of a Service's port. */
export function resolveBackend(objects: ObjectIndex, query: BackendQuery, allowed: AllowedBackends): ResolvedBackend {
  const { namespace, backend, node = null } = query;
  const name = `${namespace}/${backend.service}`;
  const service = objects.get('Service', namespace, backend.service);
  if (service === undefined) {
    return missing('service.name', 'must name a Service that exists', `Service ${name} does not exist`);
  }
  if (service.type === 'ExternalName') return resolveExternalName(service, query, allowed);
  const port = findPort(service, query);
  if (port === undefined) return missingPort(service, query);
  const found = endpointsOfService(objects, { service, port, node }, allowed);
  if (found.endpoints.some((endpoint) => endpoint.state === 'ready')) return { endpoints: found.endpoints, fault: null };
  const unavailable = `Service ${name} ${emptyReason(found, port, node)}`;
  const rule = `must have a ready endpoint; ${unavailable}`;
  return { endpoints: found.endpoints, fault: { severity: 'warning', part: 'service.name', rule, unavailable } };
}

function resolveExternalName(service: Service, query: BackendQuery, allowed: AllowedBackends): ResolvedBackend {
  const name = `${service.metadata.namespace}/${service.metadata.name}`;
  if (!allowed.allowExternalName) {
    return missing(
      'service.name',
      'must not be an ExternalName Service unless --allow-external-name is given',
      `Service ${name} is of type ExternalName, which is not allowed`,
    );
  }
  const port = externalPort(service, query);
  if (port === undefined || port < 1 || port > MAX_PORT) return missingPort(service, query);
  const judged = judgeExternalName(service.externalName, allowed.allowLocalBackends);
  if (judged.type === 'refused') {
    return missing('service.name', `externalName of ${name} ${judged.rule}`, `externalName of Service ${name} is refused`);
  }
  return { endpoints: [{ host: judged.host, port, weight: 1, state: 'ready' }], fault: null };
}

/** As ingress-nginx: the target port; a Service that lists no ports leaves the number to the Ingress. */
function externalPort(service: Service, query: BackendQuery): number | undefined {
  const { backend } = query;
  const declared = findPort(service, query);
  if (declared !== undefined) return typeof declared.targetPort === 'number' ? declared.targetPort : declared.port;
  return service.ports.length === 0 && backend.port.type === 'number' ? backend.port.number : undefined;
}

function findPort(service: Service, { backend, protocol = 'TCP' }: BackendQuery): ServicePort | undefined {
  const { port } = backend;
  const ofProtocol = service.ports.filter((candidate) => candidate.protocol === protocol);
  return ofProtocol.find((candidate) => (port.type === 'number' ? candidate.port === port.number : candidate.name === port.name));
}

function missingPort(service: Service, { backend, protocol = 'TCP' }: BackendQuery): ResolvedBackend {
  const name = `${service.metadata.namespace}/${service.metadata.name}`;
  const ports = service.ports
    .filter((port) => port.protocol === protocol)
    .map((port) => (port.name === '' ? `${port.port}` : `${port.port} (${port.name})`));
  const has = ports.length === 0 ? `it has no ${protocol} port` : `it has ${ports.slice(0, 10).join(', ')}`;
  const unavailable = `Service ${name} has no port ${portText(backend)}`;
  return missing('service.port', `must be a ${protocol} port of Service ${name}; ${has}`, unavailable);
}

function emptyReason(found: ReturnType<typeof endpointsOfService>, port: ServicePort, node: string | null): string {
  if (!found.hasObject) return 'has no EndpointSlice';
  if (node !== null && found.elsewhere) return `has no ready endpoint on node ${node}, where externalTrafficPolicy Local wants it`;
  if (found.refused) return 'has no ready endpoint but such as must not be used without --allow-local-backends';
  if (found.hasPort) return 'has no ready endpoint';
  return `has no EndpointSlice with ${port.name === '' ? 'an unnamed port' : `a port named ${port.name}`}`;
}

function missing(part: BackendFault['part'], rule: string, unavailable: string): ResolvedBackend {
  return { endpoints: [], fault: { severity: 'error', part, rule, unavailable } };
}
