import { setTimeout as sleep } from 'node:timers/promises';
import { closeListeningSockets, LISTEN_BACKLOG, openListeningSockets } from '../../core/os/listeningSockets.ts';
import { SystemError } from '../../core/os/systemError.ts';
import type { ListenerSpec } from '../../core/ipc/messages.ts';

/** An address to listen on; `port` 0: an ephemeral one. */
export interface ListenerAddress extends Pick<ListenerSpec, 'protocol' | 'address' | 'port'> {}

/** Ours: a proxy whose controller was killed lets go of its sockets within moments; a stranger does not. */
const TRIES = 20;
const BETWEEN_TRIES_MS = 100;

/**
 * Opens one listening socket per worker and address; descriptors are the controller's, ports are the bound ones. An
 * address in use is tried again for 2 s. Throws SystemError or TypeError; then nothing is left open.
 */
export async function openListeners(addresses: readonly ListenerAddress[], workers: number): Promise<readonly ListenerSpec[]> {
  const listeners: ListenerSpec[] = [];
  try {
    for (const listener of addresses) listeners.push(await openListener(listener, workers));
    return listeners;
  } catch (error) {
    closeListeners(listeners);
    throw error;
  }
}

/** Gives up the controller's hold on the sockets. */
export function closeListeners(listeners: readonly ListenerSpec[]): void {
  for (const listener of listeners) closeListeningSockets(listener.descriptors);
}

/** The same listeners as a child sees them that inherits all descriptors in order, from `first` on. */
export function renumberDescriptors(listeners: readonly ListenerSpec[], first: number): readonly ListenerSpec[] {
  let next = first;
  return listeners.map((listener) => ({ ...listener, descriptors: listener.descriptors.map(() => next++) }));
}

async function openListener(listener: ListenerAddress, workers: number): Promise<ListenerSpec> {
  const { protocol, address } = listener;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const request = { address, port: listener.port, count: workers, backlog: LISTEN_BACKLOG };
      return { protocol, address, ...openListeningSockets(request) };
    } catch (error) {
      if (!(error instanceof SystemError) || error.code !== 'EADDRINUSE' || attempt === TRIES) throw error;
    }
    await sleep(BETWEEN_TRIES_MS);
  }
}
