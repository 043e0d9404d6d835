import { boundedSlices } from './boundedSlices.ts';
import type { Endpoint } from '../../../core/ir/cluster.ts';
import type { Endpoints, EndpointSlice, SliceEndpoint, SlicePort } from '../../model/endpoints.ts';
import type { Service, ServicePort } from '../../model/service.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { compareText } from '../ingressAge.ts';
import { nodeFacts } from '../nodeFacts.ts';
import type { TranslateOptions } from '../translation.ts';
import { localJudgeOf, type LocalRules } from './localBackend.ts';
import { sliceWeight } from './sliceWeight.ts';
import { hintedFor, type TopologyHints } from './topology.ts';

/** Weight of endpoints from the legacy Endpoints object, which has no slice to annotate. */
const LEGACY_WEIGHT = 1;
const NO_HINTS: TopologyHints = { hintZones: [], hintNodes: [] };

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
  /** Endpoints that were left out because their addresses are no backends. */
  readonly refused: boolean;
}

/** Which endpoints are wanted. */
export interface EndpointQuery {
  readonly service: Service;
  readonly port: ServicePort;
  /** Only those on this node (externalTrafficPolicy Local); null: all. The legacy Endpoints object does not tell nodes. */
  readonly node: string | null;
}

/** Where we are, and what may be a backend there. */
export type EndpointRules = LocalRules & Pick<TranslateOptions, 'nodeName'>;

/**
 * What an endpoint can do. `serving`: it terminates and still answers (KEP-1669), so it is used while nothing else is ready.
 * `ending`: it terminates and answers nothing new.
 */
type Ability = 'ready' | 'serving' | 'ending';

/** One address that may be an endpoint. */
interface Candidate extends TopologyHints, Omit<Endpoint, 'state'> {
  readonly ability: Ability;
}

/** Candidates gathered so far. */
interface Gathering {
  readonly objects: ObjectIndex;
  readonly query: EndpointQuery;
  readonly rules: EndpointRules;
  readonly candidates: Candidate[];
  hasPort: boolean;
  elsewhere: boolean;
  refused: boolean;
}

/**
 * What serves a port of a Service: its EndpointSlices, or its Endpoints object when it has no slice at all. Of the ready endpoints
 * those that topology hints mean for us, or those of this node; without any, such as terminate but still serve. Other
 * terminating ones are kept so that their requests can end.
 */
export function endpointsOfService(objects: ObjectIndex, query: EndpointQuery, rules: EndpointRules): ServiceEndpoints {
  const { namespace, name } = query.service.metadata;
  const gathering: Gathering = { objects, query, rules, candidates: [], hasPort: false, elsewhere: false, refused: false };
  const slices = objects.slicesOf(namespace, name);
  for (const slice of boundedSlices(slices)) gatherSlice(slice, gathering);
  const legacy = slices.length === 0 ? objects.get('Endpoints', namespace, name) : undefined;
  if (legacy !== undefined) gatherLegacy(legacy, gathering);
  const { hasPort, elsewhere, refused } = gathering;
  return { endpoints: choose(gathering), hasObject: slices.length > 0 || legacy !== undefined, hasPort, elsewhere, refused };
}

/** As kube-proxy does: hints count only where traffic may go to any node, and only among ready endpoints. */
function choose({ objects, query, rules, candidates }: Gathering): readonly Endpoint[] {
  const { nodeName } = rules;
  const allReady = candidates.filter(({ ability }) => ability === 'ready');
  const ready = query.node === null ? hintedFor(allReady, () => ({ nodeName, zone: nodeFacts(objects, nodeName).zone })) : allReady;
  const byAddress = new Map<string, Endpoint>();
  for (const candidate of ready) add(candidate, 'ready', byAddress);
  for (const candidate of candidates) {
    if (candidate.ability === 'ready') continue;
    add(candidate, ready.length === 0 && candidate.ability === 'serving' ? 'ready' : 'terminating', byAddress);
  }
  return [...byAddress.values()].toSorted(compareEndpoints);
}

function gatherSlice(slice: EndpointSlice, gathering: Gathering): void {
  const { query, rules } = gathering;
  const port = findPort(slice.ports, query.port);
  // Names instead of addresses would have to be resolved by whoever may write slices: not followed (deprecated in the API).
  if (port === null || slice.addressType === 'FQDN') return;
  gathering.hasPort = true;
  const { weight } = sliceWeight(slice);
  const judge = localJudgeOf(slice, rules);
  for (const endpoint of slice.endpoints) {
    const ability = abilityOf(endpoint, query.service.publishNotReadyAddresses);
    if (ability === null) continue;
    if (query.node !== null && endpoint.nodeName !== query.node) {
      gathering.elsewhere = true;
      continue;
    }
    const { hintZones, hintNodes } = endpoint;
    for (const host of endpoint.addresses) {
      if (judge === null || judge(host, port) === null) gathering.candidates.push({ host, port, weight, ability, hintZones, hintNodes });
      else gathering.refused = true;
    }
  }
}

function gatherLegacy(object: Endpoints, gathering: Gathering): void {
  const { query, rules } = gathering;
  const judge = localJudgeOf(object, rules);
  for (const subset of object.subsets) {
    const port = findPort(subset.ports, query.port);
    if (port === null) continue;
    gathering.hasPort = true;
    if (query.node !== null) {
      gathering.elsewhere = true;
      continue;
    }
    const notReady = query.service.publishNotReadyAddresses ? subset.notReadyAddresses : [];
    for (const host of [...subset.addresses, ...notReady]) {
      const candidate: Candidate = { host, port, weight: LEGACY_WEIGHT, ability: 'ready', ...NO_HINTS };
      if (judge === null || judge(host, port) === null) gathering.candidates.push(candidate);
      else gathering.refused = true;
    }
  }
}

/** Slices and Endpoints name their ports as the Service does; an unnamed one belongs to the Service's unnamed port. */
function findPort(ports: readonly SlicePort[], wanted: ServicePort): number | null {
  return ports.find((port) => port.name === wanted.name && port.protocol === wanted.protocol)?.port ?? null;
}

/** Null: neither takes requests nor may have any left. `ready` and `serving` count as true where they are not stated (discovery/v1). */
function abilityOf(endpoint: SliceEndpoint, publishNotReady: boolean): Ability | null {
  if (endpoint.ready !== false || publishNotReady) return 'ready';
  if (endpoint.terminating !== true) return null;
  return endpoint.serving === false ? 'ending' : 'serving';
}

/** While endpoints move between slices both hold them for a moment: the better state counts, then the larger weight. */
function add({ host, port, weight }: Candidate, state: Endpoint['state'], byAddress: Map<string, Endpoint>): void {
  const key = `${host} ${port}`;
  const known = byAddress.get(key);
  const isBetter = known === undefined || (known.state === state ? weight > known.weight : state === 'ready');
  if (isBetter) byAddress.set(key, { host, port, weight, state });
}

function compareEndpoints(a: Endpoint, b: Endpoint): number {
  return compareText(a.host, b.host) || a.port - b.port;
}
