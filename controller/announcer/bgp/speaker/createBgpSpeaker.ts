import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../../../../core/log/logger.ts';
import type { Clock } from '../../../../core/time/clock.ts';
import type { BfdSpeaker, BfdSpeakerEvents } from '../../bfd/bfdSpeaker.ts';
import type { Link } from '../../parts.ts';
import type { BgpReport } from '../bgpReport.ts';
import type { BgpSpeaker, BgpSpeakerEvents } from '../bgpSpeaker.ts';
import { NO_BGP, type BgpWanted, type WantedPeer } from '../bgpWanted.ts';
import type { AddressFamily } from '../codec/message.ts';
import { createPeerRoutes, type MakePeerRoutes } from '../routes/peerRoutes.ts';
import { RouteBook, type RouteState } from '../routes/routeBook.ts';
import type { Moment } from '../session/sessionEvents.ts';
import type { BgpTransport, BgpTransportEvents } from '../transport/transport.ts';
import { createBfdCompanion, type BfdCompanion } from './bfdCompanion.ts';
import { createBgpReportBuilder } from './buildBgpReport.ts';
import { peerChange } from './peerChange.ts';
import { PeerSession, type StopHow } from './peerSession.ts';

/** What a speaker is made with. */
export interface BgpSpeakerDependencies {
  /** Own name: for the FQDN capability and Path Identifiers. */
  readonly nodeName: string;
  /** It carries on what another announcer has begun, so that its peers may keep routes (RFC 4724). */
  readonly restarting: boolean;
  readonly logger: Logger;
  readonly events: BgpSpeakerEvents;
  readonly createTransport: (events: BgpTransportEvents, links: () => readonly Link[]) => BgpTransport;
  readonly createBfd: (events: BfdSpeakerEvents) => BfdSpeaker;
  readonly clock: Clock;
  /** Since the epoch. */
  readonly wallClock: Clock;
  readonly random: () => number;
}

/** Ours: a port that could not be listened on is tried again. */
const LISTEN_RETRY_MS = 10_000;
/** Ours: what is withdrawn at the end is given this long to go out. */
const FLUSH_TIMEOUT_MS = 1_000;
const FLUSH_LOOK_MS = 10;
/** Ours: in one turn of the event loop. */
const OFFER_MS = 5;
const WORDS_AT_END: Readonly<Record<'forGood' | 'restart', string>> = { forGood: 'Gatehouse stops', restart: 'Gatehouse restarts' };

/** A speaker over real sockets, or those of a test. Does nothing before `start`. */
export function createBgpSpeaker(dependencies: BgpSpeakerDependencies): BgpSpeaker {
  return new Speaker(dependencies);
}

class Speaker implements BgpSpeaker {
  readonly #dependencies: BgpSpeakerDependencies;
  readonly #transport: BgpTransport;
  readonly #bfd: BfdCompanion;
  /** By name. */
  readonly #peers = new Map<string, PeerSession>();
  /** Sessions that end, until their connections are gone. */
  readonly #leaving = new Set<PeerSession>();
  /** By name of the peer: what cannot be sent. */
  readonly #refusals = new Map<string, ReadonlyMap<AddressFamily, string>>();
  /** By name of the peer. */
  readonly #makers = new Map<string, MakePeerRoutes>();
  /** Peers whose routes are to be looked at anew. */
  readonly #pendingOffers = new Set<PeerSession>();
  #offering: NodeJS.Immediate | null = null;
  readonly #book = new RouteBook();
  readonly #buildReport = createBgpReportBuilder();
  #states: ReadonlyMap<string, RouteState> = new Map();
  #wanted: BgpWanted = NO_BGP;
  #serving = false;
  #forwarded: ReadonlySet<string> = new Set();
  #alive: ReadonlySet<string> = new Set();
  #links: readonly Link[] = [];
  #listenProblems: readonly string[] = [];
  #listenTimer: NodeJS.Timeout | null = null;
  #routeTimer: NodeJS.Timeout | null = null;
  /** Peers that are there at the first `want` may keep routes of the announcer before this one. */
  #isFirst = true;
  #isStarted = false;
  #isStopping = false;
  #isDecided = false;
  /** Peers that are to have no routes any more. */
  #emptied: ReadonlySet<string> = new Set();
  #stopped: Promise<void> | null = null;

