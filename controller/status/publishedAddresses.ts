import { isIP } from 'node:net';
import type { Node } from '../model/objects.ts';
import type { Service } from '../model/service.ts';
import type { ObjectIndex } from '../model/store.ts';
import type { ServiceStatus } from '../translate/translation.ts';

/** One address that Ingresses are reached at; one of the two is empty. */
export interface PublishedAddress {
  readonly ip: string;
  readonly hostname: string;
}

/** Where the addresses of Ingresses come from, in this order (as ingress-nginx's --publish-status-address and --publish-service). */
export interface PublishedInput {
  /** Given by hand: IP addresses and host names. */
  readonly fixed: readonly string[];
  /** `namespace/name`; null: none. */
  readonly publishService: string | null;
  /** `namespace/name` of the Service whose endpoints are our own Pods; null: unknown. */
  readonly ownService: string | null;
  /** Where we are reached when nothing else is known: this machine. */
  readonly ownAddresses: readonly string[];
  readonly services: readonly ServiceStatus[];
  readonly objects: ObjectIndex;
}

/** Nodes with this label are not to be reached by load balancers (KEP-1143). */
const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** Addresses that Ingresses are reached at, in a stable order. Null: none of our Pods is known to be ready, so nobody can say. */
export function publishedAddresses(input: PublishedInput): readonly PublishedAddress[] | null {
  if (input.fixed.length > 0) return input.fixed.map(addressOrName);
  // No other way stands in for a publish Service that is gone: nobody has said that clients reach us there.
  if (input.publishService !== null) return addressesOf(input.publishService, input);
  if (input.ownService === null) return input.ownAddresses.map(addressOrName);
  const ofNodes = nodesBehind(input.ownService, input.objects).flatMap(({ internalIPs }) => internalIPs);
  return ofNodes.length === 0 ? null : ofNodes.map(addressOrName);
}

/** Empty while the Service waits for its address, and when there is none. */
function addressesOf(key: string, { services, objects }: PublishedInput): readonly PublishedAddress[] {
  const status = services.find(({ ref }) => `${ref.namespace}/${ref.name}` === key);
  if (status?.ours === true) return status.addresses.map(addressOrName);
  const service = find(objects, key);
  if (service?.type === 'LoadBalancer') {
    return service.statusLoadBalancer.map(({ ip, hostname }) => ({ ip, hostname: ip === '' ? hostname : '' }));
  }
  return (service?.clusterIPs ?? []).map(addressOrName);
}

/** Nodes on which our Pods are ready, by name. */
function nodesBehind(key: string, objects: ObjectIndex): readonly Node[] {
  const [namespace = '', name = ''] = key.split('/');
  const endpoints = objects.slicesOf(namespace, name).flatMap((slice) => slice.endpoints);
  const names = new Set(endpoints.filter(({ ready }) => ready !== false).map(({ nodeName }) => nodeName));
  const nodes = [...names].toSorted().map((node) => objects.get('Node', '', node));
  return nodes.filter((node) => node !== undefined && !node.metadata.labels.has(EXCLUDED)) as readonly Node[];
}

function find(objects: ObjectIndex, key: string): Service | undefined {
  const [namespace = '', name = ''] = key.split('/');
  return objects.get('Service', namespace, name);
}

function addressOrName(text: string): PublishedAddress {
  return isIP(text) === 0 ? { ip: '', hostname: text } : { ip: text, hostname: '' };
}
