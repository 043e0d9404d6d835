import { createServer, type LookupFunction, type Server, type Socket } from 'node:net';
import type { ClusterKey } from '../../core/ir/cluster.ts';
import { l4Key, type L4Key, type L4Listener, type L4Route } from '../../core/ir/l4.ts';
import type { MapDelta } from '../../core/ir/snapshot.ts';
import { lookupHost, normalizeHostName, type HostPattern } from '../../core/net/hostPattern.ts';
import { LISTEN_BACKLOG } from '../../core/os/listeningSockets.ts';
import { resetConnection } from '../../core/os/resetConnection.ts';
import type { Clock } from '../../core/time/clock.ts';
import type { ClusterState } from '../balance/clusterState.ts';
import { createCachedLookup } from '../http/cachedLookup.ts';
import { rereading } from '../http/octetSource.ts';
import type { Deadlines } from '../limits/deadlines.ts';
import type { WorkerSocket } from '../process/workerMessages.ts';
import { socketAddressOf } from './ipAddress.ts';
import type { L4Client, L4Observer } from './l4Record.ts';
import { L4RouteState } from './l4RouteState.ts';
import { TcpConnection, type TcpConnectionContext, type TcpConnectionOptions } from './tcpConnection.ts';
import { UdpSessions } from './udpSessions.ts';

export interface L4EngineDependencies {
  readonly clock: Clock;
  /** Started by its owner. */
  readonly deadlines: Deadlines;
  readonly clusters: { get(key: ClusterKey): ClusterState | undefined };
  /** Gives x with 0 ≤ x < 1. */
  readonly random: () => number;
  readonly observer: L4Observer;
  /** Defects: nothing that traffic alone can cause. */
  readonly onFault: (fault: unknown) => void;
  /** Names of ExternalName endpoints; default: the system's resolver, answers kept for 5 s. */
  readonly lookup?: LookupFunction;
}

/** What one route has carried and carries, for reports. Counters grow while the route lives. */
export interface L4Usage {
  /** Names the listener or server name; the same from report to report. */
  readonly key: string;
  readonly route: L4Route;
  readonly protocol: 'tcp' | 'udp';
  readonly open: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

const SOCKET_OPTIONS = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: true } as const;

/** The L4 data plane of one worker: TCP and UDP listeners, and connections that are handed over by TLS server name. */
export class L4Engine {
  readonly #dependencies: L4EngineDependencies;
  readonly #lookup: LookupFunction;
  readonly #listeners = new Map<L4Key, L4RouteState>();
  readonly #passthrough = new Map<HostPattern, L4RouteState>();
  /** Route of a passthrough as the snapshot has it → its state. */
  readonly #byRoute = new WeakMap<L4Route, L4RouteState>();
  /** descriptor → what accepts on it. */
  readonly #servers = new Map<number, Server>();
  readonly #udp = new Map<number, UdpSessions>();
  readonly #connections = new Set<TcpConnection>();
  readonly #connectionContext: TcpConnectionContext;
  #onEmpty: (() => void) | null = null;

