import type { Socket } from 'node:net';
import type { Deadline, Deadlines } from '../limits/deadlines.ts';

/** Why a connection ended before enough of it was read. The socket is closed then. */
export type ReadAheadFailure = 'timeout' | 'clientClosed';

export interface ReadAheadOptions {
  readonly deadlines: Deadlines;
  /** Clock reading, ms, at which the connection is cut. */
  readonly expiresAtMs: number;
  /** Takes the next octets; true: it has enough, and the socket is its owner's from here on. */
  readonly onOctets: (chunk: Buffer) => boolean;
  /** Called at most once, instead of a last `onOctets`. */
  readonly onFailure: (failure: ReadAheadFailure) => void;
}

/**
 * Reads the first octets of an accepted, flowing socket, until there are enough to choose what the connection is. Nothing of it
 * remains on the socket afterwards but a listener for errors.
 */
export function readAhead(socket: Socket, options: ReadAheadOptions): void {
  const { deadlines, onOctets, onFailure } = options;
  const deadline: Deadline = { at: options.expiresAtMs, expire: () => fail('timeout') };
  const stop = (): void => {
    deadlines.delete(deadline);
    socket.off('data', onData).off('end', onEnd).off('close', onEnd);
  };
  const fail = (failure: ReadAheadFailure): void => {
    stop();
    socket.destroy();
    onFailure(failure);
  };
  const onEnd = (): void => fail('clientClosed');
  const onData = (chunk: Buffer): void => {
    // Before the owner goes on: it may start to listen itself.
    stop();
    if (onOctets(chunk)) return;
    deadlines.add(deadline);
    socket.on('data', onData).on('end', onEnd).on('close', onEnd);
  };
  deadlines.add(deadline);
  socket.on('data', onData).on('end', onEnd).on('close', onEnd);
  // The close event follows and is what counts; without a listener the error would end the worker.
  socket.on('error', () => socket.destroy());
}
