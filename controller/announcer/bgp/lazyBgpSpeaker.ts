import type { Link } from '../parts.ts';
import { NO_BGP_REPORT, type BgpReport } from './bgpReport.ts';
import type { BgpSpeaker } from './bgpSpeaker.ts';
import { NO_BGP, type BgpWanted } from './bgpWanted.ts';

/** What loads a speaker, and who is told when that fails. */
export interface LazySpeakerParts {
  readonly load: () => Promise<BgpSpeaker>;
  readonly failed: (error: unknown) => void;
}

/** A speaker that is loaded when there is first a peer: most nodes speak no BGP, and each announcer that is started anew is waited for. */
export function createLazyBgpSpeaker(parts: LazySpeakerParts): BgpSpeaker {
  return new LazySpeaker(parts);
}

class LazySpeaker implements BgpSpeaker {
  readonly #parts: LazySpeakerParts;
  #speaker: BgpSpeaker | null = null;
  #loading: Promise<void> | null = null;
  #isStarted = false;
  #isOver = false;
  #wanted: BgpWanted = NO_BGP;
  #serving = false;
  #forwarded: ReadonlySet<string> = new Set();
  #links: readonly Link[] = [];
  #alive: ReadonlySet<string> = new Set();

  constructor(parts: LazySpeakerParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    this.#isStarted = true;
    await this.#speaker?.start();
  }

  want(wanted: BgpWanted): void {
    this.#wanted = wanted;
    this.#speaker?.want(wanted);
    if (wanted.peers.size > 0) this.#load();
  }

  setServing(serving: boolean): void {
    this.#serving = serving;
    this.#speaker?.setServing(serving);
  }

  setForwarded(addresses: ReadonlySet<string>): void {
    this.#forwarded = addresses;
    this.#speaker?.setForwarded(addresses);
  }

  linksChanged(links: readonly Link[]): void {
    this.#links = links;
    this.#speaker?.linksChanged(links);
  }

  setAlive(nodes: ReadonlySet<string>): void {
    this.#alive = nodes;
    this.#speaker?.setAlive(nodes);
  }

  report(): BgpReport {
    return this.#speaker?.report() ?? NO_BGP_REPORT;
  }

  async stop(forGood: boolean): Promise<void> {
    this.#isOver = true;
    await this.#loading;
    await this.#speaker?.stop(forGood);
  }

  abandon(): void {
    this.#isOver = true;
    this.#speaker?.abandon();
  }

  #load(): void {
    if (this.#isOver) return;
    this.#loading ??= this.#parts.load().then((speaker) => this.#hand(speaker)).catch(this.#parts.failed);
  }

  /** What it would have been told, had it been there. */
  #hand(speaker: BgpSpeaker): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    this.#speaker = speaker;
    speaker.linksChanged(this.#links);
    speaker.setAlive(this.#alive);
    speaker.setServing(this.#serving);
    speaker.setForwarded(this.#forwarded);
    speaker.want(this.#wanted);
    return this.#isStarted ? speaker.start() : Promise.resolve();
  }
}
