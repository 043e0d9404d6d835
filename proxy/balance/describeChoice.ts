import type { Cluster, CookieAffinity, Endpoint } from '../../core/ir/cluster.ts';
import type { Candidates } from './candidates.ts';
import { hashKey } from './hashKey.ts';
import type { Policy } from './policy.ts';
import type { BalanceRequest } from './request.ts';
import type { Sessions } from './sessions.ts';

/** The endpoint a request would go to, and why. */
export interface ChoiceDescription {
  /** Null: none is ready, the request is answered 503. */
  readonly endpoint: Endpoint | null;
  /** In words; never the value of a cookie or header. */
  readonly text: string;
}

/** What a description is made of. */
export interface DescribedCluster {
  readonly cluster: Cluster;
  readonly candidates: Candidates;
  readonly readyCount: number;
  readonly policy: Policy;
  readonly sessions: Sessions;
  readonly affinity: CookieAffinity | null;
  readonly request: BalanceRequest;
}

/** Says what choosing would do, by the parts of it that change nothing. */
export function describeChoice(described: DescribedCluster): ChoiceDescription {
  const { cluster, candidates, readyCount, policy, sessions, affinity, request } = described;
  if (readyCount === 0) return { endpoint: null, text: cluster.unavailable ?? 'no endpoint is ready' };
  const out = readyCount - candidates.states.length;
  const among = `${candidates.states.length} ready ${candidates.states.length === 1 ? 'endpoint' : 'endpoints'}${out === 0 ? '' : `, ${out} more ejected`}`;
  const held = affinity === null ? null : sessions.find(affinity, candidates, request);
  if (affinity !== null && held !== null) {
    return { endpoint: held.endpoint, text: `cookie ${affinity.name} holds a session (${among})` };
  }
  const peeked = policy.peek(candidates, request).endpoint;
  if (affinity === null) return { endpoint: peeked, text: `${policyText(cluster, request)} (${among})` };
  const how = affinity.mode === 'balanced' ? 'at random by weight; this one for example' : policyText(cluster, request);
  return { endpoint: peeked, text: `a new session would begin, cookie ${affinity.name} be set: ${how} (${among})` };
}

function policyText(cluster: Cluster, request: BalanceRequest): string {
  const { balance } = cluster;
  switch (balance.type) {
    case 'roundRobin':
      return 'next in weighted round robin';
    case 'leastConnections':
      return 'fewest active requests per weight';
    case 'ewma':
      return 'lowest latency times load; two endpoints drawn at random are compared per request';
    case 'maglev':
      return maglevText(hashKey(balance.key, request), balance.subsetSize);
  }
}

function maglevText(key: string | null, subsetSize: number): string {
  if (key === null) return 'the request has nothing to hash: next in weighted round robin';
  return subsetSize <= 1 ? 'owner of the consistent hash' : `one of the ${subsetSize} owners of the consistent hash`;
}
