import type { L2Answer } from '../parts.ts';
import type { AnnouncerReport, FrameCounts, KernelReport, MemberReport, VipReport } from '../report.ts';
import type { AnnouncedVip } from '../wanted.ts';
import type { Decisions } from '../ownership/decision.ts';
import { wishKey } from '../ownership/eligibleNodes.ts';
import type { ConflictBook } from './conflictBook.ts';
import type { InterfaceView } from './engineEvents.ts';

/** What a report follows from. */
export interface ReportInput {
  readonly generation: number;
  readonly vips: ReadonlyMap<string, AnnouncedVip>;
  readonly decisions: Decisions;
  /** Wall clock, by address. */
  readonly sinceMs: ReadonlyMap<string, number>;
  readonly answers: ReadonlyMap<string, L2Answer>;
  readonly conflicts: ConflictBook;
  readonly counts: ReadonlyMap<string, FrameCounts>;
  readonly members: readonly MemberReport[];
  readonly kernel: KernelReport;
  readonly interfaces: InterfaceView | null;
  /** Why this node must own nothing; null: it may. */
  readonly doubt: string | null;
  /** Of membership, in words. */
  readonly problems: readonly string[];
}

export function buildReport(input: ReportInput): AnnouncerReport {
  const { generation, vips, members, kernel, interfaces, problems } = input;
  const wishes = new Map([...vips.values()].map((vip) => [wishKey(vip), vip.interfaces]));
  return {
    generation,
    vips: [...vips.keys()].map((address) => vipReport(address, input)),
    members,
    kernel,
    interfaces: interfaces?.describe([...wishes.values()]) ?? [],
    ...(problems.length > 0 ? { problems } : {}),
  };
}

const NO_FRAMES: FrameCounts = { requestsReceived: 0, repliesSent: 0, gratuitousSent: 0, conflictsSeen: 0 };

function vipReport(address: string, { decisions, sinceMs, answers, conflicts, counts, doubt }: ReportInput): VipReport {
  const decision = decisions.get(address);
  const answer = answers.get(address);
  return {
    address,
    owner: decision?.owner ?? null,
    sharers: decision?.sharers ?? [],
    interfaces: answer === undefined || answer.leaving ? [] : answer.interfaces.map(({ name }) => name),
    reason: [decision?.reason ?? '', ...(doubt === null ? [] : [`this node may own nothing: ${doubt}`])].join('; '),
    sinceMs: sinceMs.get(address) ?? null,
    conflicts: conflicts.claimants(address),
    frames: counts.get(address) ?? NO_FRAMES,
  };
}
