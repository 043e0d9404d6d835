import type { Link } from '../parts.ts';
import type { BgpPeerEvent, BgpReport } from './bgpReport.ts';
import type { BgpWanted } from './bgpWanted.ts';

/** Speaks BGP to the routers of this node. */
export interface BgpSpeaker {
  start(): Promise<void>;
  /** From now on this. Sessions and routes that it does not change are not touched. */
  want(wanted: BgpWanted): void;
  /** The proxy of this node serves, or does not: VIPs that need it are withdrawn at once. */
  setServing(serving: boolean): void;
  /** VIPs whose ports the kernel forwards, by address. */
  setForwarded(addresses: ReadonlySet<string>): void;
  linksChanged(links: readonly Link[]): void;
  /** Nodes that are alive: others' paths are withdrawn. */
  setAlive(nodes: ReadonlySet<string>): void;
  report(): BgpReport;
  /**
   * `forGood`: clients are led away (GRACEFUL_SHUTDOWN, RFC 8326), routes withdrawn, sessions ended with Cease/Administrative Shutdown.
   * Else a new announcer will follow: peers that keep routes through a restart are left without a word, from others they are withdrawn.
   */
  stop(forGood: boolean): Promise<void>;
  /** Sessions end without a word, and nothing more is done. */
  abandon(): void;
}

/** What the speaker tells its owner. */
export interface BgpSpeakerEvents {
  /** The report is another than before. */
  readonly changed: () => void;
  readonly peer: (event: BgpPeerEvent) => void;
}
