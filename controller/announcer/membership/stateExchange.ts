import type { MachineContext } from './machineContext.ts';
import { MAX_PARTS, MAX_STATE_OCTETS, PART_OCTETS, type MessageBody } from './message.ts';
import { holdState, isLiving, type Peer } from './roster.ts';

/** A state that is being fetched from its member. */
interface Pull {
  readonly boot: string;
  version: number;
  parts: (Uint8Array | null)[];
  nextAskMs: number;
}

/** Parts that are sent within one retry interval at most: 200 nodes that ask at once are served one after the other. */
const PARTS_PER_INTERVAL = 320;
const ALL_PARTS = 2 ** MAX_PARTS - 1;

/** States that are too large for gossip, or were missed: fetched in parts from whom they are of. */
export class StateExchange {
  readonly #context: MachineContext;
  /** By node. */
  readonly #pulls = new Map<string, Pull>();
  #intervalEndMs = 0;
  #partsLeft = 0;

  constructor(context: MachineContext) {
    this.#context = context;
  }

  /** Asks for what is missing and due. */
  work(): void {
    const { nowMs, roster, timings } = this.#context;
    for (const peer of roster.living()) {
      if (peer.stateVersion <= peer.heldVersion) this.#pulls.delete(peer.node);
      else {
        const pull = this.#pullOf(peer);
        if (pull.nextAskMs > nowMs) continue;
        pull.nextAskMs = nowMs + timings.stateRetryMs * (1 + this.#context.options.random() / 2);
        this.#context.reply(peer, { type: 'stateRequest', boot: pull.boot, version: pull.version, missing: missingParts(pull) }, []);
      }
    }
    for (const node of this.#pulls.keys()) {
      const peer = roster.get(node);
      if (peer === undefined || !isLiving(peer)) this.#pulls.delete(node);
    }
  }

  wakeAtMs(): number {
    let wakeMs = Number.POSITIVE_INFINITY;
    for (const { nextAskMs } of this.#pulls.values()) wakeMs = Math.min(wakeMs, nextAskMs);
    return wakeMs;
  }

  /** Somebody asks for our state: of the version there is now, whichever was asked for. */
  serve(peer: Peer, { boot, version, missing }: Extract<MessageBody, { type: 'stateRequest' }>): void {
    const { self, nowMs, timings } = this.#context;
    if (boot !== self.boot || self.stateVersion === 0) return;
    if (nowMs >= this.#intervalEndMs) {
      this.#intervalEndMs = nowMs + timings.stateRetryMs;
      this.#partsLeft = PARTS_PER_INTERVAL;
    }
    const count = Math.ceil(self.state.length / PART_OCTETS);
    const wanted = version === self.stateVersion ? missing : ALL_PARTS;
    for (let index = 0; index < count && this.#partsLeft > 0; index += 1) {
      if ((wanted & (1 << index)) === 0) continue;
      this.#partsLeft -= 1;
      const octets = self.state.subarray(index * PART_OCTETS, (index + 1) * PART_OCTETS);
      this.#context.reply(peer, { type: 'statePart', version: self.stateVersion, index, count, octets }, []);
    }
  }

  /** A part of the state of the peer that sends it, in its present boot. */
  receive(peer: Peer, { version, index, count, octets }: Extract<MessageBody, { type: 'statePart' }>): void {
    const pull = this.#pulls.get(peer.node);
    if (pull === undefined || pull.boot !== peer.boot || version < pull.version) return;
    if (version > pull.version || pull.parts.length !== count) {
      if (version === pull.version && pull.parts.length > 0) return;
      pull.version = version;
      pull.parts = Array.from({ length: count }, () => null);
    }
    pull.parts[index] = octets;
    if (pull.parts.includes(null)) return;
    this.#pulls.delete(peer.node);
    const whole = Buffer.concat(pull.parts.filter((part) => part !== null));
    peer.stateVersion = Math.max(peer.stateVersion, version);
    if (whole.length > MAX_STATE_OCTETS || !holdState(peer, version, whole)) {
      peer.heldVersion = version;
      this.#context.log('warn', 'a member tells a state that cannot be read', { node: peer.node, version });
    }
    this.#context.changed();
  }

  #pullOf(peer: Peer): Pull {
    const known = this.#pulls.get(peer.node);
    if (known !== undefined && known.boot === peer.boot && known.version >= peer.stateVersion) return known;
    const { nowMs, timings, options } = this.#context;
    // Where many learn of it at once, gossip brings it to most before they ask.
    const delayMs = this.#context.size() <= timings.directMembers ? 0 : options.random() * timings.stateRetryMs;
    const pull: Pull = { boot: peer.boot, version: peer.stateVersion, parts: [], nextAskMs: nowMs + delayMs };
    this.#pulls.set(peer.node, pull);
    return pull;
  }
}

function missingParts({ parts }: Pull): number {
  if (parts.length === 0) return ALL_PARTS;
  return parts.reduce((bits, part, index) => (part === null ? bits | (1 << index) : bits), 0);
}
