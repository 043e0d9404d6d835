import type { BalancePolicy } from '../../core/ir/cluster.ts';
import { consistentHash } from './consistentHash.ts';
import { ewma } from './ewma.ts';
import { leastConnections } from './leastConnections.ts';
import type { Policy, PolicyDependencies } from './policy.ts';
import { roundRobin } from './roundRobin.ts';

/** The policy of that name. */
export function createPolicy(policy: BalancePolicy, dependencies: PolicyDependencies): Policy {
  switch (policy.type) {
    case 'roundRobin':
      return roundRobin(dependencies.random);
    case 'leastConnections':
      return leastConnections();
    case 'ewma':
      return ewma(dependencies.clock, dependencies.random);
    case 'maglev':
      return consistentHash(policy, dependencies);
  }
}
