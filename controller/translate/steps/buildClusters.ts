import type { Cluster, ClusterKey } from '../../../core/ir/cluster.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import { normalizeHostName } from '../../../core/net/hostPattern.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { resolveBackend, type AllowedBackends, type BackendFault, type ResolvedBackend } from '../backends/resolveBackend.ts';
import { backendField, portText, type ClusterRequest, type ClusterUse } from '../clusterRequest.ts';
import { compareText } from '../ingressAge.ts';
import { problemOf } from '../problemOf.ts';
import { transportTo } from '../transportPolicy.ts';

/** Clusters sorted by key; what is wrong with a backend is reported once for each Ingress that uses it. */
export function buildClusters(
  uses: readonly ClusterUse[],
  objects: ObjectIndex,
  allowed: AllowedBackends,
): { readonly clusters: ReadonlyMap<ClusterKey, Cluster>; readonly problems: readonly Problem[] } {
  const requests = new Map(uses.map(({ request }) => [request.key, request]));
  const clusters = new Map<ClusterKey, Cluster>();
  /** `namespace/service:port` → what stands behind it, shared by clusters that differ in policy. */
  const backends = new Map<string, ResolvedBackend>();
  for (const request of [...requests.values()].toSorted((a, b) => compareText(a.key, b.key))) {
    const backendKey = backendKeyOf(request);
    const resolved = backends.get(backendKey) ?? resolveBackend(objects, request, allowed);
    backends.set(backendKey, resolved);
    clusters.set(request.key, clusterOf(request, resolved, objects));
  }
  return { clusters, problems: backendProblems(uses, backends) };
}

function clusterOf(request: ClusterRequest, { endpoints, fault }: ResolvedBackend, objects: ObjectIndex): Cluster {
  const { key, namespace, backend, balance, affinity, transport } = request;
  const port = portText(backend);
  const name = `${namespace}-${backend.service}-${port}`;
  const unavailable = fault?.unavailable ?? null;
  const cluster: Cluster = { key, name, namespace, service: backend.service, port, endpoints, unavailable, balance, affinity };
  return transport === null ? cluster : { ...cluster, transport: transportTo(transport, dnsNameOf(request, objects)) };
}

/** What the certificates of a Service's endpoints are expected to be for, unless the Ingress says otherwise. */
function dnsNameOf({ namespace, backend }: ClusterRequest, objects: ObjectIndex): string {
  const service = objects.get('Service', namespace, backend.service);
  const external = service?.type === 'ExternalName' ? normalizeHostName(service.externalName) : null;
  return external ?? `${backend.service}.${namespace}.svc`;
}

function backendProblems(uses: readonly ClusterUse[], backends: ReadonlyMap<string, ResolvedBackend>): Problem[] {
  const problems: Problem[] = [];
  const reported = new Set<string>();
  for (const use of uses) {
    const fault = backends.get(backendKeyOf(use.request))?.fault ?? null;
    if (fault === null) continue;
    const { namespace, name } = use.ingress.metadata;
    const once = `${namespace}/${name} ${backendKeyOf(use.request)}`;
    if (!reported.has(once)) problems.push(backendProblem(use, fault));
    reported.add(once);
  }
  return problems;
}

function backendProblem(use: ClusterUse, fault: BackendFault): Problem {
  const { backend } = use.request;
  return problemOf(use.ingress, {
    severity: fault.severity,
    field: backendField(use.field, fault.part),
    rule: fault.rule,
    value: fault.part === 'service.name' ? backend.service : portText(backend),
    effect: use.role === 'main' ? 'requests are answered 503' : 'the main serves all requests',
  });
}

function backendKeyOf({ namespace, backend }: ClusterRequest): string {
  return `${namespace}/${backend.service}:${backend.port.type}:${portText(backend)}`;
}
