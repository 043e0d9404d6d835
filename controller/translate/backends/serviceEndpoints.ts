import type { Endpoint } from '../../../core/ir/cluster.ts';
import type { Endpoints, EndpointSlice, Service, ServicePort, SliceEndpoint, SlicePort } from '../../model/objects.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { compareText } from '../ingressAge.ts';
import { sliceWeight } from './sliceWeight.ts';

/** Weight of endpoints from the legacy Endpoints object, which has no slice to annotate. */
const LEGACY_WEIGHT = 1;

/** Endpoints of one service port, and where they were looked for. */
export interface ServiceEndpoints {
  /** Sorted by host, then port; each address once. */
  readonly endpoints: readonly Endpoint[];
  /** At least one EndpointSlice or Endpoints object belongs to the Service. */
  readonly hasObject: boolean;
  /** At least one of them has the port. */
  readonly hasPort: boolean;
  /** Endpoints on other nodes that would have counted. */
  readonly elsewhere: boolean;
}

/** Which endpoints are wanted. */
export interface EndpointQuery {
  readonly service: Service;
  readonly port: ServicePort;
  /** Only those on this node (externalTrafficPolicy Local); null: all. The legacy Endpoints object does not tell nodes. */
  readonly node: string | null;
}

/** Endpoints gathered so far. */
interface Gathering {
  readonly byAddress: Map<string, Endpoint>;
  hasPort: boolean;
  elsewhere: boolean;
}

/**
 * What serves a port of a Service: its EndpointSlices, or its Endpoints object when it has no slice at all. Ready endpoints
 * are used; terminating ones are kept so that their requests can end.
 */
export function endpointsOfService(objects: ObjectIndex, query: EndpointQuery): ServiceEndpoints {
  const { namespace, name } = query.service.metadata;
  const gathering: Gathering = { byAddress: new Map(), hasPort: false, elsewhere: false };
  const slices = objects.slicesOf(namespace, name);
  for (const slice of slices) gatherSlice(slice, query, gathering);
  const legacy = slices.length === 0 ? objects.get('Endpoints', namespace, name) : undefined;
  if (legacy !== undefined) gatherLegacy(legacy, query, gathering);
  const endpoints = [...gathering.byAddress.values()].toSorted(compareEndpoints);
  const { hasPort, elsewhere } = gathering;
  return { endpoints, hasObject: slices.length > 0 || legacy !== undefined, hasPort, elsewhere };
}

function gatherSlice(slice: EndpointSlice, wanted: EndpointQuery, gathering: Gathering): void {
  const port = findPort(slice.ports, wanted.port);
  // Names instead of addresses would have to be resolved by whoever may write slices: not followed (deprecated in the API).
  if (port === null || slice.addressType === 'FQDN') return;
  gathering.hasPort = true;
  const { weight } = sliceWeight(slice);
  for (const endpoint of slice.endpoints) {
    const state = stateOf(endpoint, wanted.service.publishNotReadyAddresses);
    if (state === null) continue;
    if (wanted.node !== null && endpoint.nodeName !== wanted.node) {
      gathering.elsewhere = true;
      continue;
    }
    for (const host of endpoint.addresses) add({ host, port, weight, state }, gathering);
  }
}

function gatherLegacy(object: Endpoints, wanted: EndpointQuery, gathering: Gathering): void {
  for (const subset of object.subsets) {
    const port = findPort(subset.ports, wanted.port);
    if (port === null) continue;
    gathering.hasPort = true;
    if (wanted.node !== null) {
      gathering.elsewhere = true;
      continue;
    }
    const notReady = wanted.service.publishNotReadyAddresses ? subset.notReadyAddresses : [];
    for (const host of [...subset.addresses, ...notReady]) {
      add({ host, port, weight: LEGACY_WEIGHT, state: 'ready' }, gathering);
    }
  }
}

/** Slices and Endpoints name their ports as the Service does; an unnamed one belongs to the Service's unnamed port. */
function findPort(ports: readonly SlicePort[], wanted: ServicePort): number | null {
  return ports.find((port) => port.name === wanted.name && port.protocol === wanted.protocol)?.port ?? null;
}

/** Null: neither takes requests nor may have any left. A `ready` that is not stated counts as true (discovery/v1). */
function stateOf(endpoint: SliceEndpoint, publishNotReady: boolean): Endpoint['state'] | null {
  if (endpoint.ready !== false || publishNotReady) return 'ready';
  return endpoint.terminating === true ? 'terminating' : null;
}

/** While endpoints move between slices both hold them for a moment: the better state counts, then the larger weight. */
function add(endpoint: Endpoint, gathering: Gathering): void {
  const key = `${endpoint.host} ${endpoint.port}`;
  const known = gathering.byAddress.get(key);
  if (known === undefined) {
    gathering.byAddress.set(key, endpoint);
    return;
  }
  const better = known.state === endpoint.state ? endpoint.weight > known.weight : endpoint.state === 'ready';
  if (better) gathering.byAddress.set(key, endpoint);
}

function compareEndpoints(a: Endpoint, b: Endpoint): number {
  return compareText(a.host, b.host) || a.port - b.port;
}
