import { createKubeApi } from '../../cluster/kubeClient.ts';
import type { KubeApi } from '../../cluster/kubeApi.ts';
import type { ElectionTimings } from '../electionTimings.ts';

/** For tests: client-go's proportions in a fraction of the time. A lease is written in seconds: others wait one. */
export const SHORT_TIMINGS: ElectionTimings = {
  leaseDurationMs: 1_000,
  renewDeadlineMs: 800,
  retryPeriodMs: 60,
  renewPeriodMs: 60,
  requestTimeoutMs: 250,
  releaseTimeoutMs: 500,
};

/** For tests: the real client on a server without credentials. */
export function leaseApi(server: URL): KubeApi {
  const settings = { headers: {}, tls: { rejectUnauthorized: true }, proxyAgent: null };
  return createKubeApi(
    { server, namespace: null, description: 'test', settings: () => Promise.resolve(settings), renew: () => Promise.resolve() },
    { version: 'test' },
  );
}
