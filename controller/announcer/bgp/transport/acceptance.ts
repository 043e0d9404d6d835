import { isIPv4, type Socket } from 'node:net';
import type { Logger } from '../../../../core/log/logger.ts';
import { resetConnection } from '../../../../core/os/resetConnection.ts';
import type { TcpKey } from '../../../../core/os/tcpSocket.ts';
import { systemClock } from '../../../../core/time/clock.ts';
import { assemblePeerFilter, type PeerGuard, type PeerGuards } from '../../peerFilter.ts';
import { connectionEnds } from './connectionEnds.ts';
import { createHeldBack } from './heldBack.ts';
import { limitHops, openListener, type Listener, type ListenerPlace } from './listener.ts';
import { explainConnectionError, explainSocketFailure, keysOf, type RouterPlace } from './peerSocket.ts';
import { createSocketConnection } from './socketConnection.ts';
import type { BgpConnection, BgpTransportEvents, ConnectionEvents, TransportPeer } from './transport.ts';
import type { ConnectionEnds } from '../session/sessionEvents.ts';

/** Takes the connections of peers, and of nobody else. */
export interface Acceptance {
  /** See BgpTransport.accept. */
  accept(peers: readonly TransportPeer[]): readonly string[];
  /** Peers that are named by an interface may have another address now. */
  routersChanged(): void;
  refused(): number;
  ports(): readonly number[];
  stop(): void;
}

/** What it is given. */
export interface AcceptanceDependencies {
  readonly events: BgpTransportEvents;
  readonly logger: Logger;
  readonly port: number;
  /** Where a peer is, or why that is not known. */
  readonly routerOf: (peer: TransportPeer) => RouterPlace | string;
}

/** Ours: two are in use at most, and those that were closed linger for a moment. */
const MAX_CONNECTIONS_PER_PEER = 8;

/** No peer's name, which is `namespace/name`. */
const OTHERS = '';

/** Listens nowhere before there is somebody to take connections from. */
export function createAcceptance(dependencies: AcceptanceDependencies): Acceptance {
  return new PeerAcceptance(dependencies);
}

class PeerAcceptance implements Acceptance {
  readonly #dependencies: AcceptanceDependencies;
  readonly #listeners = new Map<string, Listener>();
  #peers: readonly TransportPeer[] = [];
  /** Names of peers whose key is missing, or has only just been set. */
  readonly #unkeyed = new Set<string>();
  /** By name of the peer: its connections that are there. */
  readonly #counts = new Map<string, number>();
  /** Names of peers; `OTHERS`: everybody else. */
  readonly #heldBack = createHeldBack(systemClock, () => this.#reportUnguarded());
  #refused = 0;

  constructor(dependencies: AcceptanceDependencies) {
    this.#dependencies = dependencies;
  }

