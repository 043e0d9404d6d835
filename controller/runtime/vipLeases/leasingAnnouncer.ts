import type { LeaseNews, LeaseWishes } from '../../announcer/leases.ts';
import type { AnnouncerControl } from '../announcerControl.ts';
import type { VipLeases } from './vipLeases.ts';

/** An announcer that can be told of Leases. */
export interface LeasedAnnouncer extends AnnouncerControl {
  setLeases(news: LeaseNews): void;
}

/** What an announcer with Leases is made of. */
export interface LeasingParts {
  readonly createAnnouncer: (leaseWishes: (wishes: LeaseWishes) => void) => LeasedAnnouncer;
  readonly createLeases: (tell: (news: LeaseNews) => void) => VipLeases;
}

/** Ours: the announcer takes a controller that has said nothing for four seconds for stopped. */
const LOOK_INTERVAL_MS = 1_000;

/** An announcer together with the Leases of its VIPs, which outlive it by their release. */
export function createLeasingAnnouncer({ createAnnouncer, createLeases }: LeasingParts): AnnouncerControl {
  const announcer = createAnnouncer((wishes) => leases.heard(wishes));
  const leases = createLeases((news) => announcer.setLeases(news));
  let looking: NodeJS.Timeout | undefined;
  return {
    start() {
      looking = setInterval(() => leases.look(), LOOK_INTERVAL_MS);
      announcer.start();
    },
    want(wanted, generation) {
      announcer.want(wanted, generation);
      leases.allow(new Set([...wanted.vips.values()].filter(({ ownership }) => ownership === 'lease').map(({ address }) => address)));
    },
    setProxy: (proxy) => announcer.setProxy(proxy),
    report: () => announcer.report(),
    bgpReport: () => announcer.bgpReport(),
    async stop(forGood) {
      try {
        await announcer.stop(forGood);
      } finally {
        clearInterval(looking);
      }
      // Not when it has failed: then nobody knows that nothing is answered any more.
      await leases.stop();
    },
  };
}
