import type { Endpoint } from '../../core/ir/cluster.ts';
import { newHealth, type Health } from './ejection.ts';
import { newLatency, type Latency } from './latency.ts';

/** An endpoint chosen for one try. */
export interface Choice {
  readonly target: EndpointState;
  /** Value of the affinity cookie to set, when the choice began a session; null: set none. */
  readonly cookieValue: string | null;
}

/**
 * What one worker knows of one endpoint of one cluster. Kept by `key` across updates. ClusterState and its policies
 * write it; callers hand it back to `started`, `finished` and the like, and read `endpoint` and `key` only.
 */
export interface EndpointState {
  /** `host:port`, IPv6 in brackets. */
  readonly key: string;
  /** The choice of this endpoint that sets no cookie, made once. */
  readonly plainChoice: Choice;
  /** As the snapshot has it now. */
  endpoint: Endpoint;
  /** Requests started and not finished. */
  active: number;
  readonly health: Health;
  readonly latency: Latency;
  /** Weight that counts now: 0 while ejected, less than the endpoint's weight while it returns. */
  share: number;
  /** Credit of smooth weighted round robin. */
  credit: number;
  /** Left the cluster; remembered until its last request ends, in case it comes back. */
  hasLeft: boolean;
}

/** `host:port`, an IPv6 literal in brackets (RFC 3986 section 3.2.2). */
export function endpointKey(endpoint: Endpoint): string {
  return endpoint.host.includes(':') ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`;
}

/** A state that has seen nothing yet. */
export function newEndpointState(endpoint: Endpoint): EndpointState {
  const choice: { target: EndpointState | null; cookieValue: null } = { target: null, cookieValue: null };
  const state: EndpointState = {
    key: endpointKey(endpoint),
    plainChoice: choice as Choice,
    endpoint,
    active: 0,
    health: newHealth(),
    latency: newLatency(),
    share: endpoint.weight,
    credit: 0,
    hasLeft: false,
  };
  choice.target = state;
  return state;
}
