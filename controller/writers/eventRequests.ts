import { EventSender, type EventSenderOptions } from './eventSender.ts';
import { assignmentEvents, ownerEvents, problemEvents } from './eventWish.ts';
import { OwnerWatch } from './ownerNews.ts';
import type { WriterDependencies } from './writerDependencies.ts';
import type { WriterInput } from './writerInput.ts';

/** The leader's Events: each problem when it appears, each change of addresses, and each of who answers for them. */
export class EventRequests {
  readonly #dependencies: WriterDependencies;
  readonly #sender: EventSender;
  readonly #owners = new OwnerWatch();
  /** Keys of problems that were told and persist. */
  #told: ReadonlySet<string> = new Set();

  constructor(dependencies: WriterDependencies, onEvent: EventSenderOptions['onEvent']) {
    this.#dependencies = dependencies;
    this.#sender = new EventSender(dependencies, { mayWork: () => dependencies.leadership.isLeader(), onEvent });
  }

  /** Events waiting to be written or being written. */
  get pending(): number {
    return this.#sender.pending;
  }

  /** Takes in what this process is to know should it come to lead; tells nothing. */
  follow(input: WriterInput): void {
    this.#owners.follow(input, this.#dependencies.clock.now());
  }

  /** Tells what is new in the input. */
  tell(input: WriterInput): void {
    for (const wish of assignmentEvents(input)) this.#sender.emit(wish);
    for (const wish of this.#owners.take().flatMap((news) => ownerEvents(news, input))) this.#sender.emit(wish);
    const problems = problemEvents(input);
    const told = this.#told;
    this.#told = new Set(problems.keys());
    for (const [key, wish] of problems) if (!told.has(key)) this.#sender.emit(wish);
    this.#sender.wake();
  }

  /** Gives up what waits; problems that persist are told again by the next `tell`. */
  clear(): void {
    this.#sender.clear();
    this.#told = new Set();
  }

  /** Ends for good. */
  async stop(): Promise<void> {
    this.clear();
    await this.#sender.stop();
  }
}
