import type { BalancePolicy, ClusterKey, CookieAffinity } from '../../core/ir/cluster.ts';
import type { Ingress, IngressBackendService } from '../model/ingress.ts';
import { digestOf } from './digest.ts';
import type { BackendPolicy } from './ingressPlan.ts';
import type { TransportPolicy } from './transportPolicy.ts';

/** A cluster that routes refer to, before it is known what stands behind it. */
export interface ClusterRequest {
  readonly key: ClusterKey;
  readonly namespace: string;
  readonly backend: IngressBackendService;
  readonly balance: BalancePolicy;
  readonly affinity: CookieAffinity | null;
  readonly transport: TransportPolicy | null;
}

/** Where an Ingress names the backend of a request: what a problem of the backend is reported at. */
export interface ClusterUse {
  readonly request: ClusterRequest;
  readonly ingress: Ingress;
  /** Field of the rule or default backend, without what is inside it. */
  readonly field: string;
  /** What happens while nothing ready stands behind it: a main answers 503, a canary leaves its requests to the main. */
  readonly role: 'main' | 'canary';
}

const DIGEST_CHARS = 10;

/**
 * The cluster of a backend as one Ingress wants it balanced and spoken to. Ingresses with the default policy share the cluster
 * of a service and port; any other policy has a cluster of its own, so that one Ingress's stickiness never holds for another's
 * clients (in ingress-nginx it does), and nobody's TLS is weakened by somebody else.
 */
export function requestCluster(namespace: string, backend: IngressBackendService, policy: BackendPolicy): ClusterRequest {
  const base = `${namespace}/${backend.service}:${portText(backend)}`;
  const { balance, affinity, transport } = policy;
  const isDefault = policy.hasDefaultBalance && affinity === null && transport === null;
  const key = isDefault ? base : `${base}#${digestOf(identityOf(policy), DIGEST_CHARS)}`;
  return { key: key as ClusterKey, namespace, backend, balance, affinity, transport };
}

/** The port as the Ingress names it. */
export function portText(backend: IngressBackendService): string {
  return backend.port.type === 'number' ? String(backend.port.number) : backend.port.name;
}

/**
 * Field of a part of a backend (`service.name`) for the claim at `field`: of the path itself, or of the default backend
 * where a rule without paths or no rule at all led to it.
 */
export function backendField(field: string, part: string): string {
  return field.includes('.http.paths[') ? `${field}.backend.${part}` : `spec.defaultBackend.${part}`;
}

/** Without a transport it is what it was before there were any, so that keys last from release to release. */
function identityOf({ balance, affinity, transport }: BackendPolicy): readonly unknown[] {
  return transport === null ? [balance, affinity] : [balance, affinity, transport.digest];
}
