import type { MachineContext } from './machineContext.ts';
import { MAX_SEQUENCE } from './message.ts';
import { isLiving, recordOf, reproachOf, turnAddress, type Peer, type SendTally } from './roster.ts';

/** One question whether a member lives. */
interface Probe {
  readonly node: string;
  readonly sequence: number;
  readonly sentMs: number;
  readonly tally: SendTally;
  stage: 'direct' | 'indirect' | 'failed';
  deadlineMs: number;
}

/** A ping that is, or was, waited for. */
interface SentPing {
  readonly node: string;
  readonly sentMs: number;
  readonly probe: Probe | null;
  /** Who has asked for it, under which number. */
  readonly relay: { readonly node: string; readonly sequence: number } | null;
}

/** Answers are recognised for this long: late ones tell that this node is slow. */
const REMEMBERED_MS = 2_000;
/** Pings that are remembered at most: others may ask for any number. */
const MAX_REMEMBERED = 2_048;
/** Pings of a member that was just named come sooner than later ones. */
const JOIN_PINGS = 4;

/** Asks members whether they live: in turn, by way of others, and those that are gone now and then. */
export class Prober {
  readonly #context: MachineContext;
  readonly #onFailure: (peer: Peer, sentMs: number) => void;
  readonly #pings = new Map<number, SentPing>();
  /** By node. */
  readonly #probes = new Map<string, Probe>();
  #order: string[] = [];
  #sequence: number;
  #nextProbeMs = 0;
  #nextAbsentMs = 0;

  /** `onFailure`: nobody could reach it. */
  constructor(context: MachineContext, onFailure: (peer: Peer, sentMs: number) => void) {
    this.#context = context;
    this.#onFailure = onFailure;
    this.#sequence = Math.floor(context.options.random() * MAX_SEQUENCE);
  }

