import type { IpAddress } from '../../core/net/ipAddress.ts';
import type { Service } from '../model/service.ts';
import type { AllocationInput, AllocationResult } from './allocate.ts';
import type { Candidate } from './allocationState.ts';
import { parseAddresses, type Assignments } from './assignment.ts';
import { readWish, type ServiceWish } from './serviceWish.ts';

/** The input with its objects in lists, which can be read more than once. */
export type ListedInput = AllocationInput & {
  readonly [list in 'pools' | 'namespaces' | 'services']: readonly (AllocationInput[list] extends Iterable<infer T> ? T : never)[];
};

/**
 * Saves work between runs without changing what they give. Everything hangs on the assignments that one run gives to the next:
 * an entry per object would cost the garbage collector more than is saved.
 */
export interface AllocationMemory {
  /** The result of a run on the very same objects, for the price of comparing references; else computes it. */
  recall(input: ListedInput, compute: () => AllocationResult): AllocationResult;
  /** What is known from the run that gave these assignments. */
  of(assignments: Assignments): Recollection;
  /** Keeps what a run has found out for the one that begins with its assignments. */
  remember(assignments: Assignments, candidates: readonly Candidate[]): void;
}

/** What a former run has read. */
export interface Recollection {
  /** What the Service asks for. */
  wish(service: Service): ServiceWish;
  /** `namespace/name` → what it has been assigned. */
  addresses(key: string): readonly IpAddress[];
}

interface Remembered {
  readonly objects: readonly (readonly object[])[];
  readonly rules: string;
  readonly result: AllocationResult;
}

/** A memory without anything in it. An entry lives as long as the assignments that it hangs on. */
export function createAllocationMemory(): AllocationMemory {
  const byPrevious = new WeakMap<Assignments, Remembered>();
  const byResult = new WeakMap<Assignments, ReadonlyMap<string, Candidate>>();
  return {
    recall: (input, compute) => {
      // What begins with nothing may begin with a constant, which would hold on to its objects for ever.
      if (input.previous.size === 0) return compute();
      const objects = [input.pools, input.namespaces, input.services];
      const rules = JSON.stringify([input.mode, input.loadBalancerClass, input.openelbOptIn]);
      const known = byPrevious.get(input.previous);
      if (known?.rules === rules && objects.every((list, index) => sameObjects(list, known.objects[index]))) return known.result;
      const result = compute();
      byPrevious.set(input.previous, { objects, rules, result });
      return result;
    },
    of: (assignments) => {
      const known = byResult.get(assignments);
      return {
        wish: (service) => {
          const wish = known?.get(`${service.metadata.namespace}/${service.metadata.name}`)?.wish;
          return wish?.service === service ? wish : readWish(service);
        },
        addresses: (key) => known?.get(key)?.held?.addresses ?? parseAddresses(assignments.get(key)?.addresses ?? []),
      };
    },
    remember: (assignments, candidates) => {
      if (assignments.size > 0) byResult.set(assignments, new Map(candidates.map((candidate) => [candidate.wish.key, candidate])));
    },
  };
}

/** Objects are immutable: the same ones in the same places say the same. */
function sameObjects(a: readonly object[], b: readonly object[] | undefined): boolean {
  return a.length === b?.length && a.every((object, index) => object === b[index]);
}