  constructor(dependencies: L4EngineDependencies) {
    this.#dependencies = dependencies;
    this.#lookup = dependencies.lookup ?? createCachedLookup();
    this.#connectionContext = {
      clock: dependencies.clock,
      deadlines: dependencies.deadlines,
      lookup: this.#lookup,
      observer: dependencies.observer,
      onClosed: (connection) => this.#closed(connection),
    };
  }

  /** Open TCP connections and UDP sessions. */
  get size(): number {
    return [...this.#udp.values()].reduce((total, { size }) => total + size, this.#connections.size);
  }

  /** What changes holds for new connections and sessions; open ones stay as they are. */
  apply(listeners: MapDelta<L4Key, L4Listener>, passthrough: MapDelta<HostPattern, L4Route>): void {
    for (const key of listeners.remove) this.#listeners.delete(key);
    for (const [key, { route }] of listeners.upsert) this.#update(this.#listeners, key, route);
    for (const key of passthrough.remove) this.#passthrough.delete(key);
    for (const [key, route] of passthrough.upsert) this.#byRoute.set(route, this.#update(this.#passthrough, key, route));
  }

  /** Takes the descriptor over. Resolves once `socket` accepts or receives; rejects with the system's error. */
  listen(socket: WorkerSocket): Promise<void> {
    switch (socket.protocol) {
      case 'tcp':
        return this.#listenTcp(socket);
      case 'udp':
        return this.#listenUdp(socket);
      case 'http':
      case 'https':
        return Promise.reject(new TypeError(`an L4 listener is tcp or udp (got ${socket.protocol})`));
    }
  }

  /** Stops accepting: TCP connections stay, UDP sessions end, as their way back is gone. */
  unlisten(descriptor: number): void {
    this.#servers.get(descriptor)?.close();
    this.#servers.delete(descriptor);
    this.#udp.get(descriptor)?.close();
    this.#udp.delete(descriptor);
  }

  /**
   * Where TLS connections of this server name go unopened; null: they are opened here. Exact first, then the one-label wildcard,
   * which gives way to a host that `isServed` here by its exact name.
   */
  passthroughFor(serverName: string, isServed: (host: HostPattern) => boolean): L4Route | null {
    const name = normalizeHostName(serverName);
    if (name === null) return null;
    const exact = this.#passthrough.get(name as HostPattern);
    if (exact !== undefined) return exact.route;
    return isServed(name as HostPattern) ? null : (lookupHost(this.#passthrough, name)?.route ?? null);
  }

  /**
   * Takes over a TCP socket from which `firstBytes` have been read, and whose other listeners are gone. A PROXY header has been
   * read by the caller, who says in `client` what it said: `acceptProxyProtocol` of the route does not count.
   */
  carry(socket: Socket, firstBytes: Buffer, client: L4Client, route: L4Route): void {
    socket.allowHalfOpen = true;
    // A route that left the snapshot a moment ago still has its name.
    const state = this.#byRoute.get(route) ?? new L4RouteState(route, this.#dependencies);
    this.#start({ socket, client, route: state, firstBytes, expectsProxyHeader: false });
  }

  /** Every route that has been given. */
  usages(): L4Usage[] {
    const usage = (key: string, state: L4RouteState, protocol: 'tcp' | 'udp'): L4Usage => {
      const { route, open, receivedBytes, sentBytes } = state;
      return { key, route, protocol, open, receivedBytes, sentBytes };
    };
    return [
      ...Array.from(this.#listeners, ([key, state]) => usage(key, state, key.startsWith('udp/') ? 'udp' : 'tcp')),
      ...Array.from(this.#passthrough, ([name, state]) => usage(`sni/${name}`, state, 'tcp')),
    ];
  }

  /** Stops accepting. UDP ends at once, TCP connections go on; resolves when none is left. */
  drain(): Promise<void> {
    for (const descriptor of [...this.#servers.keys(), ...this.#udp.keys()]) this.unlisten(descriptor);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    if (this.#connections.size === 0) resolve();
    return promise;
  }

  /** Resets every TCP connection; how many there were. */
  cut(): number {
    return [...this.#connections].filter((connection) => connection.cut()).length;
  }

  #update<K>(states: Map<K, L4RouteState>, key: K, route: L4Route): L4RouteState {
    const known = states.get(key);
    known?.update(route);
    const state = known ?? new L4RouteState(route, this.#dependencies);
    states.set(key, state);
    return state;
  }

  #listenTcp({ address, port, descriptor }: WorkerSocket): Promise<void> {
    const key = l4Key('tcp', address, port);
    const server = createServer(SOCKET_OPTIONS, (socket) => this.#accept(socket, key));
    this.#servers.set(descriptor, server);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (error: Error): void => {
      this.#servers.delete(descriptor);
      reject(error);
    };
    server.once('error', fail);
    // Positional: with a descriptor Node ignores `backlog` among the options, and listens again with 511.
    server.listen({ fd: descriptor }, LISTEN_BACKLOG, () => {
      server.off('error', fail);
      // Running out of descriptors is reported here too; accepting goes on when some are free again.
      server.on('error', () => this.#dependencies.observer.refused('acceptFailed'));
      resolve();
    });
    return promise;
  }

  async #listenUdp(socket: WorkerSocket): Promise<void> {
    const key = l4Key('udp', socket.address, socket.port);
    const { clock, deadlines, observer, onFault } = this.#dependencies;
    const route = (): L4RouteState | null => this.#listeners.get(key) ?? null;
    const sessions = new UdpSessions(socket, { clock, deadlines, lookup: this.#lookup, observer, onFault, route });
    this.#udp.set(socket.descriptor, sessions);
    try {
      await sessions.listen();
    } catch (error) {
      this.#udp.delete(socket.descriptor);
      throw error;
    }
  }

  #accept(socket: Socket, key: L4Key): void {
    const client = clientOf(socket);
    // A peer that is already gone has no address any more.
    if (client === null) return void socket.destroy();
    const route = this.#listeners.get(key);
    if (route === undefined) {
      this.#dependencies.observer.refused('noListener');
      return resetConnection(socket);
    }
    const expectsProxyHeader = route.trusts(client.remoteAddress);
    this.#start({ socket: rereading(socket), client, route, firstBytes: null, expectsProxyHeader });
  }

  #start(options: TcpConnectionOptions): void {
    const connection = new TcpConnection(options, this.#connectionContext);
    this.#connections.add(connection);
    try {
      connection.start();
    } catch (fault) {
      connection.cut();
      this.#dependencies.onFault(fault);
    }
  }

  #closed(connection: TcpConnection): void {
    if (this.#connections.delete(connection) && this.#connections.size === 0) this.#onEmpty?.();
  }
}

function clientOf(socket: Socket): L4Client | null {
  if (socket.destroyed || socket.remoteAddress === undefined) return null;
  return {
    remoteAddress: socketAddressOf(socket.remoteAddress),
    remotePort: socket.remotePort ?? 0,
    localAddress: socketAddressOf(socket.localAddress),
    localPort: socket.localPort ?? 0,
  };
}
