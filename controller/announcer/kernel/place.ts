import type { ForwardedPort } from '../wanted.ts';

/** Where this node is, as far as its own table depends on it. */
export interface Place {
  /** Name of this node; null: none of the endpoints is known to be on it. */
  readonly self: string | null;
  /** Indexes of the interfaces by which clients may come in. */
  readonly uplinks: readonly number[];
}

/** No endpoint is here. */
export const NOWHERE: Place = { self: null, uplinks: [] };

/**
 * Flows of this port go to the node of their endpoint as they are. Not with affinity: which endpoint a client is faithful to is
 * known to one node only. Not under externalTrafficPolicy Local: nodes have different endpoints to choose from.
 */
export function isHandedOver({ to }: ForwardedPort): boolean {
  return to.type === 'endpoints' && to.balance === 'maglev' && !to.keepSource && to.affinityTimeoutMs === null
    && to.endpoints.some(({ node }) => node !== undefined);
}
