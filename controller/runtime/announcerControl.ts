import type { BgpReport } from '../announcer/bgp/bgpReport.ts';
import type { ProxyState } from '../announcer/messages.ts';
import type { AnnouncerEvent, AnnouncerReport } from '../announcer/report.ts';
import type { AnnouncerWanted } from '../announcer/wanted.ts';

/** The announcer as the runtime drives it: AnnouncerProcess, or a fake. */
export interface AnnouncerControl {
  /** Starts the process; it is started again whenever it ends. */
  start(): void;
  /** The complete wanted state from generation `generation` on; returns at once. */
  want(wanted: AnnouncerWanted, generation: number): void;
  setProxy(proxy: ProxyState): void;
  /** The last thing it told; null while it has told nothing. */
  report(): AnnouncerReport | null;
  /** The last thing it told of BGP; null: nothing yet. */
  bgpReport(): BgpReport | null;
  /** Withdraws all VIPs, then ends it. `forGood`: nothing stays in the kernel. Never waits for long. */
  stop(forGood: boolean): Promise<void>;
}

/** What its owner is told. */
export interface AnnouncerControlEvents {
  readonly report: (report: AnnouncerReport) => void;
  readonly bgp: (report: BgpReport) => void;
  readonly event: (event: AnnouncerEvent) => void;
}

/** Makes an announcer that is not started yet. */
export type CreateAnnouncer = (events: AnnouncerControlEvents) => AnnouncerControl;

/**
 * Starts an announcer when there is first something to announce or forward: most machines without VIPs never need one. `always`:
 * at the first word, whatever it is, as an earlier run may have left something that is wanted no more.
 */
export function startWhenWanted(announcer: AnnouncerControl, always: boolean): Omit<AnnouncerControl, 'start'> {
  let last: AnnouncerWanted | null = null;
  let started = false;
  return {
    want(wanted, generation) {
      if (wanted === last) return;
      last = wanted;
      if (!started && !always && isNothing(wanted)) return;
      if (!started) announcer.start();
      started = true;
      announcer.want(wanted, generation);
    },
    setProxy: (proxy) => announcer.setProxy(proxy),
    report: () => announcer.report(),
    bgpReport: () => announcer.bgpReport(),
    stop: (forGood) => (started ? announcer.stop(forGood) : Promise.resolve()),
  };
}

function isNothing({ ports, vips, bgp }: AnnouncerWanted): boolean {
  return ports.size === 0 && vips.size === 0 && bgp.peers.size === 0;
}
