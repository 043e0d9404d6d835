import { matchesAnySelector } from '../../model/labelSelector.ts';
import type { LabelSelector } from '../../model/objectBase.ts';
import type { Node } from '../../model/objects.ts';

/** Nodes that something is for: their names, and the empty one for nodes that are not known, as they may come yet. */
export type Reach = ReadonlySet<string>;

/** Which nodes a list of nodeSelectors reaches. While no node is known it may reach any of them. */
export type NodeReach = (nodeSelectors: readonly LabelSelector[]) => Reach;

/** Of something that is known to be for a node, whichever that is. */
export const ONE_NODE: Reach = new Set(['']);

/** Looks at all nodes once for each list. */
export function createNodeReach(nodes: Iterable<Node>): NodeReach {
  const known = [...nodes];
  const all: Reach = ONE_NODE.union(new Set(known.map(({ metadata }) => metadata.name)));
  const reaches = new Map<readonly LabelSelector[], Reach>();
  return (nodeSelectors) => {
    if (nodeSelectors.length === 0 || known.length === 0) return all;
    let reach = reaches.get(nodeSelectors);
    if (reach === undefined) {
      const reached = known.filter(({ metadata }) => matchesAnySelector(nodeSelectors, metadata.labels));
      reaches.set(nodeSelectors, (reach = new Set(reached.map(({ metadata }) => metadata.name))));
    }
    return reach;
  };
}

/** True when both are for some node. */
export function meet(a: Reach, b: Reach): boolean {
  return !a.isDisjointFrom(b);
}
