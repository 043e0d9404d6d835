import type { Problem } from '../../core/ir/problem.ts';
import { printIpAddress } from '../../core/net/ipAddress.ts';
import type { IPAddressPool, Service } from '../model/objects.ts';
import { compareAge } from '../translate/ingressAge.ts';
import { AllocationRun } from './allocationRun.ts';
import type { AssignmentChange } from './assignmentChange.ts';
import type { Assignments } from './assignment.ts';
import { compilePools } from './poolTable.ts';
import { viewPools, type PoolView } from './poolView.ts';
import { describeRefusal } from './refusal.ts';
import { isOurs, readWish } from './serviceWish.ts';

/** All that decides who gets which address. The order of pools and Services does not matter. */
export interface AllocationInput {
  readonly pools: Iterable<IPAddressPool>;
  /** Of any type and class; only those of type LoadBalancer that are ours get addresses. */
  readonly services: Iterable<Service>;
  /** What the last run gave. A Service that is not in it keeps what its status says. */
  readonly previous: Assignments;
}

export interface AllocationResult {
  /** Services with addresses, oldest first; to be given to the next run. */
  readonly assignments: Assignments;
  readonly problems: readonly Problem[];
  /** What differs from `previous`, and why. */
  readonly changes: readonly AssignmentChange[];
  /** Oldest first. */
  readonly pools: readonly PoolView[];
}

/** An address given up while others wait may be had by one of them; more rounds than this are not worth it (ours). */
const MAX_ROUNDS = 4;

/**
 * Gives addresses of pools to Services of type LoadBalancer. Pure: the same input gives the same result. What a Service has it
 * keeps as long as its own wishes, the pools and those it shares with allow; then come those that ask for an address by value,
 * then the rest, each oldest first.
 */
export function allocate(input: AllocationInput): AllocationResult {
  const table = compilePools(input.pools);
  const wishes = [...input.services].filter(isOurs).toSorted(compareAge).map(readWish);
  let run = new AllocationRun(table, wishes);
  run.allocate(input.previous);
  const losses = run.losses;
  for (let round = 1; run.gaveBack && round < MAX_ROUNDS; round += 1) {
    const previous = assignmentsOf(run);
    run = new AllocationRun(table, wishes);
    run.allocate(previous);
  }
  const assignments = assignmentsOf(run);
  return {
    assignments,
    problems: [...table.problems, ...problemsOf(run)],
    changes: changesOf(input.previous, assignments, losses),
    pools: viewPools(table, run),
  };
}

function assignmentsOf(run: AllocationRun): Assignments {
  const assignments = new Map<
    string,
    { readonly addresses: string[]; readonly pool: string; readonly sharingTerms?: string }
  >();
  for (const { wish, held } of run.candidates) {
    if (held === null || held.addresses.length === 0) continue;
    const given = { addresses: held.addresses.map(printIpAddress), pool: held.pool.name };
    assignments.set(wish.key, wish.sharingTerms === undefined ? given : { ...given, sharingTerms: wish.sharingTerms });
  }
  return assignments;
}

function* problemsOf(run: AllocationRun): Iterable<Problem> {
  for (const { wish, held, refusal } of run.candidates) {
    yield* wish.problems;
    if (refusal !== null) yield describeRefusal(refusal, { wish, kept: held?.addresses ?? [] }, run.table);
  }
}

function changesOf(before: Assignments, after: Assignments, losses: AllocationRun['losses']): AssignmentChange[] {
  const changes: AssignmentChange[] = [];
  for (const [service, { addresses }] of before) {
    const now = after.get(service)?.addresses ?? [];
    const same = now.length === addresses.length && now.every((address, index) => address === addresses[index]);
    if (!same)
      changes.push({ service, before: addresses, after: now, cause: losses.get(service) ?? causeOf(addresses, now) });
  }
  for (const [service, { addresses }] of after) {
    if (!before.has(service)) changes.push({ service, before: [], after: addresses, cause: 'new' });
  }
  return changes;
}

function causeOf(before: readonly string[], after: readonly string[]): AssignmentChange['cause'] {
  if (after.length === 0) return 'notLoadBalancer';
  return before.every((address) => after.includes(address)) ? 'familyAdded' : 'families';
}
