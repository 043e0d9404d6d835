import type { BalancePolicy } from '../../core/ir/cluster.ts';
import { at, drawByShare, type Candidates } from './candidates.ts';
import type { EndpointState } from './endpointState.ts';
import { hashKey } from './hashKey.ts';
import type { Policy, PolicyDependencies } from './policy.ts';
import { roundRobin } from './roundRobin.ts';

/**
 * Maglev by a key of the request. With `subsetSize` 1 a key has one endpoint; with more it has a fixed set of them, and
 * each request goes to one of the set at random. A request that has nothing to hash is served round robin.
 */
export function consistentHash(
  policy: Extract<BalancePolicy, { type: 'maglev' }>,
  { ring, random }: Pick<PolicyDependencies, 'ring' | 'random'>,
): Policy {
  const keyless = roundRobin(random);
  const inSubset = (key: string, candidates: Candidates, x: number): EndpointState => {
    // A set of everybody is plain random choice, where only the draw itself can give weights their due.
    if (policy.subsetSize >= candidates.states.length) return drawByShare(candidates, x, null);
    const subset = ring.pickSubset(key, policy.subsetSize, candidates);
    return at(subset, Math.floor(x * subset.length));
  };
  return {
    choose(candidates, request): EndpointState {
      const key = hashKey(policy.key, request);
      if (key === null) return keyless.choose(candidates, request);
      return policy.subsetSize <= 1 ? ring.pick(key, candidates) : inSubset(key, candidates, random());
    },
    peek(candidates, request): EndpointState {
      const key = hashKey(policy.key, request);
      if (key === null) return keyless.peek(candidates, request);
      return policy.subsetSize <= 1 ? ring.pick(key, candidates) : inSubset(key, candidates, 0);
    },
  };
}
