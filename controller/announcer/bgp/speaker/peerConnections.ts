import type { ConnectionEnds, ConnectionId } from '../session/sessionEvents.ts';
import type { BgpConnection, ConnectionEvents } from '../transport/transport.ts';

/** The connections of one peer, by the numbers that its session machine knows them by. */
export interface PeerConnections {
  /** A connection that is made with the events of its number; those that come after `close` go nowhere. */
  open(id: ConnectionId, connect: (events: ConnectionEvents) => BgpConnection): void;
  /** One that the peer has opened: where its events go. */
  take(id: ConnectionId, connection: BgpConnection): ConnectionEvents;
  /** False: the peer reads too slowly. */
  send(id: ConnectionId, octets: Uint8Array): boolean;
  close(id: ConnectionId): void;
  /** All of them, at once. */
  destroy(): void;
  /** Resolves when those that were closed are gone. */
  gone(): Promise<void>;
}

/** What happens to connections that are not closed. */
export interface PeerConnectionEvents {
  readonly connected: (id: ConnectionId, ends: ConnectionEnds) => void;
  readonly octets: (id: ConnectionId, octets: Uint8Array) => void;
  readonly writable: (id: ConnectionId, writable: boolean) => void;
  readonly closed: (id: ConnectionId, reason: string, wasConnected: boolean) => void;
}

interface OpenConnection {
  connection: BgpConnection | null;
  isConnected: boolean;
}

/** As SessionEffect `close` says. */
const LINGER_MS = 1_000;

/** None yet. */
export function createPeerConnections(events: PeerConnectionEvents): PeerConnections {
  const connections = new Map<ConnectionId, OpenConnection>();
  /** Of all that are not gone, closed ones included. */
  const leaving = new Set<Promise<void>>();

  const eventsOf = (id: ConnectionId, open: OpenConnection): ConnectionEvents => {
    const gone = Promise.withResolvers<void>();
    leaving.add(gone.promise);
    connections.set(id, open);
    return {
      connected: (ends) => {
        open.isConnected = true;
        if (connections.has(id)) events.connected(id, ends);
      },
      octets: (octets) => { if (connections.has(id)) events.octets(id, octets); },
      writable: (writable) => { if (connections.has(id)) events.writable(id, writable); },
      closed: (reason) => {
        leaving.delete(gone.promise);
        gone.resolve();
        if (connections.delete(id)) events.closed(id, reason, open.isConnected);
      },
    };
  };
  return {
    open: (id, connect) => {
      const open: OpenConnection = { connection: null, isConnected: false };
      open.connection = connect(eventsOf(id, open));
    },
    take: (id, connection) => eventsOf(id, { connection, isConnected: true }),
    send: (id, octets) => connections.get(id)?.connection?.send(octets) !== false,
    close: (id) => {
      const open = connections.get(id);
      connections.delete(id);
      if (open?.isConnected === true) open.connection?.close(LINGER_MS);
      else open?.connection?.destroy();
    },
    destroy: () => {
      for (const { connection } of connections.values()) connection?.destroy();
      connections.clear();
    },
    gone: async () => { await Promise.all(leaving); },
  };
}
