import { mayEcho, type BfdEffect, type BfdSessions } from '../session/bfdSessions.ts';
import type { EchoWire } from './echoWire.ts';
import type { LifeSignsReader } from './lifeSigns.ts';
import type { FromBfdThread, ToBfdThread } from './threadMessages.ts';
import { REPAIR_EVERY_MS, type BfdWire } from './bfdWire.ts';

/** What the loop works with. */
export interface BfdLoopDependencies {
  readonly sessions: BfdSessions;
  readonly wire: BfdWire;
  readonly echoWire: EchoWire;
  readonly lifeSigns: LifeSignsReader;
  /** The next message that waits; null: none. */
  readonly nextMessage: () => ToBfdThread | null;
  readonly report: (message: FromBfdThread) => void;
  /** Waits up to `timeoutMs` for a message or for something to read among `descriptors`: which can be read. */
  readonly wait: (descriptors: readonly number[], timeoutMs: number) => ReadonlySet<number>;
  /** CLOCK_MONOTONIC, ms. */
  readonly nowMs: () => number;
  /** Since the epoch. */
  readonly wallMs: () => number;
}

/** Ours: the thread looks around this often without a reason, so that its end, when the process ends, is not long in coming. */
const MAX_WAIT_MS = 200;

/** Ours: AdminDown is said this often, as any packet may be lost, and nobody is there to repeat it afterwards. */
const FAREWELLS = 3;
const FAREWELL_EVERY_MS = 10;

/** Runs until `stop` comes. */
export function runBfdLoop(dependencies: BfdLoopDependencies): void {
  const loop = new BfdLoop(dependencies);
  while (loop.turn()) dependencies.lifeSigns.countTurn();
  loop.sayFarewell();
}

/** One turn: what has come, messages, what is due, repairs. */
export class BfdLoop {
  readonly #dependencies: BfdLoopDependencies;
  #isSilent = false;
  #isStopped = false;

  constructor(dependencies: BfdLoopDependencies) {
    this.#dependencies = dependencies;
  }

  /** Waits until there is something to do, and does it. Answers false once `stop` has come. */
  turn(): boolean {
    const { sessions, wire, echoWire, wait, nowMs } = this.#dependencies;
    const ready = wait([...wire.descriptors(), ...echoWire.descriptors()], this.#timeoutMs());
    this.#watchMain();
    // First: a session that is up with the next packet must know where the peer is.
    echoWire.receive(ready, (payload) => { sessions.receiveEcho(payload, nowMs()); });
    // All that waits is read before anything may expire: a process that was stopped finds there what it has missed.
    wire.receive(ready, (octets, arrival) => { this.#perform(sessions.receive(octets, arrival, nowMs())); });
    this.#applyMessages();
    if (this.#isStopped) return false;
    this.#perform(sessions.tick(nowMs()));
    if (wire.isBroken()) wire.repair(nowMs());
    return true;
  }

  /** AdminDown to all, several times. */
  sayFarewell(): void {
    const { sessions, wait, nowMs } = this.#dependencies;
    for (let count = 1; count <= FAREWELLS; count += 1) {
      this.#perform(sessions.disable(nowMs()));
      if (count < FAREWELLS) wait([], FAREWELL_EVERY_MS);
    }
  }

  #applyMessages(): void {
    const { nextMessage } = this.#dependencies;
    for (let message = nextMessage(); message !== null && !this.#isStopped; message = nextMessage()) this.#apply(message);
  }

  #apply(message: ToBfdThread): void {
    const { sessions, wire, echoWire, report, nowMs, wallMs } = this.#dependencies;
    switch (message.type) {
      case 'sessions':
        if (!message.sessions.some(mayEcho)) echoWire.close();
        wire.setSessions(message.sessions, nowMs());
        this.#perform(sessions.set(message.sessions, nowMs()));
        break;
      case 'report':
        report({ type: 'reported', request: message.request, reports: sessions.reports({ monotonicMs: nowMs(), wallMs: wallMs() }) });
        break;
      case 'stop':
        this.#isStopped = true;
        break;
    }
  }

  #perform(effects: readonly BfdEffect[]): void {
    const { wire, echoWire, report, nowMs } = this.#dependencies;
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          if (!this.#isSilent) wire.send(effect.endpoint, effect.discriminator, effect.octets, nowMs());
          break;
        case 'echo':
          if (!this.#isSilent) echoWire.send(effect.endpoint, effect.interfaceIndex, effect.payload);
          break;
        case 'echoLink':
          echoWire.open(effect.interfaceIndex);
          break;
        case 'changed': {
          const { type: _, ...news } = effect;
          report({ type: 'changed', news });
          break;
        }
        case 'ended':
          wire.forget(effect.discriminator);
          break;
      }
    }
  }

  /** A main thread that can withdraw nothing is not spoken for: peers find out by the silence. */
  #watchMain(): void {
    const { lifeSigns, report } = this.#dependencies;
    const isSilent = !lifeSigns.isMainAlive();
    if (isSilent !== this.#isSilent) report({ type: 'silent', silent: isSilent });
    this.#isSilent = isSilent;
  }

  #timeoutMs(): number {
    const { sessions, wire, nowMs } = this.#dependencies;
    const longest = wire.isBroken() ? Math.min(REPAIR_EVERY_MS, MAX_WAIT_MS) : MAX_WAIT_MS;
    const dueMs = sessions.dueMs();
    return dueMs === null ? longest : Math.max(0, Math.min(longest, Math.ceil(dueMs - nowMs())));
  }
}
