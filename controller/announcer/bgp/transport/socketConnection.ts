import type { Socket } from 'node:net';
import { systemClock } from '../../../../core/time/clock.ts';
import { createReadPace } from './readPace.ts';
import type { BgpConnection, ConnectionEvents } from './transport.ts';

/** Events of a socket that is connected, or about to be. */
export type SocketEvents = Omit<ConnectionEvents, 'connected'>;

/**
 * A connection over a socket, which becomes the connection's. `explain` puts an error into words. Octets are taken at the pace of
 * createReadPace, after `close` they are thrown away.
 */
export function createSocketConnection(socket: Socket, events: SocketEvents, explain: (error: Error) => string): BgpConnection {
  const pace = createReadPace(systemClock);
  let reason = 'this side has closed the connection';
  let isClosing = false;
  let linger: NodeJS.Timeout | null = null;
  let pause: NodeJS.Timeout | null = null;

  const resumeIn = (delayMs: number): void => {
    socket.pause();
    pause = setTimeout(() => socket.resume(), delayMs);
  };
  socket.setNoDelay(true);
  socket.on('data', (octets: Buffer) => {
    const delayMs = pace.taken(octets.length);
    if (delayMs !== null) resumeIn(delayMs);
    if (!isClosing) events.octets(octets);
  });
  socket.on('drain', () => { if (!isClosing) events.writable(true); });
  socket.on('error', (error) => { if (!isClosing) reason = explain(error); });
  socket.on('end', () => {
    if (!isClosing) reason = 'the peer has closed the connection';
    // BGP knows no half of a connection: what waits to be sent has nobody to read it.
    socket.destroy();
  });
  socket.on('close', () => {
    if (linger !== null) clearTimeout(linger);
    if (pause !== null) clearTimeout(pause);
    events.closed(reason);
  });
  return {
    send: (octets) => socket.write(octets),
    close: (lingerMs) => {
      if (isClosing) return;
      isClosing = true;
      // The peer's octets are read on until it has closed its side: else the kernel resets the connection, and the last message is lost.
      socket.end();
      linger = setTimeout(() => socket.destroy(), lingerMs);
    },
    destroy: () => {
      isClosing = true;
      socket.destroy();
    },
  };
}