  accept(peers: readonly TransportPeer[]): readonly string[] {
    this.#peers = peers.filter(({ connect }) => connect !== 'active');
    const keyed = new Set(peers.flatMap(({ name, authentication }) => (authentication === null ? [] : [name])));
    for (const name of this.#unkeyed) if (!keyed.has(name)) this.#unkeyed.delete(name);
    const places = new Map(this.#peers.map((peer) => this.#placeOf(peer)).map((place) => [printPlace(place), place]));
    for (const [name, listener] of this.#listeners) {
      if (places.has(name)) continue;
      listener.close();
      this.#listeners.delete(name);
    }
    const problems = [...places].flatMap(([name, place]) => this.#listeners.has(name) ? [] : this.#listen(name, place));
    this.#heldBack.keep(new Set([...this.#peers.map(({ name }) => name), OTHERS]));
    return [...problems, ...this.#setKeys(), ...this.#setFilters()];
  }

  routersChanged(): void {
    this.#reportUnguarded();
    for (const problem of this.#setKeys()) this.#dependencies.logger.warn('a connection of a peer could not be authenticated', { problem });
  }

  refused(): number {
    return this.#refused;
  }

  ports(): readonly number[] {
    return [...this.#listeners.values()].map(({ port }) => port).toSorted((a, b) => a - b);
  }

  stop(): void {
    this.#heldBack.stop();
    this.accept([]);
  }

  #placeOf({ remote, vrf }: TransportPeer): ListenerPlace {
    return { family: remote.type === 'address' && isIPv4(remote.address) ? 'ipv4' : 'ipv6', vrf, port: this.#dependencies.port };
  }

  #listen(name: string, place: ListenerPlace): readonly string[] {
    const failed = (error: unknown): string => `connections of peers cannot be taken: ${error instanceof Error ? error.message : String(error)}`;
    try {
      const listener = openListener(place, (socket) => this.#take(socket, place), (error) => this.#dependencies.logger.error(failed(error)));
      this.#listeners.set(name, listener);
      return [];
    } catch (error) {
      return [failed(error)];
    }
  }

  #setKeys(): readonly string[] {
    return [...this.#listeners].flatMap(([name, listener]) => {
      const owners = this.#keysAt(name);
      const { added, failures } = listener.setKeys([...owners.keys()]);
      this.#mistrust([...added].flatMap((key) => owners.get(key)?.name ?? []));
      return [...failures].flatMap(([key, error]) => this.#tellUnkeyed(owners.get(key), error));
    });
  }

  #reportUnguarded(): void {
    for (const problem of this.#setFilters()) this.#dependencies.logger.warn('connections of peers could not be filtered', { problem });
  }

  /** Before the kernel answers. What it does not look at is looked at when the connection is taken. */
  #setFilters(): readonly string[] {
    return [...this.#listeners].flatMap(([name, listener]) => {
      try {
        listener.setFilter(assemblePeerFilter(listener.place.family, this.#guardsAt(name)));
        return [];
      } catch (error) {
        return [`packets to port ${listener.port} cannot be filtered: ${error instanceof Error ? error.message : String(error)}`];
      }
    });
  }

  /** Of peers with the same address all that one of them may is let through. */
  #guardsAt(place: string): PeerGuards {
    const guards = new Map<string, PeerGuard>();
    for (const peer of this.#peersAt(place)) {
      const router = this.#dependencies.routerOf(peer);
      if (typeof router === 'string') continue;
      const { address } = router;
      const other = guards.get(address);
      const minimumTtl = other === undefined ? peer.minimumTtl : leastTtl(other.minimumTtl, peer.minimumTtl);
      guards.set(address, { address, minimumTtl, isHeld: this.#heldBack.has(peer.name) && other?.isHeld !== false });
    }
    return { peers: [...guards.values()], areOthersHeld: this.#heldBack.has(OTHERS) };
  }

  /** A peer whose key the kernel does not take must not be let in without one: whoever has none there is not asked for one. */
  #tellUnkeyed(peer: TransportPeer | undefined, error: unknown): readonly string[] {
    if (peer === undefined) return [];
    this.#unkeyed.add(peer.name);
    return [`connections of ${peer.name} cannot be taken: ${explainSocketFailure(peer, error)}`];
  }

  /** What waits to be taken at this moment was let in without the key: after a whole turn of the event loop it has been, and is gone. */
  #mistrust(names: readonly string[]): void {
    if (names.length === 0) return;
    for (const name of names) this.#unkeyed.add(name);
    setImmediate(() => setImmediate(() => { for (const name of names) this.#unkeyed.delete(name); }));
  }

  #keysAt(name: string): ReadonlyMap<TcpKey, TransportPeer> {
    return new Map(this.#peersAt(name).flatMap((peer) => {
      const router = this.#dependencies.routerOf(peer);
      return typeof router === 'string' ? [] : keysOf(peer, router).map((key) => [key, peer] as const);
    }));
  }

  #peersAt(name: string): readonly TransportPeer[] {
    return this.#peers.filter((peer) => printPlace(this.#placeOf(peer)) === name);
  }

  #take(socket: Socket, place: ListenerPlace): void {
    const ends = connectionEnds(socket);
    const found = ends === null ? null : this.#whose(socket, place, ends);
    this.#pace(found?.peer.name ?? OTHERS);
    if (found === null || ends === null || !this.#welcome(socket, place, { ...found, ends })) {
      this.#refused += 1;
      // Until it is gone it may fail, which is nobody's business.
      socket.on('error', () => {});
      resetConnection(socket);
    }
  }

  /** Whoever connects without end would keep this thread from the sessions that there are: the kernel drops what it sends, for a moment. */
  #pace(name: string): void {
    if (!this.#heldBack.connected(name)) return;
    const who = name === OTHERS ? 'somebody who is no peer' : 'a peer';
    this.#dependencies.logger.warn(`${who} connects too often; most of it gets no answer`, name === OTHERS ? {} : { peer: name });
  }

  #whose(socket: Socket, place: ListenerPlace, ends: ConnectionEnds): Found | null {
    for (const peer of this.#peersAt(printPlace(place))) {
      const router = this.#dependencies.routerOf(peer);
      if (typeof router === 'string' || router.address !== ends.remoteAddress || this.#unkeyed.has(peer.name)) continue;
      if (peer.sourceAddress !== null && peer.sourceAddress !== ends.localAddress) continue;
      if (router.interface !== null && socket.remoteAddress?.split('%', 2)[1] !== router.interface) continue;
      return { peer, router };
    }
    return null;
  }

  /** Answers false when it is not wanted. */
  #welcome(socket: Socket, place: ListenerPlace, { peer, router, ends }: Found & { readonly ends: ConnectionEnds }): boolean {
    const count = this.#counts.get(peer.name) ?? 0;
    if (count >= MAX_CONNECTIONS_PER_PEER) return false;
    try {
      limitHops(socket, place, { sent: peer.ttl, received: peer.minimumTtl });
    } catch (error) {
      this.#dependencies.logger.warn('a connection of a peer could not be taken', { peer: peer.name, error });
      return false;
    }
    this.#counts.set(peer.name, count + 1);
    socket.on('close', () => this.#leave(peer.name));
    let told: ConnectionEvents | null = null;
    const connection: BgpConnection = createSocketConnection(socket, {
      octets: (octets) => told?.octets(octets),
      writable: (writable) => told?.writable(writable),
      closed: (reason) => told?.closed(reason),
    }, (error) => explainConnectionError(peer, router, error));
    told = this.#dependencies.events.accepted(peer.name, connection, ends);
    return told !== null;
  }

  #leave(name: string): void {
    const left = (this.#counts.get(name) ?? 1) - 1;
    if (left > 0) this.#counts.set(name, left);
    else this.#counts.delete(name);
  }
}

/** Whose connection it is. */
interface Found {
  readonly peer: TransportPeer;
  readonly router: RouterPlace;
}

/** Null: any will do. */
function leastTtl(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : Math.min(one, other);
}

function printPlace({ family, vrf }: ListenerPlace): string {
  return `${family} ${vrf ?? ''}`;
}
