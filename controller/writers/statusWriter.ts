import { EventRequests } from './eventRequests.ts';
import { advanceOwnership, type Ownership } from './ownership.ts';
import { planWrites } from './planWrites.ts';
import { LostNodeCleanup } from './lostNodeCleanup.ts';
import { StatusRequests } from './statusRequests.ts';
import { PairCounter, type WriteOutcome, type WriterCounts } from './writeCounts.ts';
import type { WriterDependencies } from './writerDependencies.ts';
import type { Writer, WriterInput } from './writerInput.ts';

/** The writer of the leader. */
export interface StatusWriter extends Writer {
  counts(): WriterCounts;
  /** Requests waiting or under way. */
  readonly pending: number;
}

/**
 * Writes statuses, conditions and Events while this process is the leader, and nothing before the first input, which is the first
 * full sync, nor while it is not. When it becomes the leader everything is compared anew and every problem is told once; when it is
 * no longer, what waits is forgotten at once.
 */
export function createStatusWriter(dependencies: WriterDependencies): StatusWriter {
  return new LeaderWriter(dependencies);
}

class LeaderWriter implements StatusWriter {
  readonly #dependencies: WriterDependencies;
  readonly #writes = new PairCounter<string, WriteOutcome>();
  readonly #events = new PairCounter<string, 'written' | 'dropped'>();
  readonly #statusRequests: StatusRequests;
  readonly #eventRequests: EventRequests;
  readonly #cleanup: LostNodeCleanup;
  readonly #unsubscribe: () => void;
  #input: WriterInput | null = null;
  #ownership: Ownership = new Map();
  #leading: boolean;
  #stopped = false;

  constructor(dependencies: WriterDependencies) {
    this.#dependencies = dependencies;
    this.#statusRequests = new StatusRequests(dependencies, (kind, outcome) => this.#writes.add(kind, outcome));
    this.#eventRequests = new EventRequests(dependencies, (reason, outcome) => this.#events.add(reason, outcome));
    this.#cleanup = new LostNodeCleanup(dependencies, (kind, outcome) => this.#writes.add(kind, outcome));
    this.#leading = dependencies.leadership.isLeader();
    this.#unsubscribe = dependencies.leadership.onChange(() => this.#followLeadership());
  }

  get pending(): number {
    return this.#statusRequests.pending + this.#eventRequests.pending + this.#cleanup.pending;
  }

  update(input: WriterInput): void {
    if (this.#stopped) return;
    this.#ownership = advanceOwnership(this.#ownership, input);
    this.#eventRequests.follow(input);
    // Changes are told once: of what is kept for later they are no part.
    this.#input = { ...input, assignmentChanges: [] };
    this.#followLeadership();
    if (this.#leading) this.#bringInto(input);
  }

  counts(): WriterCounts {
    return {
      writes: this.#writes.list().map(({ first, second, count }) => ({ kind: first, outcome: second, count })),
      events: this.#events.list().map(({ first, second, count }) => ({ reason: first, outcome: second, count })),
    };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe();
    await Promise.all([this.#statusRequests.stop(), this.#eventRequests.stop(), this.#cleanup.stop()]);
  }

  #followLeadership(): void {
    const leading = this.#dependencies.leadership.isLeader();
    if (leading === this.#leading || this.#stopped) return;
    this.#leading = leading;
    this.#statusRequests.clear();
    this.#eventRequests.clear();
    this.#cleanup.clear();
    if (leading && this.#input !== null) this.#bringInto(this.#input);
  }

  #bringInto(input: WriterInput): void {
    if (input.isKept === true) return;
    this.#statusRequests.replace(planWrites(input, this.#ownership));
    this.#eventRequests.tell(input);
    this.#cleanup.update(input.objects);
  }
}
