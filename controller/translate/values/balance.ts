import type { BalancePolicy } from '../../../core/ir/cluster.ts';
import { oneOf } from './choice.ts';
import { accept, type Parsed } from './parsed.ts';

const parseName = oneOf(
  ['round_robin', 'least_conn', 'ewma'],
  '; hashing is asked for with upstream-hash-by, stickiness with affinity',
);

/** A balancing algorithm by the name ingress-nginx and nginx give it. */
export function parseBalance(text: string): Parsed<BalancePolicy> {
  const name = parseName(text);
  if (!name.ok) return name;
  switch (name.value) {
    case 'round_robin':
      return accept({ type: 'roundRobin' });
    case 'least_conn':
      return accept({ type: 'leastConnections' });
    case 'ewma':
      return accept({ type: 'ewma' });
  }
}
