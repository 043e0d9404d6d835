import { setTimeout as sleep } from 'node:timers/promises';
import { closeListeningSockets, LISTEN_BACKLOG, openListeningSockets, type TransportProtocol } from '../../core/os/listeningSockets.ts';
import { SystemError } from '../../core/os/systemError.ts';
import type { ListenerAddress, ListenerProtocol, ListenerSpec } from '../../core/ipc/messages.ts';

/** A listener whose sockets are open in this process, one per worker; `port` is the bound one. */
export interface OpenListener extends ListenerSpec {
  /** What was asked for; 0: an ephemeral one. */
  readonly wantedPort: number;
  readonly descriptors: readonly number[];
}

/** What openListener is to open. */
export interface OpenListenerRequest {
  readonly id: number;
  readonly listener: ListenerAddress;
  readonly workers: number;
  /** See ListeningSocketsRequest. */
  readonly exclusive: boolean;
}

/** Ours: a proxy whose controller was killed lets go of its sockets within moments; a stranger does not. */
const TRIES = 20;
const BETWEEN_TRIES_MS = 100;

/** What carries a protocol, and so whose ports it uses. */
export function transportOf(protocol: ListenerProtocol): TransportProtocol {
  return protocol === 'udp' ? 'udp' : 'tcp';
}

/** Opens one listening socket per worker. Throws SystemError or TypeError; then nothing is left open. */
export function openListener({ id, listener, workers, exclusive }: OpenListenerRequest): OpenListener {
  const { protocol, address, port, transparent } = listener;
  const request = { protocol: transportOf(protocol), address, port, count: workers, backlog: LISTEN_BACKLOG, exclusive, transparent: transparent === true };
  const kept = transparent === true ? { transparent } : {};
  return { id, protocol, address, ...kept, wantedPort: port, ...openListeningSockets(request) };
}

/** The same, but an address in use is tried again for 2 s. */
export async function openListenerPatiently(request: OpenListenerRequest): Promise<OpenListener> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return openListener(request);
    } catch (error) {
      if (!(error instanceof SystemError) || error.code !== 'EADDRINUSE' || attempt === TRIES) throw error;
    }
    await sleep(BETWEEN_TRIES_MS);
  }
}

/** Gives up the controller's hold on the sockets. */
export function closeListener(listener: OpenListener): void {
  closeListeningSockets(listener.descriptors);
}
