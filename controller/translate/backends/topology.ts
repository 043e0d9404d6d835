import type { SliceEndpoint } from '../../model/endpoints.ts';

/** Where we are. */
export interface TopologyPlace {
  readonly nodeName: string;
  /** Empty: unknown. */
  readonly zone: string;
}

/** What an EndpointSlice says of whose clients are to use an endpoint. */
export type TopologyHints = Pick<SliceEndpoint, 'hintZones' | 'hintNodes'>;

/**
 * Which of the ready endpoints of a Service's port are meant for clients of this place. As kube-proxy decides (KEP-2433, KEP-3015):
 * by node hints if every endpoint has one and at least one names this node, else by zone hints in the same way, else all of
 * them. Neither `trafficDistribution` nor the annotation `topology-mode` is looked at: whoever makes the slices obeys them.
 */
export function hintedFor<T extends TopologyHints>(ready: readonly T[], place: () => TopologyPlace): readonly T[] {
  const [first] = ready;
  // Nearly every Service: no hints at all.
  if (first === undefined || (first.hintNodes.length === 0 && first.hintZones.length === 0)) return ready;
  const { nodeName, zone } = place();
  return chosenBy(ready, 'hintNodes', nodeName) ?? chosenBy(ready, 'hintZones', zone) ?? ready;
}

/** Null: not all have the hint, or none of them names us. */
function chosenBy<T extends TopologyHints>(ready: readonly T[], hint: keyof TopologyHints, own: string): readonly T[] | null {
  if (ready.some((endpoint) => endpoint[hint].length === 0)) return null;
  const ours = ready.filter((endpoint) => endpoint[hint].includes(own));
  return ours.length === 0 ? null : ours;
}
