import { matchesAnySelector } from '../../model/labelSelector.ts';
import type { LabelSelector, Node } from '../../model/objects.ts';

/** Nodes that something is for: their names, or every node there is and will be. */
export type Reach = ReadonlySet<string> | 'every';

/** Which nodes a list of nodeSelectors reaches. While no node is known it may reach any of them. */
export type NodeReach = (nodeSelectors: readonly LabelSelector[]) => Reach;

/** Looks at all nodes once for each list. */
export function createNodeReach(nodes: Iterable<Node>): NodeReach {
  const known = [...nodes];
  const reaches = new Map<readonly LabelSelector[], Reach>();
  return (nodeSelectors) => {
    if (nodeSelectors.length === 0 || known.length === 0) return 'every';
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
  if (a === 'every') return b === 'every' || b.size > 0;
  if (b === 'every') return a.size > 0;
  return !a.isDisjointFrom(b);
}
