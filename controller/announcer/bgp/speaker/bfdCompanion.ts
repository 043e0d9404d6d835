import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../../../../core/log/logger.ts';
import type { BfdEndpoint, BfdNews, BfdReport, BfdSpeaker, BfdSpeakerEvents } from '../../bfd/bfdSpeaker.ts';
import type { Link } from '../../parts.ts';
import { bfdEndpointsOf } from './bfdEndpoint.ts';
import type { PeerSession } from './peerSession.ts';

/** What BFD needs of a peer. */
export type WatchedPeer = Pick<PeerSession, 'peer' | 'lastEnds' | 'bfd' | 'withoutBfd'>;

/** The BFD sessions of BGP's peers. The thread that speaks BFD is started when the first peer wants it. */
export interface BfdCompanion {
  follow(peers: readonly WatchedPeer[], links: readonly Link[]): void;
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

/** Ours. */
const REPORT_INTERVAL_MS = 1_000;

/** Starts nothing yet. */
export function createBfdCompanion(dependencies: BfdCompanionDependencies): BfdCompanion {
  return new Companion(dependencies);
}

class Companion implements BfdCompanion {
  readonly #dependencies: BfdCompanionDependencies;
  /** Name of the peer → all ways to it. */
  #ways: ReadonlyMap<string, readonly BfdEndpoint[]> = new Map();
  /** Name of the peer → that of its session that is up: only that one can go down. The other ways are not tried meanwhile. */
  readonly #up = new Map<string, string>();
  /** Peers whose last news was that they cannot be reached. */
  readonly #lost = new Set<string>();
  #speaker: BfdSpeaker | null = null;
  #endpoints: readonly BfdEndpoint[] = [];
  #reports: ReadonlyMap<string, BfdReport> = new Map();
  #problem = '';
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(dependencies: BfdCompanionDependencies) {
    this.#dependencies = dependencies;
  }

  follow(peers: readonly WatchedPeer[], links: readonly Link[]): void {
    if (this.#isStopped) return;
    for (const session of peers) {
      if (session.peer.bfd === null) session.withoutBfd();
      // A session of BGP that was made anew has not heard it.
      else if (this.#up.has(session.peer.name)) session.bfd(true);
    }
    this.#ways = new Map(peers.map((session) => {
      const { name } = session.peer;
      return [name, bfdEndpointsOf(session.peer, { ends: session.lastEnds(), links, before: this.#ways.get(name) ?? [] })];
    }));
    this.#forgetOthers();
    this.#setSessions();
  }

  reports(): ReadonlyMap<string, BfdReport> {
    return new Map([...this.#ways].flatMap(([name, ways]) => {
      const reports = ways.flatMap((way) => this.#reports.get(way.name) ?? []);
      const report = reports.find((one) => one.name === this.#up.get(name)) ?? reports.find(({ received }) => received > 0) ?? reports[0];
      return report === undefined ? [] : [[name, { ...report, name }]];
    }));
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

  /** A session between other ends is another, which has not been up. */
  #forgetOthers(): void {
    for (const [peer, name] of this.#up) {
      const next = this.#ways.get(peer)?.find((way) => way.name === name);
      if (next === undefined || !this.#endpoints.some((one) => isSameSession(one, next))) this.#up.delete(peer);
    }
    for (const peer of this.#lost) if ((this.#ways.get(peer) ?? []).length === 0) this.#lost.delete(peer);
  }

  #setSessions(): void {
    const next = [...this.#ways].flatMap(([peer, ways]) => {
      const up = ways.filter(({ name }) => name === this.#up.get(peer));
      return up.length > 0 ? up : ways;
    });
    if (isDeepStrictEqual(next, this.#endpoints)) return;
    this.#endpoints = next;
    this.#ensureSpeaker().setSessions(next);
  }

  #ensureSpeaker(): BfdSpeaker {
    if (this.#speaker !== null) return this.#speaker;
    const speaker = this.#dependencies.createBfd({ changed: (news) => this.#take(news) });
    this.#speaker = speaker;
    speaker.start().catch((error: unknown) => this.#failed(error));
    this.#timer = setInterval(() => this.#look(), REPORT_INTERVAL_MS);
    return speaker;
  }

  #take(news: BfdNews): void {
    if (this.#isStopped) return;
    const { name, state, remoteState, why } = news;
    this.#dependencies.logger.info('a BFD session is in another state', { peer: name, state, remoteState, why });
    const peer = [...this.#ways].find(([, ways]) => ways.some((way) => way.name === name))?.[0];
    if (peer !== undefined) this.#judge(peer, news);
    this.#look();
  }

  /**
   * A session that is taken down by intent, of either side, says nothing about the path (RFC 5882 section 4.2), and neither does one that
   * the peer has begun anew, nor the silence after either: it counts again when it has been up again.
   */
  #judge(peer: string, { name, state, remoteState, withoutFault }: BfdNews): void {
    if (state === 'Up') {
      // Of several ways that are up the first is kept.
      if ((this.#up.get(peer) ?? name) !== name) return;
      this.#up.set(peer, name);
      this.#hear(peer, true);
    } else if (withoutFault || state === 'AdminDown' || remoteState === 'AdminDown') {
      if (this.#up.get(peer) === name) this.#up.delete(peer);
      // Who waits for it to be up again would wait in vain.
      if (this.#lost.has(peer)) this.#hear(peer, true);
    } else if (state === 'Down' && this.#up.get(peer) === name) {
      this.#up.delete(peer);
      this.#hear(peer, false);
    }
    this.#setSessions();
  }

  #hear(peer: string, isUp: boolean): void {
    if (isUp) this.#lost.delete(peer);
    else this.#lost.add(peer);
    this.#dependencies.news(peer, isUp);
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

/** Settings alone do not make another session, but for the port. */
function isSameSession(one: BfdEndpoint, other: BfdEndpoint): boolean {
  return isDeepStrictEqual({ ...one, settings: one.settings.hops.type }, { ...other, settings: other.settings.hops.type });
}
