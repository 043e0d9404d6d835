/** A question to the API server, and when it last answered one like it. */
export interface AskedQuestion {
  readonly startedMs: number;
  readonly election: { answeredMs(): number | null };
}

/** Ours: candidates ask every 0.5 to 2 s. */
const UNANSWERED_MS = 4_000;
/** Ours. */
const PROBE_INTERVAL_MS = 2_000;

/**
 * Whether the API server answers about Leases, as far as anybody has asked. A node that it does not answer had better not be the one that is to
 * hold them, and then asks no more; so it has to find out by itself when that is over.
 */
export class ApiReach {
  readonly #probe: (address: string) => Promise<boolean>;
  #isReachable = true;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #address = '';
  #isProbing = false;
  #probedMs = Number.NEGATIVE_INFINITY;
  #hasAnswered = false;

  constructor(probe: (address: string) => Promise<boolean>) {
    this.#probe = probe;
  }

  get isReachable(): boolean {
    return this.#isReachable;
  }

  /** `asked`: by VIP. True when it has changed. */
  look(nowMs: number, asked: ReadonlyMap<string, AskedQuestion>): boolean {
    const before = this.#isReachable;
    if (before) this.#findSilence(nowMs, asked);
    else this.#findAnswer(nowMs, asked);
    return this.#isReachable !== before;
  }

  #findSilence(nowMs: number, asked: ReadonlyMap<string, AskedQuestion>): void {
    for (const [address, { startedMs, election }] of asked) {
      const lastMs = Math.max(startedMs, election.answeredMs() ?? startedMs, this.#sinceMs);
      if (nowMs - lastMs < UNANSWERED_MS) continue;
      this.#change(false, nowMs);
      this.#address = address;
      return;
    }
  }

  #findAnswer(nowMs: number, asked: ReadonlyMap<string, AskedQuestion>): void {
    const isAnswered = [...asked.values()].some(({ election }) => (election.answeredMs() ?? Number.NEGATIVE_INFINITY) > this.#sinceMs);
    if (this.#hasAnswered || isAnswered) return this.#change(true, nowMs);
    if (this.#isProbing || nowMs - this.#probedMs < PROBE_INTERVAL_MS) return;
    this.#isProbing = true;
    this.#probedMs = nowMs;
    void this.#probe(this.#address).then((answers) => {
      this.#isProbing = false;
      this.#hasAnswered = answers;
    });
  }

  #change(isReachable: boolean, nowMs: number): void {
    this.#isReachable = isReachable;
    this.#sinceMs = nowMs;
    this.#hasAnswered = false;
  }
}
