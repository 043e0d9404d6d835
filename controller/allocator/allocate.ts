import type { Problem } from '../../core/ir/problem.ts';
import { printIpAddress, sameIpAddress, type IpAddress } from '../../core/net/ipAddress.ts';
import type { IPAddressPool } from '../model/addressPool.ts';
import type { Namespace } from '../model/objects.ts';
import type { Service } from '../model/service.ts';
import { compareAge } from '../translate/ingressAge.ts';
import { Admissions } from './admission.ts';
import { AllocationState, type Held } from './allocationState.ts';
import { followStatuses, giveAddresses } from './allocationRun.ts';
import type { AssignmentChange, LossCause } from './assignmentChange.ts';
import type { Assignments, ServiceAssignment } from './assignment.ts';
import type { Former } from './keepAddresses.ts';
import { createAllocationMemory, type ListedInput } from './allocationMemory.ts';
import { compilePools } from './poolTable.ts';
import { viewPools, type PoolView } from './poolView.ts';
import { describeRefusal, refusalView, type AllocationRefusal } from './refusal.ts';
import { isOurs, type OwnershipRules, type ServiceWish } from './serviceWish.ts';

/** All that decides who gets which address. The order of pools, Services and Namespaces does not matter. */
export interface AllocationInput extends OwnershipRules {
  readonly pools: Iterable<IPAddressPool>;
  /** Of any type and class; only those that are ours get addresses, and only they count. */
  readonly services: Iterable<Service>;
  /** For namespaceSelectors of pools. */
  readonly namespaces: Iterable<Namespace>;
  /** What the last run gave. A Service that is not in it keeps what its status says. */
  readonly previous: Assignments;
  /**
   * `give`: for the one process that decides. `keep`: for all others, which have what the statuses say, as far as the rules that
   * the leader too goes by allow, and give nothing themselves.
   */
  readonly mode: 'give' | 'keep';
}

export interface AllocationResult {
  /** Services with addresses, oldest first; to be given to the next run. `previous` itself when nothing differs. */
  readonly assignments: Assignments;
  /** What is wrong with pools and Services. In mode `keep` a lack of addresses is none: that is for the leader to report. */
  readonly problems: readonly Problem[];
  /** Services that do not have what they ask for, oldest first. */
  readonly refusals: readonly AllocationRefusal[];
  /** What differs from `previous`, and why. */
  readonly changes: readonly AssignmentChange[];
  /** Oldest first. */
  readonly pools: readonly PoolView[];
}

/** An address given up while others wait may be had by one of them; more rounds than this are not worth it (ours). */
const MAX_ROUNDS = 4;

const memory = createAllocationMemory();

/**
 * Gives addresses of pools to Services of type LoadBalancer. Pure: the same input gives the same result. What a Service has it
 * keeps as long as its own wishes, the pools and those it shares with allow, and until a wish for something else can be met;
 * then come those that ask for an address by value, then the rest, each oldest first.
 */
export function allocate(input: AllocationInput): AllocationResult {
  const objects = { pools: [...input.pools], namespaces: [...input.namespaces], services: [...input.services] };
  const listed: ListedInput = { ...input, ...objects };
  return memory.recall(listed, () => computeAllocation(listed));
}

function computeAllocation(input: ListedInput): AllocationResult {
  const table = compilePools(input.pools);
  const admissions = new Admissions(table, input.namespaces);
  const ours = input.services.filter((service) => isOurs(service, input));
  const past = memory.of(input.previous);
  const wishes = ours.sort(compareAge).map((service) => past.wish(service));
  const former: Former = { assignments: input.previous, addressesOf: (key) => past.addresses(key) };
  let state = new AllocationState(table, admissions, wishes);
  const { losses } = state;
  if (input.mode === 'keep') followStatuses(state, former);
  else giveAddresses(state, former);
  for (let count = 1; state.gaveBack && count < MAX_ROUNDS; count += 1) {
    const round = state;
    state = new AllocationState(table, admissions, wishes);
    giveAddresses(state, roundOf(round));
  }
  const assignments = assignmentsOf(state, former);
  memory.remember(assignments, state.candidates);
  const last = state;
  const lossOf = (service: string): LossCause | 'notLoadBalancer' | null =>
    last.candidate(service) === undefined ? 'notLoadBalancer' : (losses.get(service) ?? null);
  return {
    assignments,
    problems: [...table.problems, ...problemsOf(state, input.mode)],
    refusals: refusalsOf(state),
    changes: assignments === input.previous ? [] : changesOf(input, assignments, lossOf),
    pools: viewPools(state),
  };
}

