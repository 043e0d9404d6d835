import type { BalancePolicy, Cluster, ClusterKey, Endpoint } from '../../../core/ir/cluster.ts';
import type { IngressBackendService } from '../../model/ingress.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { resolveBackend, type AllowedBackends, type BackendFault } from '../backends/resolveBackend.ts';

/** A port of a Service whose endpoints carry raw TCP or UDP. */
export interface L4Backend {
  readonly namespace: string;
  readonly service: string;
  readonly port: IngressBackendService['port'];
  readonly protocol: 'tcp' | 'udp';
  /** Only endpoints on this node; null: all. */
  readonly node: string | null;
  /** Clients keep their endpoint (sessionAffinity ClientIP): it is chosen by their address, the same in every worker. */
  readonly isSticky: boolean;
}

/** What stands behind a port. */
export interface L4Cluster {
  readonly key: ClusterKey;
  /** Endpoints that take new connections, and how many they are. */
  readonly endpoints: readonly Endpoint[];
  readonly ready: number;
  /** Null when at least one endpoint is ready. */
  readonly fault: BackendFault | null;
}

/** Clusters of L4 ports, each there once however many ports lead to it. */
export interface ClusterBook {
  /** The cluster of a backend. One whose port or Service is missing gets a cluster without endpoints. */
  use(backend: L4Backend): L4Cluster;
  /** The same without making a cluster: for a port that somebody else carries. */
  look(backend: L4Backend): L4Cluster;
  readonly clusters: ReadonlyMap<ClusterKey, Cluster>;
}

/**
 * Makes an empty book. Keys are `namespace/service:port/tcp`, with `#local` behind it where only endpoints of this node
 * count and `#client` where clients keep theirs: never those of HTTP clusters, whose connections are kept for the next request.
 */
export function createClusterBook(objects: ObjectIndex, allowed: AllowedBackends): ClusterBook {
  const clusters = new Map<ClusterKey, Cluster>();
  const look = (backend: L4Backend): L4Cluster => describe(resolve(objects, backend, allowed));
  return {
    clusters,
    look,
    use(backend) {
      const resolved = resolve(objects, backend, allowed);
      clusters.set(resolved.cluster.key, resolved.cluster);
      return describe(resolved);
    },
  };
}

const BY_CLIENT: BalancePolicy = { type: 'maglev', key: [{ type: 'remoteAddress' }], subsetSize: 1 };

interface Resolved {
  readonly cluster: Cluster;
  readonly fault: BackendFault | null;
}

function resolve(objects: ObjectIndex, backend: L4Backend, allowed: AllowedBackends): Resolved {
  const { namespace, service, node } = backend;
  const query = { namespace, backend: { type: 'service', service, port: backend.port }, node } as const;
  const protocol = backend.protocol === 'tcp' ? 'TCP' : 'UDP';
  const { endpoints, fault } = resolveBackend(objects, { ...query, protocol }, allowed);
  const port = portText(backend.port);
  const cluster: Cluster = {
    key: keyOf(backend),
    name: `${namespace}-${service}-${port}`,
    namespace,
    service,
    port,
    endpoints,
    unavailable: fault?.unavailable ?? null,
    balance: backend.isSticky ? BY_CLIENT : { type: 'roundRobin' },
    affinity: null,
  };
  return { cluster, fault };
}

function describe({ cluster, fault }: Resolved): L4Cluster {
  const endpoints = cluster.endpoints.filter(({ state }) => state === 'ready');
  return { key: cluster.key, endpoints, ready: endpoints.length, fault };
}

/** The port as an object names it. */
export function portText(port: IngressBackendService['port']): string {
  return port.type === 'number' ? String(port.number) : port.name;
}

function keyOf({ namespace, service, port, protocol, node, isSticky }: L4Backend): ClusterKey {
  const variant = `${node === null ? '' : '#local'}${isSticky ? '#client' : ''}`;
  return `${namespace}/${service}:${portText(port)}/${protocol}${variant}` as ClusterKey;
}
