import type { EndpointView, Explanation, ExplainRequest } from '../../core/ipc/views.ts';
import type { BgpReport } from '../announcer/bgp/bgpReport.ts';
import type { PoolView } from '../allocator/poolView.ts';
import type { AnnouncementsView } from '../status/announcementsView.ts';
import type { StatusView } from '../status/statusView.ts';

/** What the admin API shows, asked anew for each request. */
export interface AdminViews {
  /** True while the first snapshot serves on every worker and nothing is draining. */
  ready(): boolean;
  status(): StatusView;
  /** Plain JSON, secrets redacted; null before the first snapshot. */
  snapshot(): unknown;
  /** Asked of the proxy, so that it is what is truly served. Null when no proxy answers. */
  explain(request: ExplainRequest): Promise<Explanation | null>;
  /** Pools of addresses and their use. */
  pools(): readonly PoolView[];
  announcements(): AnnouncementsView;
  /** Peers and routes of this node; empty while no announcer tells of any. */
  bgp(): BgpReport;
  /** Null when no proxy answers. */
  endpoints(): Promise<readonly EndpointView[] | null>;
  /** Prometheus text of all processes and workers. */
  metrics(): Promise<string>;
}
