import type { BgpPeerEvent, BgpReport } from '../announcer/bgp/bgpReport.ts';
import type { ObjectIndex } from '../model/store.ts';
import { EventSender } from './eventSender.ts';
import { sessionEvent } from './sessionEvent.ts';
import { SessionWatch } from './sessionNews.ts';
import { PairCounter, type WriterCounts } from './writeCounts.ts';
import type { WriterDependencies } from './writerDependencies.ts';

/**
 * Tells in Events about BGPPeers when this node's sessions come and go. Every node tells of its own, leader or not: nobody else knows of
 * them, and they come and go most when the node is in trouble.
 */
export interface SessionEventWriter {
  /** The objects as they were last read; what happens before the first is not told. */
  look(objects: ObjectIndex): void;
  happened(event: BgpPeerEvent): void;
  reported(report: BgpReport): void;
  /** Ends; what is not written by then is given up. */
  stop(): Promise<void>;
  counts(): WriterCounts;
}

/** Makes it; nothing is sent before something happens. */
export function createSessionEventWriter(dependencies: Omit<WriterDependencies, 'leadership'>): SessionEventWriter {
  const { clock, schedule, nodeName } = dependencies;
  const counter = new PairCounter<string, 'written' | 'dropped'>();
  const sender = new EventSender(dependencies, { mayWork: () => true, onEvent: (reason, outcome) => counter.add(reason, outcome) });
  const watch = new SessionWatch();
  let objects: ObjectIndex | null = null;
  let cancel = (): void => {};
  let isOver = false;
  const tell = (): void => {
    if (isOver || objects === null) return;
    for (const news of watch.take(clock.now())) {
      const wish = sessionEvent(news, objects, nodeName);
      if (wish !== null) sender.emit(wish);
    }
    cancel();
    const waitMs = watch.waitMs(clock.now());
    cancel = waitMs === null ? () => {} : schedule(tell, waitMs);
  };
  return {
    look(next) {
      objects = next;
      watch.look(next);
      tell();
    },
    happened(event) {
      watch.happened(event, clock.now());
      tell();
    },
    reported(report) {
      watch.reported(report, clock.now());
      tell();
    },
    async stop() {
      isOver = true;
      cancel();
      await sender.stop();
    },
    counts: () => ({ writes: [], events: counter.list().map(({ first, second, count }) => ({ reason: first, outcome: second, count })) }),
  };
}
