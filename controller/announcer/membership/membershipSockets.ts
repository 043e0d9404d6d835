import { createSocket, type Socket } from 'node:dgram';
import { isIP, isIPv4 } from 'node:net';

/** UDP sockets on one port, one per family. */
export interface MembershipSockets {
  /** Binds. Throws, with nothing left open, when the port is in use or no address can be had. */
  open(): Promise<void>;
  /** Datagrams to what is no address of a family we have fail like all others: `onSendError`. */
  send(datagram: Buffer, address: string): void;
  /** True when datagrams can be sent to such an address. */
  canReach(address: string): boolean;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface MembershipSocketsOptions {
  readonly port: number;
  /** Address literals, at most one of a family. One whose family this machine lacks is left out, if another can be had. */
  readonly bindAddresses: readonly string[];
  readonly onDatagram: (datagram: Buffer, address: string) => void;
  readonly onSendError: (address: string, error: Error) => void;
  /** Something else is wrong with the socket; it stays open. */
  readonly onError: (error: Error) => void;
}

/** What binding fails with where a machine has no IPv6, or has it switched off. */
const NO_SUCH_FAMILY = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EPROTONOSUPPORT']);
/** Room for what comes at once from many: a state of 16 KiB from each of 50. */
const RECEIVE_BUFFER_OCTETS = 1 << 20;

/** Sockets that are not open yet. */
export function createMembershipSockets(options: MembershipSocketsOptions): MembershipSockets {
  const byFamily = new Map<4 | 6, Socket>();
  const close = async (): Promise<void> => {
    const sockets = [...byFamily.values()];
    byFamily.clear();
    await Promise.all(sockets.map(closeSocket));
  };
  return {
    open: async () => {
      try {
        await openAll(options, byFamily);
      } catch (error) {
        await close();
        throw error;
      }
    },
    send: (datagram, address) => {
      const socket = byFamily.get(isIPv4(address) ? 4 : 6);
      const failed = (error: Error | null): void => {
        if (error !== null) options.onSendError(address, error);
      };
      if (socket === undefined) queueMicrotask(() => failed(new Error(`no socket for ${address}`)));
      else socket.send(datagram, options.port, address, failed);
    },
    canReach: (address) => byFamily.has(isIP(address) === 4 ? 4 : 6) && isIP(address) !== 0,
    close,
  };
}

async function openAll(options: MembershipSocketsOptions, byFamily: Map<4 | 6, Socket>): Promise<void> {
  let missing: unknown = new Error('there is no address to bind to');
  for (const address of options.bindAddresses) {
    try {
      byFamily.set(isIPv4(address) ? 4 : 6, await openSocket(options, address));
    } catch (error) {
      if (!isErrorWith(error, NO_SUCH_FAMILY)) throw bindError(error, address, options.port);
      missing = error;
    }
  }
  if (byFamily.size === 0) throw bindError(missing, options.bindAddresses.join(' and '), options.port);
}

async function openSocket({ port, onDatagram, onError }: MembershipSocketsOptions, address: string): Promise<Socket> {
  const type = isIPv4(address) ? 'udp4' : 'udp6';
  const socket = createSocket({
    type,
    // Two sockets, so that addresses need no mapping from one family to the other.
    ipv6Only: type === 'udp6',
    // Addresses are literals: there is nothing to look up, and nothing to wait for.
    lookup: (host, _options, callback) => callback(null, host, isIPv4(host) ? 4 : 6),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ port, address, exclusive: true }, () => {
        socket.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    await closeSocket(socket);
    throw error;
  }
  socket.setRecvBufferSize(RECEIVE_BUFFER_OCTETS);
  socket.on('error', onError);
  socket.on('message', (datagram, { address: from }) => onDatagram(datagram, from));
  return socket;
}

function closeSocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.close(() => resolve());
  });
}

function bindError(error: unknown, address: string, port: number): Error {
  const cause = error instanceof Error ? error : new Error(String(error));
  const isUsed = isErrorWith(error, new Set(['EADDRINUSE']));
  const advice = isUsed ? 'is in use by another program: end it, or give all nodes another port' : `cannot be opened: ${cause.message}`;
  return new Error(`UDP port ${port} of ${address}, for membership, ${advice}`, { cause });
}

function isErrorWith(error: unknown, codes: ReadonlySet<string>): boolean {
  return error instanceof Error && 'code' in error && codes.has(String(error.code));
}
