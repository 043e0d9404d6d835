import type { Service } from '../../model/service.ts';
import { boundedSlices } from '../backends/boundedSlices.ts';
import { nodeFacts, type NodeFacts } from '../nodeFacts.ts';
import { keyOfService, type L4Context } from './l4Context.ts';

/**
 * The Node each endpoint of a Service, and of its canaries, is on: address as in the slice → name. Without those on Nodes that
 * load balancers leave alone: there, nothing is forwarded. The legacy Endpoints object tells no Nodes.
 */
export function nodesOfEndpoints(service: Service, { objects, canaries }: L4Context): ReadonlyMap<string, string> {
  const services = [service, ...(canaries.get(keyOfService(service)) ?? []).map((canary) => canary.service)];
  const slices = services.flatMap(({ metadata }) => [...boundedSlices(objects.slicesOf(metadata.namespace, metadata.name))]);
  const forwards = new Map<string, boolean>();
  const found = new Map<string, string>();
  for (const { addresses, nodeName } of slices.flatMap(({ endpoints }) => endpoints)) {
    if (nodeName === '') continue;
    const isForwarding = forwards.get(nodeName) ?? forwardsOn(nodeFacts(objects, nodeName));
    forwards.set(nodeName, isForwarding);
    if (isForwarding) for (const address of addresses) found.set(address, nodeName);
  }
  return found;
}

function forwardsOn({ excluded, networkUnavailable }: NodeFacts): boolean {
  return !excluded && !networkUnavailable;
}
