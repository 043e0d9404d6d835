import { isIP, isIPv4 } from 'node:net';
import type { Endpoint } from '../../../core/ir/cluster.ts';
import type { ForwardTarget, KernelEndpoint } from '../../announcer/wanted.ts';
import type { Service } from '../../model/service.ts';
import { nodesOfEndpoints } from './endpointNodes.ts';
import { targetsOf, type CarriedPort, type L4Context, type L4Share } from './l4Context.ts';

/** Who carries the packets of a Service on an address that is on no interface, and why, in words for people. */
export interface VipCarrier {
  readonly by: 'kernel' | 'proxy' | 'none';
  readonly reason: string;
  /** The annotation asks for the kernel, which cannot do it. */
  readonly overruled: boolean;
}

/** Weights of all endpoints of a port add up to about this: enough to tell one percent of a thousand endpoints. */
const WEIGHT_TOTAL = 1_000_000;

/** Judges by the annotations of the Service, and by what its ports lead to. */
export function carrierOf(service: Service, address: string, { ports, context }: { readonly ports: readonly CarriedPort[]; readonly context: L4Context }): VipCarrier {
  const { forwarding, proxyFeatures } = context.settingsOf(service);
  if (forwarding === 'none') return { by: 'none', reason: 'whoever forwards for the cluster carries it (gatehouse.dev/forwarding: none)', overruled: false };
  if (forwarding === 'proxy') return { by: 'proxy', reason: 'the proxy carries it (gatehouse.dev/forwarding: proxy)', overruled: false };
  const need = proxyNeed(address, ports, { proxyFeatures, context });
  if (need === null) return { by: 'kernel', reason: 'the kernel forwards it', overruled: false };
  return { by: 'proxy', reason: `the proxy carries it: ${need}`, overruled: forwarding === 'kernel' };
}

/** What only the proxy can do, in words; null: nothing of the kind is asked for. */
function proxyNeed(
  address: string,
  ports: readonly CarriedPort[],
  { proxyFeatures, context }: { readonly proxyFeatures: readonly string[]; readonly context: L4Context },
): string | null {
  if (proxyFeatures.length > 0) return proxyFeatures.map((name) => `gatehouse.dev/${name}`).join(', ');
  for (const port of ports) {
    const endpoints = targetsOf({ ...port, node: null }, context).shares.flatMap(({ cluster }) => cluster.endpoints);
    if (endpoints.length === 0 || endpoints.some((endpoint) => isReachable(endpoint, address))) continue;
    return `the kernel cannot reach ${endpoints[0]?.host ?? 'its endpoints'} from ${address}`;
  }
  return null;
}

/** What the kernel does with one port on one address. */
export function kernelTarget(carried: CarriedPort, address: string, context: L4Context): ForwardTarget {
  const { service } = carried;
  const { affinityTimeoutMs, balance } = context.settingsOf(service);
  const keepSource = service.externalTrafficPolicy === 'Local';
  // Only flows that may be handed over need to know: else each move of a Pod would be one of the port.
  const nodes = balance === 'maglev' && !keepSource && affinityTimeoutMs === null ? nodesOfEndpoints(service, context) : null;
  const endpointsOf = (node: string | null): readonly KernelEndpoint[] =>
    withNodes(weigh(targetsOf({ ...carried, node }, context).shares, address), nodes);
  const endpoints = endpointsOf(carried.node);
  return {
    type: 'endpoints',
    endpoints,
    ownEndpoints: carried.node === null ? endpoints : endpointsOf(null),
    keepSource,
    affinityTimeoutMs,
    balance,
  };
}

/** An address literal of the same family, and not this machine's loopback, where nothing that is forwarded arrives. */
function isReachable({ host }: Endpoint, address: string): boolean {
  return isIP(host) === (isIPv4(address) ? 4 : 6) && !host.startsWith('127.') && host !== '::1';
}

function withNodes(endpoints: readonly KernelEndpoint[], nodes: ReadonlyMap<string, string> | null): readonly KernelEndpoint[] {
  if (nodes === null) return endpoints;
  return endpoints.map((endpoint) => {
    const node = nodes.get(endpoint.address);
    return node === undefined ? endpoint : { ...endpoint, node };
  });
}

/** Endpoints with their part of the whole: of their cluster's share, and there by their own weight. */
function weigh(shares: readonly L4Share[], address: string): readonly KernelEndpoint[] {
  const reachable = shares.map(({ cluster, weight }) => ({ weight, endpoints: cluster.endpoints.filter((endpoint) => isReachable(endpoint, address)) }));
  const used = reachable.filter(({ endpoints, weight }) => endpoints.length > 0 && weight > 0);
  const total = used.reduce((sum, { weight }) => sum + weight, 0);
  const merged = new Map<string, KernelEndpoint>();
  for (const { weight, endpoints } of used) {
    const within = endpoints.reduce((sum, endpoint) => sum + endpoint.weight, 0);
    for (const { host, port, weight: own } of endpoints) {
      // One cluster alone keeps its small numbers, which are exact.
      const part = used.length === 1 ? own : Math.max(1, Math.round((WEIGHT_TOTAL * weight * own) / (total * within)));
      const key = `${host} ${port}`;
      merged.set(key, { address: host, port, weight: part + (merged.get(key)?.weight ?? 0) });
    }
  }
  return [...merged.values()];
}
