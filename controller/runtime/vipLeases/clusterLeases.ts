import type { Logger } from '../../../core/log/logger.ts';
import { monotonicClock } from '../../../core/time/clock.ts';
import type { LeaseNews } from '../../announcer/leases.ts';
import type { KubeApi } from '../../cluster/kubeApi.ts';
import { newIdentity } from '../../election/identity.ts';
import { createLeaseElection } from '../../election/leaseElection.ts';
import { createLeaseStore } from '../../election/leaseStore.ts';
import { vipLeaseName } from './leaseName.ts';
import { VIP_LEASE_TIMINGS } from './vipLeaseTimings.ts';
import { createVipLeases, type VipLeases } from './vipLeases.ts';

/** Makes what keeps Leases; `tell` reaches the announcer. */
export type CreateVipLeases = (tell: (news: LeaseNews) => void) => VipLeases;

/** Where Leases of VIPs are kept, and by whom. */
export interface ClusterLeasesOptions {
  readonly api: KubeApi;
  /** Own. */
  readonly namespace: string;
  readonly nodeName: string;
  readonly logger: Logger;
}

/** Ours. */
const PROBE_TIMEOUT_MS = 2_000;

/** Leases in the API server, one per VIP. */
export function clusterLeases({ api, namespace, nodeName, logger }: ClusterLeasesOptions): CreateVipLeases {
  const common = { api, namespace, clock: monotonicClock, wallClock: { now: () => Date.now() }, random: Math.random, logger };
  return (tell) => createVipLeases({
    tell,
    clock: monotonicClock,
    elect: (address) => createLeaseElection({
      ...common,
      name: vipLeaseName(address),
      identity: newIdentity(nodeName),
      office: `the one that may answer for ${address}`,
      timings: VIP_LEASE_TIMINGS,
    }),
    probe: async (address) => {
      const store = createLeaseStore(api, { namespace, name: vipLeaseName(address) }, (_verb, error) => {
        logger.debug('the API server still does not answer about Leases', { address, error });
      });
      const { type } = await store.read({ signal: AbortSignal.timeout(PROBE_TIMEOUT_MS), timeoutMs: PROBE_TIMEOUT_MS });
      return type !== 'failed';
    },
  });
}
