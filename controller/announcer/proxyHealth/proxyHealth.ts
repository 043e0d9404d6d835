import { isListening, type TcpPort } from './listeningSockets.ts';
import { readProcessIdentity } from './processIdentity.ts';
import type { ProxyState } from '../messages.ts';

/** What is read of this machine; tests answer in its place. */
export interface ProxyFacts {
  /** See readProcessIdentity. */
  readonly identity: (pid: number) => string | null;
  /** See isListening. */
  readonly listens: (ports: readonly TcpPort[]) => boolean;
}

/** Whether the proxy of this node serves. */
export interface ProxyHealth {
  /** What the controller says: it knows first, as long as it has the time. */
  told(proxy: ProxyState): void;
  /**
   * Nobody will tell any more. A proxy without a controller ends its connections and accepts no others, so from now on it serves
   * as long as one of `ports` has a listening socket.
   */
  orphaned(ports: readonly TcpPort[]): void;
  /** Looks at the process itself: it may have ended while the controller is busy, or gone. Cheap, for ten times a second. */
  serves(): boolean;
}

const MACHINE: ProxyFacts = { identity: readProcessIdentity, listens: isListening };

/** No proxy serves until one is told of. */
export function createProxyHealth(facts: ProxyFacts = MACHINE): ProxyHealth {
  let proxy: ProxyState = { pid: null, serving: false };
  let identity: string | null = null;
  let orphanedPorts: readonly TcpPort[] | null = null;
  return {
    told: (next) => {
      if (next.pid !== proxy.pid) identity = next.pid === null ? null : facts.identity(next.pid);
      proxy = next;
    },
    orphaned: (ports) => { orphanedPorts = ports; },
    serves: () => {
      if (!proxy.serving || proxy.pid === null || identity === null) return false;
      // One that has ended may be followed by another process of the same id.
      if (facts.identity(proxy.pid) !== identity) return false;
      return orphanedPorts === null || orphanedPorts.length === 0 || facts.listens(orphanedPorts);
    },
  };
}
