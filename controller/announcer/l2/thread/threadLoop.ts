import { isRightful, type Right } from '../../../election/electionState.ts';
import type { L2Action, L2Machine } from '../l2Machine.ts';
import type { ConfirmationReader } from './confirmation.ts';
import type { FromL2Thread, ToL2Thread } from './threadMessages.ts';
import { REPAIR_EVERY_MS, type TakeFrame, type Wire } from './wire.ts';

/** What the loop works with. */
export interface ThreadLoopDependencies {
  readonly machine: L2Machine;
  readonly wire: Wire;
  readonly confirmation: ConfirmationReader;
  /** The next message that waits; null: none. */
  readonly nextMessage: () => ToL2Thread | null;
  readonly report: (message: FromL2Thread) => void;
  /** Waits up to `timeoutMs` for a message or for something to read among `descriptors`: which can be read. */
  readonly wait: (descriptors: readonly number[], timeoutMs: number) => ReadonlySet<number>;
  /** CLOCK_MONOTONIC, ms. */
  readonly nowMs: () => number;
  /** Since the epoch. */
  readonly wallMs: () => number;
}

/** Ours: the thread looks around this often without a reason, so that its end, when the process ends, is not long in coming. */
const MAX_WAIT_MS = 200;

/** Runs until `stop` comes. */
export function runThreadLoop(dependencies: ThreadLoopDependencies): void {
  const loop = new ThreadLoop(dependencies);
  while (loop.turn()) dependencies.confirmation.countTurn();
}

/** One turn: messages, frames, what is due, repairs. */
export class ThreadLoop {
  readonly #dependencies: ThreadLoopDependencies;
  /** Of the answers that the machine has; 0: none. */
  #generation = 0;
  /** Answers that need a right, and the rights there are. */
  #leased: ReadonlySet<string> = new Set();
  #rights: ReadonlyMap<string, Right> = new Map();
  #isStopped = false;

  constructor(dependencies: ThreadLoopDependencies) {
    this.#dependencies = dependencies;
  }

  /** Waits until there is something to do, and does it. Answers false once `stop` has come. */
  turn(): boolean {
    const { machine, wire, wait, nowMs } = this.#dependencies;
    const ready = wait(wire.descriptors(), this.#timeoutMs());
    this.#applyMessages();
    if (this.#isStopped) return false;
    wire.receive(ready, nowMs(), this.#take);
    const dueAtMs = this.#dueAtMs();
    if (dueAtMs !== null && nowMs() >= dueAtMs) this.#perform(machine.tick(nowMs()));
    for (const index of wire.repair(nowMs(), this.#take)) this.#perform(machine.linkUp(index, nowMs()));
    return !this.#isStopped;
  }

  /** A frame that comes while nobody may speak is gone: once it may be answered, its sender has long asked again. */
  readonly #take: TakeFrame = (interfaceIndex, frame) => {
    const { machine, confirmation, nowMs } = this.#dependencies;
    const isOutdated = confirmation.generation() !== this.#generation;
    if (isOutdated) this.#applyMessages();
    if (this.#isStopped) return false;
    if (this.#maySpeak()) this.#perform(machine.frame(interfaceIndex, frame, nowMs()));
    // New answers may have closed the very socket that is being read.
    return !isOutdated;
  };

  #applyMessages(): void {
    const { nextMessage } = this.#dependencies;
    for (let message = nextMessage(); message !== null && !this.#isStopped; message = nextMessage()) this.#apply(message);
  }

  #apply(message: ToL2Thread): void {
    const { machine, wire, report, nowMs } = this.#dependencies;
    const now = nowMs();
    switch (message.type) {
      case 'answers':
        if (message.afresh) this.#perform(machine.setAnswers([], now));
        this.#generation = message.generation;
        this.#leased = new Set(message.answers.filter(({ leased }) => leased === true).map(({ address }) => address));
        wire.setAnswers(message.answers, now);
        this.#perform(machine.setAnswers(message.answers, now));
        wire.updateGroups(now);
        break;
      case 'links':
        machine.setOwnMacs(message.macs);
        for (const index of message.up) this.#perform(machine.linkUp(index, now));
        break;
      case 'rights':
        this.#rights = message.rights;
        break;
      case 'count':
        report({ type: 'counted', request: message.request, counts: machine.counts() });
        break;
      case 'stop':
        this.#isStopped = true;
        break;
    }
  }

  #perform(actions: readonly L2Action[]): void {
    const { wire, report, nowMs, wallMs } = this.#dependencies;
    for (const action of actions) {
      switch (action.type) {
        case 'send':
          // Asked for every frame: answers that are void since a moment ago are not spoken for.
          if (this.#maySpeak() && this.#mayClaim(action.address)) wire.send(action.interfaceIndex, action.frame, nowMs());
          break;
        case 'conflict': {
          const { type: _, ...seen } = action;
          report({ type: 'conflict', seen: { ...seen, atMs: wallMs() } });
          break;
        }
        case 'takenOver':
          report(action);
          break;
      }
    }
  }

  #maySpeak(): boolean {
    const { confirmation } = this.#dependencies;
    return this.#generation !== 0 && confirmation.generation() === this.#generation && confirmation.holds();
  }

  /** Whoever ends a right may be stopped, and so may the main thread: what counts is the time. */
  #mayClaim(address: string | null): boolean {
    if (address === null || !this.#leased.has(address)) return true;
    const { nowMs, wallMs } = this.#dependencies;
    return isRightful(this.#rights.get(address) ?? null, { monotonicMs: nowMs(), wallMs: wallMs() });
  }

  #dueAtMs(): number | null {
    return this.#maySpeak() ? this.#dependencies.machine.nextTickMs() : null;
  }

  #timeoutMs(): number {
    const { wire, nowMs } = this.#dependencies;
    const longest = wire.isBroken() ? REPAIR_EVERY_MS : MAX_WAIT_MS;
    const dueAtMs = this.#dueAtMs();
    return dueAtMs === null ? longest : Math.max(0, Math.min(longest, Math.ceil(dueAtMs - nowMs())));
  }
}
