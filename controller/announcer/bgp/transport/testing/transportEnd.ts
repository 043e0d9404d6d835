import { once, EventEmitter } from 'node:events';
import type { TestContext } from 'node:test';
import { silentLogger } from '../../../../../core/log/logger.ts';
import type { ConnectionEnds } from '../../session/sessionEvents.ts';
import { createBgpTransport, type ListeningBgpTransport } from '../bgpTransport.ts';
import type { BgpConnection, TransportPeer } from '../transport.ts';

/** A peer on the loopback as transports see it. */
export function peerAt(address: string, rest: Partial<TransportPeer> = {}): TransportPeer {
  return {
    name: 'test/peer', remote: { type: 'address', address }, port: 0, sourceAddress: null, vrf: null, authentication: null,
    ttl: 64, minimumTtl: null, connect: 'both', ...rest,
  };
}

/** One connection and all that was told of it. */
export interface ObservedConnection {
  readonly connection: BgpConnection;
  /** What came, so far. */
  received(): string;
  /** Resolves when `received` ends with this. */
  hears(text: string): Promise<void>;
  /** The next time that it takes octets again. */
  writableAgain(): Promise<void>;
  readonly connected: Promise<ConnectionEnds>;
  /** Its reason. */
  readonly closed: Promise<string>;
}

/** A transport that ends with the test. */
export interface TransportEnd {
  readonly transport: ListeningBgpTransport;
  connect(peer: TransportPeer): ObservedConnection;
  /** The next connection that is taken. */
  accepts(): Promise<ObservedConnection & { readonly peer: string }>;
}

/** Starts one. `listenPort` 0: a port of the kernel's choice. */
export function startTransportEnd(t: TestContext, listenPort = 0): TransportEnd {
  const accepted = new EventEmitter();
  const transport = createBgpTransport({
    links: () => [], logger: silentLogger, listenPort,
    events: {
      accepted: (peer, connection, ends) => {
        const observed = observe();
        observed.events.connected(ends);
        accepted.emit('accepted', { ...observed.shown, connection, peer });
        t.after(() => connection.destroy());
        return observed.events;
      },
    },
  });
  t.after(() => transport.stop());
  return {
    transport,
    connect: (peer) => {
      const { events, shown } = observe();
      const connection = transport.connect(peer, events);
      t.after(() => connection.destroy());
      return { ...shown, connection };
    },
    accepts: async () => (await once(accepted, 'accepted'))[0] as ObservedConnection & { readonly peer: string },
  };
}

function observe() {
  const connected = Promise.withResolvers<ConnectionEnds>();
  const closed = Promise.withResolvers<string>();
  const news = new EventEmitter();
  let text = '';
  const hears = async (end: string): Promise<void> => { while (!text.endsWith(end)) await once(news, 'octets'); };
  return {
    shown: {
      received: () => text, hears, writableAgain: async () => { await once(news, 'writable'); },
      connected: connected.promise, closed: closed.promise,
    },
    events: {
      connected: connected.resolve,
      octets: (octets: Uint8Array) => {
        text += Buffer.from(octets).toString('latin1');
        news.emit('octets');
      },
      closed: closed.resolve,
      writable: (writable: boolean) => { if (writable) news.emit('writable'); },
    },
  };
}
