import { Socket } from 'node:net';
import type { Logger } from '../../../../core/log/logger.ts';
import { libc } from '../../../../core/os/libc.ts';
import { systemClock } from '../../../../core/time/clock.ts';
import type { Link } from '../../parts.ts';
import { createAcceptance } from './acceptance.ts';
import { connectionEnds } from './connectionEnds.ts';
import { explainConnectionError, explainSocketFailure, openPeerSocket, sayClosedAtOnce, sayNoAnswer, type RouterPlace } from './peerSocket.ts';
import { createRouterDiscovery, type RouterDiscovery } from './routerDiscovery.ts';
import { createSocketConnection } from './socketConnection.ts';
import type { BgpConnection, BgpTransport, BgpTransportEvents, ConnectionEvents, TransportPeer } from './transport.ts';

/** What a transport is made with. */
export interface BgpTransportOptions {
  readonly events: BgpTransportEvents;
  /** All interfaces of this machine, as they are now. */
  readonly links: () => readonly Link[];
  readonly logger: Logger;
  /** Where connections are taken; default BGP_PORT. 0: any. */
  readonly listenPort?: number;
  /** Default: CONNECT_TIMEOUT_MS. */
  readonly connectTimeoutMs?: number;
}

/** Adds what tests need to know. */
export interface ListeningBgpTransport extends BgpTransport {
  /** Ports that connections are taken on, sorted. */
  listeningPorts(): readonly number[];
}

/** RFC 4271 section 8.2.1 and IANA. */
export const BGP_PORT = 179;
/** Ours: whoever has not answered until then is asked anew, as the kernel's own repetitions become rarer and rarer. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Opens nothing before it is told to. */
export function createBgpTransport({ events, links, logger, listenPort = BGP_PORT, connectTimeoutMs = CONNECT_TIMEOUT_MS }: BgpTransportOptions): ListeningBgpTransport {
  const discovery = createRouterDiscovery({ links, logger, clock: systemClock, heard: () => acceptance.routersChanged() });
  const acceptance = createAcceptance({ events, logger, port: listenPort, routerOf: (peer) => routerOf(peer, discovery) });
  return {
    connect: (peer, connectionEvents) => {
      const router = routerOf(peer, discovery);
      if (typeof router === 'string') return failLater(connectionEvents, router);
      return connect({ peer, router, events: connectionEvents, discovery, timeoutMs: connectTimeoutMs });
    },
    accept: (peers) => {
      discovery.watch(new Set(peers.flatMap(({ remote }) => remote.type === 'interface' ? [remote.interface] : [])));
      return acceptance.accept(peers);
    },
    refused: () => acceptance.refused(),
    listeningPorts: () => acceptance.ports(),
    stop: () => {
      discovery.stop();
      acceptance.stop();
    },
  };
}

function routerOf({ remote }: TransportPeer, discovery: RouterDiscovery): RouterPlace | string {
  if (remote.type === 'interface') return discovery.router(remote.interface);
  return { address: remote.address, scopeId: 0, interface: null };
}

interface Attempt {
  readonly peer: TransportPeer;
  readonly router: RouterPlace;
  readonly events: ConnectionEvents;
  readonly discovery: RouterDiscovery;
  readonly timeoutMs: number;
}

function connect({ peer, router, events, discovery, timeoutMs }: Attempt): BgpConnection {
  let descriptor: number;
  try {
    descriptor = openPeerSocket(peer, router);
  } catch (error) {
    return failLater(events, explainSocketFailure(peer, error));
  }
  const socket = adopt(descriptor);
  let isConnected = false;
  const timeout = setTimeout(() => socket.destroy(new Error(sayNoAnswer(peer, router))), timeoutMs);
  const connection = createSocketConnection(socket, {
    ...events,
    closed: (reason) => {
      clearTimeout(timeout);
      if (!isConnected && peer.remote.type === 'interface') discovery.failed(peer.remote.interface, router.address);
      events.closed(reason);
    },
  }, (error) => 'code' in error ? explainConnectionError(peer, router, error) : error.message);
  socket.on('connect', () => {
    clearTimeout(timeout);
    isConnected = true;
    const ends = connectionEnds(socket);
    if (ends === null) socket.destroy(new Error(sayClosedAtOnce(peer, router)));
    else events.connected(ends);
  });
  socket.connect({ host: router.interface === null ? router.address : `${router.address}%${router.interface}`, port: peer.port });
  return connection;
}

/** A socket of Node.js for a descriptor, which becomes the socket's. */
function adopt(descriptor: number): Socket {
  try {
    return new Socket({ fd: descriptor });
  } catch (error) {
    libc().close(descriptor);
    throw error;
  }
}

/** Nothing was opened: as with all other failures, the caller is told in a turn of its own. */
function failLater(events: ConnectionEvents, reason: string): BgpConnection {
  setImmediate(() => events.closed(reason));
  return { send: () => false, close: () => {}, destroy: () => {} };
}
