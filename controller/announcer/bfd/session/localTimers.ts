import type { BfdSettings } from '../bfdSettings.ts';

/** Section 6.8.3: a session that is not up sends no more often, µs. */
const SLOW_TX_US = 1_000_000;
const US_PER_MS = 1_000;

/**
 * This side's intervals, as they are announced and as they are used: what would surprise a peer that has not heard of it yet is used
 * only once a Poll Sequence has told it (RFC 5880 sections 6.5 and 6.8.3). All in µs.
 */
export class LocalTimers {
  /** bfd.DesiredMinTxInterval and bfd.RequiredMinRxInterval, as announced. */
  desiredMinTxUs: number;
  requiredMinRxUs: number;
  #configured: Pick<BfdSettings, 'transmitIntervalMs' | 'receiveIntervalMs'>;
  #isUp = false;
  /** What is used until the peer knows better; null: what is announced. */
  #heldTxUs: number | null = null;
  #heldRxUs: number | null = null;
  /** `queued`: intervals have changed since the poll began, so that its end says nothing about them; `pausing`: it has ended, another follows. */
  #poll: 'none' | 'active' | 'queued' | 'pausing' = 'none';

  constructor(settings: BfdSettings) {
    this.#configured = settings;
    this.desiredMinTxUs = Math.max(SLOW_TX_US, settings.transmitIntervalMs * US_PER_MS);
    this.requiredMinRxUs = settings.receiveIntervalMs * US_PER_MS;
  }

  configure(settings: BfdSettings): void {
    this.#configured = settings;
    this.#announce();
  }

  /** The session is up now, or is not: slow while it is not. */
  setUp(isUp: boolean): void {
    if (!isUp) {
      this.#poll = 'none';
      this.#heldTxUs = null;
      this.#heldRxUs = null;
    }
    this.#isUp = isUp;
    this.#announce();
  }

  isPolling(): boolean {
    return this.#poll === 'active' || this.#poll === 'queued';
  }

  /** The peer is to hear of new intervals, whether this packet polls or is the one between two sequences. */
  isTelling(): boolean {
    return this.#poll !== 'none';
  }

  /** A packet with the Final bit has come. */
  endPoll(): void {
    if (this.#poll === 'queued') {
      // Two sequences are told apart by a packet without the Poll bit between them.
      this.#poll = 'pausing';
    } else if (this.#poll === 'active') {
      this.#poll = 'none';
      this.#heldTxUs = null;
      this.#heldRxUs = null;
    }
  }

  /** A periodic packet has been made of what is announced. */
  sentPeriodic(): void {
    if (this.#poll === 'pausing') this.#poll = 'active';
  }

  /** What this side's transmission goes by. */
  transmitUs(): number {
    return this.#heldTxUs ?? this.desiredMinTxUs;
  }

  /** What this side's Detection Time goes by. */
  receiveUs(): number {
    return this.#heldRxUs ?? this.requiredMinRxUs;
  }

  #announce(): void {
    const { transmitIntervalMs, receiveIntervalMs } = this.#configured;
    const configuredTxUs = transmitIntervalMs * US_PER_MS;
    const desiredMinTxUs = this.#isUp ? configuredTxUs : Math.max(SLOW_TX_US, configuredTxUs);
    const requiredMinRxUs = receiveIntervalMs * US_PER_MS;
    if (desiredMinTxUs === this.desiredMinTxUs && requiredMinRxUs === this.requiredMinRxUs) return;
    if (this.#isUp) {
      // The peer counts on packets as often as before until it hears otherwise, and itself sends no sooner than it has heard.
      const usedTxUs = this.transmitUs();
      const usedRxUs = this.receiveUs();
      this.#heldTxUs = desiredMinTxUs > usedTxUs ? usedTxUs : null;
      this.#heldRxUs = requiredMinRxUs < usedRxUs ? usedRxUs : null;
      this.#poll = this.#poll === 'none' || this.#poll === 'pausing' ? 'active' : 'queued';
    }
    this.desiredMinTxUs = desiredMinTxUs;
    this.requiredMinRxUs = requiredMinRxUs;
  }
}