/** What a round gave, for the next one. */
function roundOf(state: AllocationState): Former {
  const assignments = assignmentsOf(state, { assignments: new Map(), addressesOf: () => [] });
  return { assignments, addressesOf: (key) => state.candidate(key)?.held?.addresses ?? [] };
}

/** What Services have now; entries that are as they were, and the whole when all are, stay the same objects. */
function assignmentsOf(state: AllocationState, { assignments: before, addressesOf }: Former): Assignments {
  const assignments = new Map<string, ServiceAssignment>();
  const keysBefore = before.keys();
  let same = true;
  for (const { wish, held } of state.candidates) {
    if (held === null) continue;
    const known = before.get(wish.key);
    const unchanged = known !== undefined && isAsBefore(wish, held, { known, addresses: addressesOf(wish.key) });
    same &&= unchanged && keysBefore.next().value === wish.key;
    assignments.set(wish.key, unchanged ? known : assignmentOf(wish, held));
  }
  return same && assignments.size === before.size ? before : assignments;
}

function isAsBefore(
  wish: ServiceWish,
  held: Held,
  { known, addresses }: { readonly known: ServiceAssignment; readonly addresses: readonly IpAddress[] },
): boolean {
  if (known.pool !== held.pool.name || known.sharingTerms !== wish.sharingTerms) return false;
  return addresses.length === held.addresses.length && addresses.every((one, index) => isSame(one, held.addresses[index]));
}

function isSame(a: IpAddress, b: IpAddress | undefined): boolean {
  return b !== undefined && sameIpAddress(a, b);
}

function assignmentOf({ sharingTerms }: ServiceWish, { pool, addresses }: Held): ServiceAssignment {
  const given = { addresses: addresses.map(printIpAddress), pool: pool.name };
  return sharingTerms === undefined ? given : { ...given, sharingTerms };
}

function* problemsOf({ candidates, table }: AllocationState, mode: AllocationInput['mode']): Iterable<Problem> {
  for (const { wish, held, refusal } of candidates) {
    yield* wish.problems;
    if (refusal === null || mode === 'keep') continue;
    yield describeRefusal(refusal, { wish, kept: held?.addresses ?? [] }, table);
  }
}

function refusalsOf({ candidates, table }: AllocationState): AllocationRefusal[] {
  return candidates.flatMap(({ wish, held, refusal }) =>
    refusal === null ? [] : [refusalView(refusal, { wish, kept: held?.addresses ?? [] }, table)],
  );
}

function changesOf(
  { previous: before, mode }: AllocationInput,
  after: Assignments,
  lossOf: (service: string) => AssignmentChange['cause'] | null,
): AssignmentChange[] {
  const changes: AssignmentChange[] = [];
  for (const [service, { addresses }] of before) {
    const now = after.get(service)?.addresses ?? [];
    const same = now.length === addresses.length && now.every((address, index) => address === addresses[index]);
    if (same) continue;
    const cause = lossOf(service) ?? (mode === 'keep' ? 'leader' : causeOf(addresses, now));
    changes.push({ service, before: addresses, after: now, cause });
  }
  for (const [service, { addresses }] of after) {
    if (!before.has(service)) changes.push({ service, before: [], after: addresses, cause: 'new' });
  }
  return changes;
}

function causeOf(before: readonly string[], after: readonly string[]): AssignmentChange['cause'] {
  return before.every((address) => after.includes(address)) ? 'familyAdded' : 'families';
}
