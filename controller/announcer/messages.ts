import type { BgpReportDelta } from './bgp/bgpReportDelta.ts';
import type { BgpWanted, WantedRoute } from './bgp/bgpWanted.ts';
import type { L4Key } from '../../core/ir/l4.ts';
import type { LeaseNews, LeaseWishes } from './leases.ts';
import type { AnnouncerEvent, AnnouncerReport } from './report.ts';
import type { AnnouncedVip, AnnouncerSettings, ForwardedPort } from './wanted.ts';

/** What turns one wanted state into the next; `whole`: it replaces everything. */
export interface WantedDelta {
  readonly generation: number;
  readonly whole: boolean;
  readonly ports: { readonly upserts: readonly ForwardedPort[]; readonly deletes: readonly L4Key[] };
  readonly vips: { readonly upserts: readonly AnnouncedVip[]; readonly deletes: readonly string[] };
  /** Null: as before. */
  readonly nodes: ReadonlyMap<string, readonly string[]> | null;
  /** Routers to speak BGP to; null: as before. */
  readonly peers: BgpWanted['peers'] | null;
  readonly routes: { readonly upserts: readonly WantedRoute[]; readonly deletes: readonly string[] };
}

/** The proxy of this node, as the controller knows it. */
export interface ProxyState {
  /** Null: none runs. */
  readonly pid: number | null;
  /** All its workers serve. */
  readonly serving: boolean;
}

/** Controller to announcer: one IPC channel, structured clone. The first message is `start`. */
export type ToAnnouncer =
  | {
      readonly type: 'start';
      readonly settings: AnnouncerSettings;
      readonly logLevel: string;
      readonly logFormat: 'text' | 'json';
      /** What an announcer that has ended a moment ago told last: others do not miss it yet. Null: there was none. */
      readonly inherited: AnnouncerReport | null;
    }
  | { readonly type: 'want'; readonly delta: WantedDelta }
  | { readonly type: 'proxy'; readonly proxy: ProxyState }
  /** Sent every second at least while there are Leases to keep, and on each change. */
  | { readonly type: 'leases'; readonly news: LeaseNews }
  /**
   * Withdraw all VIPs in good order (others take over), then end. `forGood`: the kernel's table goes too; else it stays for
   * whoever comes next.
   */
  | { readonly type: 'stop'; readonly forGood: boolean };

/** Announcer to controller. */
export type FromAnnouncer =
  /** It can do its work: sockets are open, what an earlier one has left is known. */
  | { readonly type: 'ready' }
  /** Something in it has changed since the last; at most ten a second. */
  | { readonly type: 'report'; readonly report: AnnouncerReport }
  | { readonly type: 'event'; readonly event: AnnouncerEvent }
  /** Something about BGP has changed since the last; at most two a second. */
  | { readonly type: 'bgp'; readonly delta: BgpReportDelta }
  /** In answer to each `leases`, and whenever the wishes change. */
  | { readonly type: 'leaseWishes'; readonly wishes: LeaseWishes }
  /** All VIPs are withdrawn: it ends. */
  | { readonly type: 'stopped' };
