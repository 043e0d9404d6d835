import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIP, type LookupFunction } from 'node:net';
import { libc } from '../../core/os/libc.ts';
import type { Clock } from '../../core/time/clock.ts';
import type { Deadlines } from '../limits/deadlines.ts';
import type { WorkerSocket } from '../process/workerMessages.ts';
import { socketAddressOf } from './ipAddress.ts';
import type { DatagramDrop, L4Observer, L4Outcome } from './l4Record.ts';
import type { L4RouteState } from './l4RouteState.ts';
import { SessionTable, type SessionBounds } from './sessionTable.ts';
import { UdpSession } from './udpSession.ts';
import { MAX_SEND_QUEUE_BYTES } from './udpUpstream.ts';

export interface UdpSessionsContext {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly lookup: LookupFunction;
  readonly observer: L4Observer;
  /** The route that the listener serves now; null: none. */
  readonly route: () => L4RouteState | null;
  readonly onFault: (fault: unknown) => void;
}

/** Ours: a burst that comes while the thread is busy; the kernel caps it at net.core.rmem_max. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
/** Ours: one client address gets an eighth of a listener's sessions, as many clients may stand behind one NAT. */
const SHARE_OF_ONE_ADDRESS = 8;
const LEAST_PER_ADDRESS = 64;

/** One UDP socket of one worker, and a session for each client address and port that has sent to it. */
export class UdpSessions {
  readonly #spec: WorkerSocket;
  readonly #context: UdpSessionsContext;
  readonly #table = new SessionTable<UdpSession>();
  #socket: Socket | null = null;

  constructor(spec: WorkerSocket, context: UdpSessionsContext) {
    this.#spec = spec;
    this.#context = context;
  }

  /** Open sessions. */
  get size(): number {
    return this.#table.size;
  }

  /** Resolves once datagrams are received; rejects with the system's error, and the descriptor is closed. */
  listen(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = createSocket({ type: isIP(this.#spec.address) === 6 ? 'udp6' : 'udp4' });
    this.#socket = socket;
    const fail = (error: Error): void => {
      this.#socket = null;
      socket.close();
      this.#giveUpDescriptor();
      reject(error);
    };
    socket.once('error', fail);
    socket.once('listening', () => {
      socket.off('error', fail);
      socket.on('error', (error) => this.#context.onFault(error));
      socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
      resolve();
    });
    socket.on('message', (datagram, from) => this.#received(datagram, from));
    try {
      socket.bind({ fd: this.#spec.descriptor, exclusive: true });
    } catch (error) {
      fail(error instanceof Error ? error : new Error('the descriptor cannot be received on', { cause: error }));
    }
    return promise;
  }

  /** Closes the socket and ends every session; how many there were. Idempotent. */
  close(): number {
    this.#socket?.close();
    this.#socket = null;
    const sessions = [...this.#table.values()];
    for (const session of sessions) this.#end(session, 'cut');
    return sessions.length;
  }

  /** The socket has not taken the descriptor over. */
  #giveUpDescriptor(): void {
    try {
      libc().close(this.#spec.descriptor);
    } catch (fault) {
      this.#context.onFault(fault);
    }
  }

  #received(datagram: Buffer, from: RemoteInfo): void {
    try {
      const key = `${from.port} ${from.address}`;
      const known = this.#table.get(key);
      if (known === undefined) return this.#begin(key, datagram, from);
      this.#table.touch(known);
      if (known.hasReply && !known.isAssured) this.#table.assure(known);
      known.forward(datagram);
    } catch (fault) {
      this.#context.onFault(fault);
    }
  }

  #begin(key: string, datagram: Buffer, from: RemoteInfo): void {
    const route = this.#context.route();
    if (route === null) return this.#dropped(null, 'noListener');
    const address = socketAddressOf(from.address);
    if (!route.admits(address)) return this.#dropped(route, 'sourceRefused');
    const pick = route.choose(address);
    if (pick === null) return this.#dropped(route, 'noEndpoint');
    if (!this.#makeRoom(address, boundsOf(route))) return this.#dropped(route, 'sessionLimit');
    const { address: localAddress, port: localPort } = this.#spec;
    const client = { remoteAddress: address, remotePort: from.port, localAddress, localPort };
    const session = new UdpSession({ key, client, route, pick }, {
      clock: this.#context.clock,
      lookup: this.#context.lookup,
      observer: this.#context.observer,
      reply: (reply) => this.#reply(route, reply, from),
      onSilent: (silent) => this.#end(silent, 'completed'),
    });
    this.#table.add(session);
    this.#context.deadlines.add(session);
    session.forward(datagram);
  }

  #makeRoom(address: string, bounds: SessionBounds): boolean {
    for (;;) {
      const obstacle = this.#table.obstacle(address, bounds);
      if (obstacle === null) return true;
      if (obstacle === 'full') return false;
      this.#end(obstacle, 'evicted');
    }
  }

  #reply(route: L4RouteState, datagram: Buffer, to: RemoteInfo): void {
    const socket = this.#socket;
    if (socket === null) return;
    if (socket.getSendQueueSize() > MAX_SEND_QUEUE_BYTES) return this.#dropped(route, 'queueFull');
    socket.send(datagram, to.port, to.address, (error) => {
      if (error !== null) this.#dropped(route, 'sendFailed');
    });
  }

  #end(session: UdpSession, outcome: L4Outcome): void {
    this.#table.delete(session);
    this.#context.deadlines.delete(session);
    this.#context.observer.finished(session.end(outcome));
  }

  #dropped(route: L4RouteState | null, reason: DatagramDrop): void {
    this.#context.observer.datagramDropped(route?.route ?? null, reason);
  }
}

function boundsOf({ route }: L4RouteState): SessionBounds {
  const total = route.maxConnections;
  return { total, perAddress: Math.min(total, Math.max(LEAST_PER_ADDRESS, Math.floor(total / SHARE_OF_ONE_ADDRESS))) };
}
