import type { MachineContext } from './machineContext.ts';
import type { Prober } from './prober.ts';
import { recordOf, type Peer, type Suspicion } from './roster.ts';
import { suspicionTimeoutMs } from './timings.ts';

/** Of those who hear of a suspicion, about this many look for themselves. */
const OWN_LOOKS = 8;

/** Members that did not answer: what they get to say, and when they count as dead. */
export class Suspicions {
  readonly #context: MachineContext;

  constructor(context: MachineContext) {
    this.#context = context;
  }

  /** A probe of ours, begun at `sentMs`, has failed. */
  accuse(peer: Peer, sentMs: number): void {
    const context = this.#context;
    if (peer.suspicion !== null) {
      peer.suspicion.isProbed = true;
      return;
    }
    context.counts.suspicions += 1;
    peer.status = 'suspect';
    peer.sinceMs = context.nowMs;
    peer.suspicion = this.#suspicion(true);
    peer.isPrivate = true;
    context.log('debug', 'a member does not answer', { node: peer.node });
    context.changed();
    this.#spread(peer, sentMs);
  }

  /** Somebody else suspects it: it has the same time from now on, and some of us look as well. */
  heard(peer: Peer): void {
    peer.suspicion = this.#suspicion(this.#context.options.random() * this.#context.size() < OWN_LOOKS);
  }

  /** It has answered: both directions work, at least just now. It need not have heard of the suspicion yet. */
  answered(peer: Peer): void {
    if (peer.suspicion !== null) peer.suspicion.deadlineMs = Math.max(peer.suspicion.deadlineMs, this.#deadlineMs());
  }

  work(prober: Prober): void {
    const { nowMs } = this.#context;
    for (const peer of this.#context.roster.living()) {
      const { suspicion } = peer;
      if (suspicion === null) continue;
      if (peer.isPrivate) this.#spread(peer, suspicion.sinceMs);
      if (suspicion.deadlineMs <= nowMs) this.#bury(peer, suspicion);
      else if (suspicion.isProbed && suspicion.nextPingMs <= nowMs) {
        suspicion.nextPingMs = nowMs + this.#context.timings.suspectPingMs * (1 + this.#context.slowness);
        suspicion.pings += 1;
        prober.pingSuspect(peer, suspicion.pings);
      }
    }
  }

  wakeAtMs(): number {
    let wakeMs = Number.POSITIVE_INFINITY;
    for (const { suspicion } of this.#context.roster.living()) {
      if (suspicion !== null) wakeMs = Math.min(wakeMs, suspicion.deadlineMs, suspicion.isProbed ? suspicion.nextPingMs : Number.POSITIVE_INFINITY);
    }
    return wakeMs;
  }

  /** This process was late by so much: suspects get that much longer. */
  postpone(lateMs: number): void {
    for (const { suspicion } of this.#context.roster.living()) if (suspicion !== null) suspicion.deadlineMs += lateMs;
  }

  /** After a pause everybody has the whole time again: what came meanwhile is still to be read. */
  reset(): void {
    for (const { suspicion } of this.#context.roster.living()) if (suspicion !== null) suspicion.deadlineMs = this.#deadlineMs();
  }

  #suspicion(isProbed: boolean): Suspicion {
    const { nowMs } = this.#context;
    return { sinceMs: nowMs, tally: this.#context.tally(), deadlineMs: this.#deadlineMs(), isProbed, nextPingMs: nowMs, pings: 0 };
  }

  #deadlineMs(): number {
    const { nowMs, slowness, timings } = this.#context;
    return nowMs + suspicionTimeoutMs(timings, this.#context.size()) * (1 + slowness);
  }

  /** Only who is heard by somebody may accuse in public: a node that has gone deaf would accuse everybody. */
  #spread(peer: Peer, sinceMs: number): void {
    if (!this.#context.isCorroborated(sinceMs, peer.node)) return;
    peer.isPrivate = false;
    this.#context.announce(recordOf(peer));
  }

  #bury(peer: Peer, { sinceMs, tally }: Suspicion): void {
    const context = this.#context;
    if (context.isMute(tally)) {
      peer.suspicion = this.#suspicion(true);
      return;
    }
    context.counts.deaths += 1;
    peer.status = 'dead';
    peer.sinceMs = context.nowMs;
    peer.suspicion = null;
    peer.isPrivate = true;
    peer.nextAbsentPingMs = context.nowMs + context.timings.absentPingMs;
    context.log('info', 'a member is dead: it does not answer, and nobody reaches it', { node: peer.node });
    context.changed();
    this.#spread(peer, sinceMs);
    // Should it live after all, it learns at once what to refute.
    context.send(peer, { type: 'news' });
  }
}
