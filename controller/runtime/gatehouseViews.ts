import type { AdminViews } from '../admin/adminViews.ts';
import { NO_BGP_REPORT } from '../announcer/bgp/bgpReport.ts';
import { printSnapshot } from '../../core/ir/printSnapshot.ts';
import type { AnnouncerJournal } from '../status/announcementsView.ts';
import { buildStatus } from '../status/buildStatus.ts';
import type { StatusView } from '../status/statusView.ts';
import type { AnnouncerControl } from './announcerControl.ts';
import type { ControlState } from './controlLoop.ts';
import type { GatehouseOptions, GatehouseParts } from './gatehouse.ts';
import type { ProxyControl } from './proxyControl.ts';
import { reportState } from './reportState.ts';

/** What views are made from: what a running Gatehouse knows when it is asked. */
export interface ViewSources extends Pick<GatehouseOptions, 'version' | 'nodeName' | 'publishService'> {
  readonly parts: Pick<GatehouseParts, 'elects' | 'leadership' | 'published' | 'waitingFor' | 'machineAddresses' | 'metrics' | 'logger'>;
  readonly proxy: ProxyControl;
  readonly journal: AnnouncerJournal;
  readonly state: () => ControlState;
  readonly appliedGeneration: () => number;
  readonly ready: () => boolean;
  /** Null: this machine's network is left alone. */
  readonly announcer: () => Pick<AnnouncerControl, 'report' | 'bgpReport'> | null;
}

/** What the admin API shows, and what is collected for it now and then. */
export interface GatehouseViews {
  readonly views: AdminViews;
  /** Takes over what the proxy's workers have counted. */
  collect(): Promise<void>;
}

/** Asks the proxy where only that knows. */
export function createGatehouseViews(sources: ViewSources): GatehouseViews {
  const { proxy, parts, journal, state, nodeName } = sources;
  const report = () => sources.announcer()?.report() ?? null;
  const bgp = () => sources.announcer()?.bgpReport() ?? NO_BGP_REPORT;
  /** Null, with a line in the log, when the proxy does not answer: it may be starting again. */
  const ask = async <T>(question: string, answer: Promise<T>): Promise<T | null> => {
    try {
      return await answer;
    } catch (error) {
      parts.logger.warn('the proxy did not answer', { question, error });
      return null;
    }
  };
  const collect = async (): Promise<void> => {
    await ask('collect', proxy.collect(false));
  };
  return {
    collect,
    views: {
      ready: sources.ready,
      status: () => buildStatus({
        ...state(),
        version: sources.version,
        ready: sources.ready(),
        appliedGeneration: sources.appliedGeneration(),
        listeners: proxy.listeners,
        fixed: parts.published.fixed,
        ownService: parts.published.ownService,
        publishService: sources.publishService,
        waitingFor: parts.waitingFor(),
        leader: leaderOf(parts),
        announcer: report(),
        bgp: bgp(),
        nodeName,
        machineAddresses: parts.machineAddresses(),
      }),
      snapshot: () => {
        const { snapshot } = state();
        return snapshot === null ? null : printSnapshot(snapshot);
      },
      explain: (request) => ask('explain', proxy.explain(request)),
      pools: () => state().pools,
      bgp,
      announcements: () => journal.view(report()),
      endpoints: () => ask('collect', proxy.collect(true)),
      metrics: async () => {
        await collect();
        const facts = { appliedGeneration: sources.appliedGeneration(), announced: report(), bgp: bgp(), nodeName };
        reportState(parts.metrics, state(), facts, Date.now());
        return parts.metrics.text();
      },
    },
  };
}

function leaderOf({ elects, leadership }: Pick<GatehouseParts, 'elects' | 'leadership'>): StatusView['leader'] {
  return elects ? { name: leadership.holder(), self: leadership.isLeader() } : null;
}
