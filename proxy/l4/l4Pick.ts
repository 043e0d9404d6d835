import type { ClusterState } from '../balance/clusterState.ts';
import type { EndpointState } from '../balance/endpointState.ts';

/** The endpoint a connection or session goes to. */
export interface L4Pick {
  readonly cluster: ClusterState;
  readonly target: EndpointState;
}
