import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../../../../core/log/logger.ts';
import type { BfdEndpoint, BfdReport, BfdSpeaker, BfdSpeakerEvents } from '../../bfd/bfdSpeaker.ts';
import type { Link } from '../../parts.ts';
import { bfdEndpointOf } from './bfdEndpoint.ts';
import type { PeerSession } from './peerSession.ts';

/** The BFD sessions of BGP's peers. The thread that speaks BFD is started when the first peer wants it. */
export interface BfdCompanion {
  follow(peers: readonly PeerSession[], links: readonly Link[]): void;
  /** By name of the peer, as they were a moment ago. */
  reports(): ReadonlyMap<string, BfdReport>;
  /** What is wrong, in words. */
  problems(): readonly string[];
  stop(): Promise<void>;
  /** Ends without waiting. */
  abandon(): void;
}

/** What it is given. */
export interface BfdCompanionDependencies {
  readonly logger: Logger;
  readonly createBfd: (events: BfdSpeakerEvents) => BfdSpeaker;
  /** A peer can be reached, or can not. */
  readonly news: (name: string, isUp: boolean) => void;
  readonly changed: () => void;
}

type News = Parameters<BfdSpeakerEvents['changed']>[0];

/** Ours. */
const REPORT_INTERVAL_MS = 1_000;

/** Starts nothing yet. */
export function createBfdCompanion(dependencies: BfdCompanionDependencies): BfdCompanion {
  return new Companion(dependencies);
}

class Companion implements BfdCompanion {
  readonly #dependencies: BfdCompanionDependencies;
  /** Name → whether it is up, of those that were up since their sessions began: only they can go down. */
  readonly #wereUp = new Map<string, boolean>();
  #speaker: BfdSpeaker | null = null;
  #endpoints: readonly BfdEndpoint[] = [];
  #reports: ReadonlyMap<string, BfdReport> = new Map();
  #problem = '';
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(dependencies: BfdCompanionDependencies) {
    this.#dependencies = dependencies;
  }

  follow(peers: readonly PeerSession[], links: readonly Link[]): void {
    if (this.#isStopped) return;
    for (const session of peers) {
      if (session.peer.bfd === null) session.withoutBfd();
      // A session of BGP that was made anew has not heard it.
      else if (this.#wereUp.get(session.peer.name) === true) session.bfd(true);
    }
    const next = peers.flatMap((session) => bfdEndpointOf(session.peer, session.lastEnds(), links) ?? []);
    if (isDeepStrictEqual(next, this.#endpoints)) return;
    const same = new Set(next.filter((one) => this.#endpoints.some((other) => isSameSession(one, other))).map(({ name }) => name));
    for (const name of this.#wereUp.keys()) if (!same.has(name)) this.#wereUp.delete(name);
    this.#endpoints = next;
    this.#ensureSpeaker().setSessions(next);
  }

  reports(): ReadonlyMap<string, BfdReport> {
    return this.#reports;
  }

  problems(): readonly string[] {
    return this.#problem === '' ? [] : [this.#problem];
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#speaker?.stop();
  }

  abandon(): void {
    this.stop().catch((error: unknown) => this.#dependencies.logger.warn('BFD could not be ended in good order', { error }));
  }

  #ensureSpeaker(): BfdSpeaker {
    if (this.#speaker !== null) return this.#speaker;
    const speaker = this.#dependencies.createBfd({ changed: (news) => this.#take(news) });
    this.#speaker = speaker;
    speaker.start().catch((error: unknown) => this.#failed(error));
    this.#timer = setInterval(() => this.#look(), REPORT_INTERVAL_MS);
    return speaker;
  }

  /** A peer that takes its session down by intent says nothing about the path (RFC 5882 section 4.2). */
  #take({ name, state, remoteState, why }: News): void {
    if (this.#isStopped) return;
    this.#dependencies.logger.info('a BFD session is in another state', { peer: name, state, remoteState, why });
    if (state === 'Up') this.#hear(name, true);
    else if (state === 'Down' && remoteState !== 'AdminDown' && this.#wereUp.has(name)) this.#hear(name, false);
    this.#look();
  }

  #hear(name: string, isUp: boolean): void {
    this.#wereUp.set(name, isUp);
    this.#dependencies.news(name, isUp);
  }

  #look(): void {
    this.#speaker?.reports().then((next) => {
      if (isDeepStrictEqual(next, this.#reports)) return;
      this.#reports = next;
      this.#dependencies.changed();
    }).catch((error: unknown) => this.#failed(error));
  }

  #failed(error: unknown): void {
    if (this.#isStopped) return;
    this.#problem = `BFD cannot be spoken: ${error instanceof Error ? error.message : String(error)}`;
    this.#dependencies.logger.error('BFD cannot be spoken', { error });
    this.#dependencies.changed();
  }
}

/** Settings alone do not make another session. */
function isSameSession(one: BfdEndpoint, other: BfdEndpoint): boolean {
  return isDeepStrictEqual({ ...one, settings: null }, { ...other, settings: null });
}
