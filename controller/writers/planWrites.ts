import { printRef, type ObjectRef } from '../../core/ir/objectRef.ts';
import type { Problem } from '../../core/ir/problem.ts';
import type { AllocationRefusal } from '../allocator/refusal.ts';
import type { Ownership } from './ownership.ts';
import { planIngresses } from './planIngresses.ts';
import { planOwnKinds } from './planOwnKinds.ts';
import { planServices } from './planServices.ts';
import type { StandingStatus } from './standingStatus.ts';
import { statusPatch } from './statusPatch.ts';
import { wantedText, type StatusWrite, type WantedStatus } from './statusWrite.ts';
import type { WriterInput } from './writerInput.ts';

/** How a write of one object's status ended: what the API server keeps of what was wanted. */
export interface Settled {
  readonly ref: ObjectRef;
  readonly uid: string;
  /** `wantedText` of what was written, or found to stand already. */
  readonly wanted: string;
  /** resourceVersion of the object as the plan saw it: what is still read of that version is old. */
  readonly baseVersion: string;
  /** What the API server gave back. */
  readonly standing: StandingStatus;
}

/** What each planner of a kind is given. */
export interface PlanContext {
  readonly input: WriterInput;
  readonly ownership: Ownership;
  problemsOf(ref: ObjectRef): readonly Problem[];
  /** `Kind namespace/name` of a Service → why it does not have what it asks for. */
  readonly refusals: ReadonlyMap<string, AllocationRefusal>;
}

/** What the statuses of all objects that concern us should be, by `Kind namespace/name`. Pure. */
export function planWrites(input: WriterInput, ownership: Ownership): ReadonlyMap<string, StatusWrite> {
  const problems = Map.groupBy(input.problems, ({ object }) => (object === null ? '' : printRef(object)));
  const refusals = new Map(input.refusals.map((refusal) => [printRef(refusal.service), refusal]));
  const context: PlanContext = { input, ownership, refusals, problemsOf: (ref) => problems.get(printRef(ref)) ?? [] };
  const writes = new Map<string, StatusWrite>();
  for (const plan of [planServices, planIngresses, planOwnKinds]) {
    for (const write of plan(context)) writes.set(printRef(write.ref), write);
  }
  return writes;
}

/** True when `standing` is as wanted. */
function isSatisfied(wanted: WantedStatus, standing: StandingStatus): boolean {
  return statusPatch(wanted, standing, '').length === 0;
}

/**
 * The write, if anything is left to be done. What the API server gave back for this very wish counts as the wish fulfilled, also
 * where it differs: servers before 1.29 drop `ipMode`, and asking again would never end.
 */
export function openWrite(write: StatusWrite, last: Settled | undefined): StatusWrite | null {
  if (last === undefined || last.uid !== write.uid) return differs(write) ? write : null;
  const readAgain = write.resourceVersion !== last.baseVersion && write.resourceVersion !== last.standing.resourceVersion;
  const standing = readAgain ? write.standing : last.standing;
  if (standing !== null && isSatisfied(write.wanted, standing)) return null;
  const asGiven = wantedText(write.wanted) === last.wanted && standing !== null && saysTheSame(write.wanted, standing, last.standing);
  return asGiven ? null : { ...write, standing };
}

function differs({ wanted, standing }: StatusWrite): boolean {
  return standing === null || !isSatisfied(wanted, standing);
}

/** As far as the wish goes, what stands is what was given back then. */
function saysTheSame(wanted: WantedStatus, standing: StandingStatus, given: StandingStatus): boolean {
  const asGiven: WantedStatus = {
    ingress: wanted.ingress?.action === 'set' ? { action: 'set', entries: given.ingress } : wanted.ingress,
    condition: standing === given ? null : wanted.condition,
    usage: wanted.usage === null ? null : given.usage,
  };
  return isSatisfied(asGiven, standing);
}
