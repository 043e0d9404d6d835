import type { Logger } from '../../core/log/logger.ts';
import type { Clock } from '../../core/time/clock.ts';
import type { KubeApi } from '../cluster/kubeApi.ts';
import type { Leadership } from '../election/leadership.ts';
import type { Schedule } from './schedule.ts';

/** What writers work with. */
export interface WriterDependencies {
  readonly api: KubeApi;
  readonly leadership: Leadership;
  /** Node that this process runs on. */
  readonly nodeName: string;
  readonly clock: Clock;
  /** ms since the epoch: times that people read. */
  readonly wallClock: () => number;
  /** 0 to 1. */
  readonly random: () => number;
  readonly schedule: Schedule;
  readonly logger: Logger;
}
