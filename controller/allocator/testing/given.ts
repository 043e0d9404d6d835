import { allocate, type AllocationInput, type AllocationResult } from '../allocate.ts';
import type { Assignments } from '../assignment.ts';

/** For tests: a run of the allocator, and its result in short. */
export interface Given {
  readonly result: AllocationResult;
  /** `namespace/name` → `address address @pool`. */
  readonly given: Readonly<Record<string, string>>;
  /** `object field: rule; effect` of each problem. */
  readonly faults: readonly string[];
}

/** For tests: runs the allocator. */
export function give(input: Omit<AllocationInput, 'previous'> & { readonly previous?: Assignments }): Given {
  const result = allocate({ previous: new Map(), ...input });
  const given = [...result.assignments].map(([key, { addresses, pool }]) => [key, `${addresses.join(' ')} @${pool}`]);
  const faults = result.problems.map(
    ({ object, field, rule, effect }) => `${object?.name} ${field}: ${rule}; ${effect}`,
  );
  return { result, given: Object.fromEntries(given) as Record<string, string>, faults };
}