  /** Does what is due. */
  work(): void {
    this.#forget();
    for (const probe of this.#probes.values()) if (probe.deadlineMs <= this.#context.nowMs) this.#expire(probe);
    this.#probeNext();
    this.#pingAbsent();
  }

  wakeAtMs(): number {
    let wakeMs = this.#context.roster.living().length > 0 ? this.#nextProbeMs : Number.POSITIVE_INFINITY;
    for (const { deadlineMs } of this.#probes.values()) wakeMs = Math.min(wakeMs, deadlineMs);
    for (const peer of this.#context.roster.absent()) wakeMs = Math.min(wakeMs, this.#absentDueMs(peer));
    return wakeMs;
  }

  /** A ping beside the usual ones, to a suspect: directly, and every other time by way of one more member. */
  pingSuspect(peer: Peer, count: number): void {
    const sequence = this.#ping(peer, null, null);
    if (count % 2 === 0) this.#askOthers(peer, sequence, 1);
    else turnAddress(peer);
  }

  /** Somebody wants to know of `target`: an answer goes back under the number that was asked with. */
  relay(requester: Peer, sequence: number, target: Peer): void {
    this.#ping(target, null, { node: requester.node, sequence });
  }

  /** An answer to a ping of ours, from whomever. */
  acknowledged(sequence: number, target: Peer, from: Peer): void {
    const context = this.#context;
    const ping = this.#pings.get(sequence);
    if (ping === undefined || ping.node !== target.node) return;
    this.#pings.delete(sequence);
    target.lastAckMs = context.nowMs;
    target.helper = from === target ? null : from.node;
    target.heardMs = context.nowMs;
    const requester = ping.relay === null ? undefined : context.roster.get(ping.relay.node);
    if (ping.relay !== null && requester !== undefined) {
      context.reply(requester, { type: 'ack', sequence: ping.relay.sequence, target: target.node }, [...reproachOf(requester), recordOf(target)]);
    }
    if (ping.probe === null) return;
    if (ping.probe.stage === 'failed') context.adjustSlowness(1);
    else if (context.nowMs - ping.sentMs <= context.timings.directTimeoutMs) context.adjustSlowness(-1);
    if (this.#probes.get(target.node) === ping.probe) this.#probes.delete(target.node);
  }

  /** All who are gone are asked at once: the network may have come back. */
  refresh(): void {
    for (const peer of this.#context.roster.absent()) {
      peer.nextAbsentPingMs = this.#context.nowMs;
      peer.absentPings = 0;
    }
  }

  /** This process was late by so much: answers get that much longer. */
  postpone(lateMs: number): void {
    for (const probe of this.#probes.values()) probe.deadlineMs += lateMs;
  }

  /** Questions from before a pause are void. */
  reset(): void {
    this.#probes.clear();
  }

  #probeNext(): void {
    const { nowMs, roster, timings } = this.#context;
    if (nowMs < this.#nextProbeMs) return;
    const living = roster.living();
    if (living.length === 0) return;
    this.#nextProbeMs = nowMs + timings.periodMs / Math.min(timings.probesPerPeriod, living.length);
    const peer = this.#nextInOrder(living);
    if (peer === null) return;
    const probe: Probe = {
      node: peer.node,
      sequence: (this.#sequence + 1) % MAX_SEQUENCE,
      sentMs: nowMs,
      tally: this.#context.tally(),
      stage: 'direct',
      deadlineMs: nowMs + timings.directTimeoutMs * (1 + this.#context.slowness),
    };
    this.#probes.set(peer.node, probe);
    this.#ping(peer, probe, null);
  }

  /** Every member comes once before any comes twice (SWIM section 4.3), suspects excepted, who are pinged anyway. */
  #nextInOrder(living: readonly Peer[]): Peer | null {
    const wanted = (peer: Peer | undefined): peer is Peer =>
      peer !== undefined && isLiving(peer) && peer.suspicion?.isProbed !== true && !this.#probes.has(peer.node);
    for (let round = 0; round < 2; round += 1) {
      for (let node = this.#order.pop(); node !== undefined; node = this.#order.pop()) {
        const peer = this.#context.roster.get(node);
        if (wanted(peer)) return peer;
      }
      this.#order = this.#context.draw(living, living.length).map(({ node }) => node);
    }
    return null;
  }

  #expire(probe: Probe): void {
    const context = this.#context;
    const peer = context.roster.get(probe.node);
    if (peer === undefined || !isLiving(peer)) {
      this.#probes.delete(probe.node);
      return;
    }
    if (probe.stage === 'direct') {
      probe.stage = 'indirect';
      probe.deadlineMs = context.nowMs + context.timings.indirectTimeoutMs * (1 + context.slowness);
      this.#askOthers(peer, probe.sequence, context.timings.indirectProbes);
      // A lost datagram is more likely than a lost member, and another address may do.
      turnAddress(peer);
      this.#ping(peer, probe, null);
      return;
    }
    probe.stage = 'failed';
    this.#probes.delete(probe.node);
    context.counts.probesFailed += 1;
    if (context.isMute(probe.tally)) context.log('debug', 'nothing can be sent, so silence says nothing', { node: probe.node });
    else this.#onFailure(peer, probe.sentMs);
  }

  #askOthers(peer: Peer, sequence: number, count: number): void {
    const others = this.#context.roster.living().filter(({ node, status }) => node !== peer.node && status === 'alive');
    // Where only some reach it, whoever did so last does it again.
    const proven = others.filter(({ node }) => node === peer.helper);
    const drawn = this.#context.draw(others.filter(({ node }) => node !== peer.helper), count - proven.length);
    for (const helper of [...proven, ...drawn]) this.#context.send(helper, { type: 'pingRequest', sequence, target: peer.node });
  }

  /** Those just named soon and all together, the others one at a time. */
  #pingAbsent(): void {
    const { nowMs, roster, timings } = this.#context;
    const due = roster.absent().filter((peer) => this.#absentDueMs(peer) <= nowMs).sort((a, b) => a.nextAbsentPingMs - b.nextAbsentPingMs);
    let hasTurned = false;
    for (const peer of due) {
      const isNew = peer.absentPings < JOIN_PINGS;
      if (!isNew && hasTurned) continue;
      if (!isNew) {
        hasTurned = true;
        this.#nextAbsentMs = nowMs + timings.periodMs;
      }
      peer.absentPings += 1;
      peer.nextAbsentPingMs = nowMs + (isNew ? timings.joinPingMs : timings.absentPingMs);
      const sequence = this.#ping(peer, null, null);
      // It may be there for others, and be taken for dead here alone.
      if (!isNew) this.#askOthers(peer, sequence, 1);
      turnAddress(peer);
    }
  }

  #absentDueMs({ absentPings, nextAbsentPingMs }: Peer): number {
    return absentPings < JOIN_PINGS ? nextAbsentPingMs : Math.max(nextAbsentPingMs, this.#nextAbsentMs);
  }

  #ping(peer: Peer, probe: Probe | null, relay: SentPing['relay']): number {
    this.#sequence = (this.#sequence + 1) % MAX_SEQUENCE;
    const sequence = this.#sequence;
    this.#pings.set(sequence, { node: peer.node, sentMs: this.#context.nowMs, probe, relay });
    this.#context.send(peer, { type: 'ping', sequence, target: peer.node });
    return sequence;
  }

  #forget(): void {
    for (const [sequence, { sentMs }] of this.#pings) {
      if (this.#context.nowMs - sentMs < REMEMBERED_MS && this.#pings.size <= MAX_REMEMBERED) return;
      this.#pings.delete(sequence);
    }
  }
}
