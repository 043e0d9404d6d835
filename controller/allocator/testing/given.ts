import { allocate, type AllocationInput, type AllocationResult } from '../allocate.ts';
import { LOAD_BALANCER_CLASS } from '../serviceWish.ts';

/** For tests: a run of the allocator, and its result in short. */
export interface Given {
  readonly result: AllocationResult;
  /** `namespace/name` → `address address @pool`. */
  readonly given: Readonly<Record<string, string>>;
  /** `object field: rule; effect` of each problem. */
  readonly faults: readonly string[];
}

/** For tests: what is as it is by default unless said otherwise. */
export const ORDINARY: Pick<AllocationInput, 'namespaces' | 'mode' | 'loadBalancerClass' | 'openelbOptIn'> = {
  namespaces: [],
  mode: 'give',
  loadBalancerClass: { name: LOAD_BALANCER_CLASS, required: false },
  openelbOptIn: false,
};

/** For tests: runs the allocator. */
export function give(input: Pick<AllocationInput, 'pools' | 'services'> & Partial<AllocationInput>): Given {
  const result = allocate({ ...ORDINARY, previous: new Map(), ...input });
  const given = [...result.assignments].map(([key, { addresses, pool }]) => [key, `${addresses.join(' ')} @${pool}`]);
  const faults = result.problems.map(
    ({ object, field, rule, effect }) => `${object?.name} ${field}: ${rule}; ${effect}`,
  );
  return { result, given: Object.fromEntries(given) as Record<string, string>, faults };
}
