import { parseIpAddress, type IpFamily } from '../../../core/net/ipAddress.ts';
import type { LabelSelector } from '../../model/objectBase.ts';
import type { Node } from '../../model/objects.ts';
import type { Service } from '../../model/service.ts';
import { matchesAnySelector } from '../../model/labelSelector.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { nodeFacts } from '../nodeFacts.ts';
import type { TranslateOptions } from '../translation.ts';

/** A Service whose address is announced, as far as it decides which nodes may. */
export interface CarriedService {
  readonly service: Service;
  /** Its endpoints are the proxies of all nodes. */
  readonly isPublished: boolean;
}

/** True for a Node that load balancers need not leave alone (KEP-1143) and that is not cordoned, where that counts. */
export function mayCarry(node: Node, objects: ObjectIndex, options: Pick<TranslateOptions, 'cordonMovesVips'>): boolean {
  const { excluded, networkUnavailable } = nodeFacts(objects, node.metadata.name);
  return !excluded && !networkUnavailable && !(options.cordonMovesVips && node.unschedulable);
}

/** True for a Node that the nodeSelectors of an advertisement or a peer are for. */
export function selectsNode({ nodeSelectors }: { readonly nodeSelectors: readonly LabelSelector[] }, { metadata }: Node): boolean {
  return nodeSelectors.length === 0 || matchesAnySelector(nodeSelectors, metadata.labels);
}

/**
 * Nodes with a ready endpoint of every Service with externalTrafficPolicy Local, or of any of them where no node has all;
 * null: all nodes will do. The publish Service stands for the proxies, of which every node has one.
 */
export function localNodes(carried: readonly CarriedService[], objects: ObjectIndex, family: IpFamily): ReadonlySet<string> | null {
  const local = carried.filter(({ service, isPublished }) => service.externalTrafficPolicy === 'Local' && !isPublished);
  if (local.length === 0) return null;
  const sets = local.map(({ service }) => new Set(endpointNodes(service, objects, family).filter((name) => name !== '')));
  const common = sets.reduce((all, set) => all.intersection(set));
  return common.size > 0 ? common : sets.reduce((any, set) => any.union(set));
}

/** The node of each endpoint that traffic to an address of this family goes to; empty for one whose node is not known. */
export function endpointNodes(service: Service, objects: ObjectIndex, family: IpFamily): readonly string[] {
  const { metadata, publishNotReadyAddresses } = service;
  const slices = objects.slicesOf(metadata.namespace, metadata.name);
  if (slices.length === 0) return legacyEndpointNodes(service, objects, family);
  const endpoints = slices.filter(({ addressType }) => addressType === family).flatMap((slice) => slice.endpoints);
  const usable = endpoints.filter(({ ready, terminating }) => publishNotReadyAddresses || (ready !== false && terminating !== true));
  // As for traffic: while nothing else is ready, what terminates and still serves counts.
  const chosen = usable.length > 0 ? usable : endpoints.filter(({ terminating, serving }) => terminating === true && serving !== false);
  return chosen.map(({ nodeName }) => nodeName);
}

/** The legacy object says nothing of nodes. */
function legacyEndpointNodes({ metadata, publishNotReadyAddresses }: Service, objects: ObjectIndex, family: IpFamily): readonly string[] {
  const subsets = objects.get('Endpoints', metadata.namespace, metadata.name)?.subsets ?? [];
  const addresses = subsets.flatMap((subset) => (publishNotReadyAddresses ? [...subset.addresses, ...subset.notReadyAddresses] : subset.addresses));
  return addresses.filter((address) => parseIpAddress(address)?.family === family).map(() => '');
}
