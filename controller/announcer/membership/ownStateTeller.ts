import type { MemberState } from '../parts.ts';
import type { MachineContext } from './machineContext.ts';
import { decodeState, encodeState, UNKNOWN_STATE } from './stateCodec.ts';

/** Ours: as long as the engine of this node claims nothing after a pause. */
const CLAIM_PAUSE_MS = 1_000;

/** What this node tells of itself. */
export class OwnStateTeller {
  readonly #context: MachineContext;
  /** As it was given, and as it was told. */
  #given: MemberState = UNKNOWN_STATE;
  #told: MemberState = UNKNOWN_STATE;
  /** Until then nothing is said to be held; infinite: that is no question. */
  #claimsAgainMs = Number.POSITIVE_INFINITY;
  #mayClaim = true;

  constructor(context: MachineContext) {
    this.#context = context;
  }

  get told(): MemberState {
    return this.#told;
  }

  set(state: MemberState): void {
    this.#given = state;
    this.#tell();
  }

  /**
   * What this node held before a pause may be another's by now, and the first datagram would say that it holds it: the others would give
   * it back at once, before this node has heard that they have it.
   */
  claimNothing(): void {
    if (this.#context.self.stateVersion === 0) return;
    this.#mayClaim = false;
    this.#claimsAgainMs = this.#context.nowMs + CLAIM_PAUSE_MS;
    this.#tell();
  }

  work(): void {
    if (this.#claimsAgainMs > this.#context.nowMs) return;
    this.#mayClaim = true;
    this.#claimsAgainMs = Number.POSITIVE_INFINITY;
    this.#tell();
  }

  wakeAtMs(): number {
    return this.#claimsAgainMs;
  }

  #tell(): void {
    const context = this.#context;
    const { octets, omitted } = encodeState(this.#mayClaim ? this.#given : { ...this.#given, held: [] });
    if (context.self.stateVersion > 0 && octets.equals(context.self.state)) return;
    context.self.state = octets;
    context.self.stateVersion += 1;
    this.#told = decodeState(octets) ?? UNKNOWN_STATE;
    if (omitted > 0) context.log('warn', 'the state of this node is too large to be told: some of it is left out', { omitted });
    context.changed();
    context.announce(context.selfRecord());
  }
}
