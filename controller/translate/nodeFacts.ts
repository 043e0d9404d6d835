import type { ObjectIndex } from '../model/store.ts';

const ZONE_LABEL = 'topology.kubernetes.io/zone';
const EXCLUDE_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';
const NETWORK_UNAVAILABLE = 'NetworkUnavailable';

/** What a Node object says that decides where traffic goes. */
export interface NodeFacts {
  /** Empty when the Node has no zone label, or is not known. */
  readonly zone: string;
  /** It carries the label that keeps external load balancers away; any value counts, as in Kubernetes. */
  readonly excluded: boolean;
  /** Its condition NetworkUnavailable is True. */
  readonly networkUnavailable: boolean;
}

/** Facts of a Node; one that is not known has no zone and nothing against it. */
export function nodeFacts(objects: ObjectIndex, nodeName: string): NodeFacts {
  const node = objects.get('Node', '', nodeName);
  if (node === undefined) return { zone: '', excluded: false, networkUnavailable: false };
  const { labels } = node.metadata;
  return {
    zone: labels.get(ZONE_LABEL) ?? '',
    excluded: labels.has(EXCLUDE_LABEL),
    networkUnavailable: node.conditions.get(NETWORK_UNAVAILABLE) === 'True',
  };
}