  constructor(dependencies: BgpSpeakerDependencies) {
    this.#dependencies = dependencies;
    const { logger, createBfd, createTransport, events } = dependencies;
    this.#transport = createTransport({ accepted: (name, connection, ends) => this.#peers.get(name)?.accepted(connection, ends) ?? null }, () => this.#links);
    this.#bfd = createBfdCompanion({
      logger, createBfd, news: (name, isUp) => this.#peers.get(name)?.bfd(isUp), changed: events.changed,
    });
  }

  async start(): Promise<void> {
    if (this.#isStarted || this.#stopped !== null) return;
    this.#isStarted = true;
    this.#follow(NO_BGP);
  }

  want(wanted: BgpWanted): void {
    const before = this.#wanted;
    this.#wanted = wanted;
    if (this.#isStarted && !this.#isStopping) this.#follow(before);
  }

  setServing(serving: boolean): void {
    if (serving === this.#serving) return;
    this.#serving = serving;
    this.#decide();
  }

  setForwarded(addresses: ReadonlySet<string>): void {
    if (addresses.size === this.#forwarded.size && addresses.isSubsetOf(this.#forwarded)) return;
    this.#forwarded = addresses;
    this.#decide();
  }

  linksChanged(links: readonly Link[]): void {
    this.#links = links;
    this.#offerAll();
    this.#followBfd();
  }

  setAlive(nodes: ReadonlySet<string>): void {
    if (nodes.size === this.#alive.size && nodes.isSubsetOf(this.#alive)) return;
    this.#alive = nodes;
    this.#offerAll();
  }

  report(): BgpReport {
    const bfd = this.#bfd.reports();
    return this.#buildReport({
      wanted: this.#wanted,
      peers: new Map([...this.#peers].map(([name, session]) => [name, {
        view: session.view(), lastEnds: session.lastEnds(), routes: session.routes,
        refusals: this.#refusals.get(name) ?? new Map(), bfd: bfd.get(name) ?? null,
      }])),
      states: this.#states,
      problems: [...this.#listenProblems, ...this.#bfd.problems()],
      nowMs: this.#dependencies.wallClock.now(),
    });
  }

  stop(forGood: boolean): Promise<void> {
    this.#stopped ??= this.#stop(forGood);
    return this.#stopped;
  }

  abandon(): void {
    this.#isStopping = true;
    this.#stopped ??= Promise.resolve();
    this.#clearTimers();
    for (const session of this.#peers.values()) session.abandon();
    this.#transport.stop();
    this.#bfd.abandon();
  }

  #follow(before: BgpWanted): void {
    for (const name of before.peers.keys()) if (!this.#wanted.peers.has(name)) this.#remove(name);
    for (const peer of this.#wanted.peers.values()) this.#followPeer(peer);
    this.#isFirst &&= this.#wanted.peers.size === 0;
    this.#listen();
    this.#decide();
    this.#followBfd();
    this.#startAll();
    this.#dependencies.events.changed();
  }

  /**
   * A router that sees the next connection before it has read why the last one ended takes that for a restart, and keeps routes
   * (RFC 4724 section 4.2).
   */
  #startAll(): void {
    if (!this.#isStarted || this.#isStopping) return;
    for (const session of this.#peers.values()) {
      if (![...this.#leaving].some(({ peer }) => isSuccessor(session.peer, peer))) session.start();
    }
  }

  #followPeer(peer: WantedPeer): void {
    const session = this.#peers.get(peer.name);
    const change = session === undefined ? 'session' : peerChange(session.peer, peer, session.negotiated()?.remoteAsn ?? null);
    if (change === 'live') session?.adopt(peer);
    if (change !== 'session') return;
    if (session !== undefined) {
      this.#end(session, peer.shutdown === null
        ? { how: 'reset', hard: false, text: 'changed settings' }
        : { how: 'shutdown', hard: true, text: peer.shutdown });
    }
    this.#peers.set(peer.name, this.#newSession(peer));
  }

  #newSession(peer: WantedPeer): PeerSession {
    const { nodeName, restarting, random, logger, events } = this.#dependencies;
    const session: PeerSession = new PeerSession({
      peer, hostName: nodeName, restarting: restarting && this.#isFirst, transport: this.#transport, now: () => this.#now(), random, logger,
      established: () => {
        this.#offerSoon(session);
        this.#followBfd();
      },
      event: events.peer,
      changed: events.changed,
    });
    return session;
  }

  #remove(name: string): void {
    const session = this.#peers.get(name);
    if (session !== undefined) this.#end(session, { how: 'deconfigured', hard: true, text: '' });
    this.#peers.delete(name);
    this.#refusals.delete(name);
    this.#makers.delete(name);
  }

  #end(session: PeerSession, how: StopHow): void {
    this.#leaving.add(session);
    session.stop(how)
      .finally(() => {
        this.#leaving.delete(session);
        this.#followBfd();
        this.#startAll();
      })
      .catch((error: unknown) => this.#dependencies.logger.error('a BGP session could not be ended in good order', { error }));
  }

  #listen(): void {
    if (this.#listenTimer !== null) clearTimeout(this.#listenTimer);
    this.#listenTimer = null;
    const problems = this.#transport.accept([...this.#wanted.peers.values()]);
    for (const problem of problems) if (!this.#listenProblems.includes(problem)) this.#dependencies.logger.warn('BGP: something is wrong', { problem });
    if (problems.join() !== this.#listenProblems.join()) this.#dependencies.events.changed();
    this.#listenProblems = problems;
    if (problems.length > 0) this.#listenTimer = setTimeout(() => this.#listen(), LISTEN_RETRY_MS);
  }

  /** Whoever is left hears so from BGP first: what BFD says before that is a fault to many routers. */
  #followBfd(): void {
    if (!this.#isStarted || this.#isStopping) return;
    const leaving = [...this.#leaving].filter(({ peer }) => ![...this.#peers.values()].some((other) => isSuccessor(other.peer, peer)));
    this.#bfd.follow([...new Map([...this.#peers, ...leaving.map((session) => [session.peer.name, session] as const)]).values()], this.#links);
  }

  /** Decides about all routes, and tells each peer. */
  #decide(): void {
    if (!this.#isStarted || this.#isDecided) return;
    if (this.#routeTimer !== null) clearTimeout(this.#routeTimer);
    this.#routeTimer = null;
    const conditions = { serving: this.#serving, forwarded: this.#forwarded, stopping: this.#isStopping };
    this.#states = this.#book.decide(this.#wanted.routes, conditions, this.#now());
    const dueMs = this.#book.dueMs();
    if (dueMs !== null) this.#routeTimer = setTimeout(() => this.#decide(), Math.ceil(Math.max(0, dueMs - this.#now().monotonicMs)));
    this.#offerAll();
  }

  /** What was decided stays; which paths lead there may be another question now. */
  #offerAll(): void {
    if (!this.#isStarted || this.#isDecided) return;
    for (const session of this.#peers.values()) this.#offerSoon(session);
    this.#dependencies.events.changed();
  }

  /** Some peers per turn of the event loop: thousands of routes to a hundred peers are not to hold up the rest of the process. */
  #offerSoon(session: PeerSession): void {
    this.#pendingOffers.add(session);
    this.#offering ??= setImmediate(() => this.#offerPending());
  }

  #offerPending(): void {
    this.#offering = null;
    const untilMs = this.#now().monotonicMs + OFFER_MS;
    for (const session of this.#pendingOffers) {
      this.#pendingOffers.delete(session);
      if (this.#peers.get(session.peer.name) === session) this.#offer(session);
      if (this.#now().monotonicMs >= untilMs) break;
    }
    if (this.#pendingOffers.size > 0) this.#offering = setImmediate(() => this.#offerPending());
  }

  #offer(session: PeerSession): void {
    const negotiated = session.negotiated();
    if (negotiated === null) return;
    const { name } = session.peer;
    if (this.#emptied.has(name)) return session.want(new Map());
    const make = this.#makers.get(name) ?? createPeerRoutes();
    this.#makers.set(name, make);
    const { routes, refusals } = make({
      routes: this.#wanted.routes, states: this.#states, peer: session.peer, negotiated, links: this.#links,
      nodeName: this.#dependencies.nodeName, alive: this.#alive,
    });
    this.#refusals.set(name, refusals);
    session.want(routes);
  }

  async #stop(forGood: boolean): Promise<void> {
    this.#isStopping = true;
    if (this.#isStarted) await (forGood ? this.#leaveForGood() : this.#leaveForRestart());
    this.#clearTimers();
    this.#transport.stop();
    await this.#bfd.stop();
  }

  /** Clients are led away for a while, then nothing is announced any more, and the peers are told why. */
  async #leaveForGood(): Promise<void> {
    this.#decide();
    while (this.#hasDraining()) await pause(Math.max(FLUSH_LOOK_MS, (this.#book.dueMs() ?? 0) - this.#now().monotonicMs));
    this.#isDecided = true;
    await this.#stopAll([...this.#peers.values()], WORDS_AT_END.forGood);
  }

  /** Peers that keep routes are left first and in silence: what comes then is nothing to them. */
  async #leaveForRestart(): Promise<void> {
    this.#isDecided = true;
    const keepers = [...this.#peers.values()].filter((session) => keepsRoutes(session));
    const others = [...this.#peers.values()].filter((session) => !keepers.includes(session));
    const leaving = keepers.map((session) => session.stop({ how: 'silent', hard: false, text: '' }));
    await this.#stopAll(others, WORDS_AT_END.restart);
    await Promise.all(leaving);
  }

  async #stopAll(sessions: readonly PeerSession[], text: string): Promise<void> {
    this.#emptied = new Set(sessions.map(({ peer }) => peer.name));
    for (const session of sessions) this.#offer(session);
    const untilMs = this.#now().monotonicMs + FLUSH_TIMEOUT_MS;
    while (sessions.some((session) => !session.isSent()) && this.#now().monotonicMs < untilMs) await pause(FLUSH_LOOK_MS);
    await Promise.all(sessions.map((session) => session.stop({ how: 'shutdown', hard: true, text })));
  }

  #hasDraining(): boolean {
    return [...this.#states.values()].some(({ state }) => state === 'draining');
  }

  #clearTimers(): void {
    for (const timer of [this.#listenTimer, this.#routeTimer]) if (timer !== null) clearTimeout(timer);
    if (this.#offering !== null) clearImmediate(this.#offering);
    this.#offering = null;
    this.#pendingOffers.clear();
  }

  #now(): Moment {
    return { monotonicMs: this.#dependencies.clock.now(), wallMs: this.#dependencies.wallClock.now() };
  }
}

/** It takes the place of another one, whatever either is called. */
function isSuccessor(next: WantedPeer, { name, remote, vrf }: WantedPeer): boolean {
  return next.shutdown === null && (next.name === name || (next.vrf === vrf && isDeepStrictEqual(next.remote, remote)));
}

/** Through a restart of this side (RFC 4724). */
function keepsRoutes(session: PeerSession): boolean {
  return (session.negotiated()?.gracefulRestart?.families.length ?? 0) > 0;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
