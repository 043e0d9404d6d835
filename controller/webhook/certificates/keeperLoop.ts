import type { Logger } from '../../../core/log/logger.ts';
import { KubeError } from '../../cluster/kubeApi.ts';
import type { Leadership } from '../../election/leadership.ts';
import type { CertificateKeeper } from './certificateKeeper.ts';

/** Calls the keeper as long as the process lives. */
export interface KeeperLoop {
  start(): void;
  stop(): Promise<void>;
}

/** What the loop needs. */
export interface KeeperLoopOptions {
  readonly keeper: CertificateKeeper;
  readonly leadership: Leadership;
  readonly logger: Logger;
}

/** A configuration that loses its authorities (a re-install) is mended within this. */
const INTERVAL_MS = 30_000;
/** After a conflict: somebody wrote in between. */
const CONFLICT_MS = 500;

/** A round at the start, after each change of leadership, and every half minute. */
export function createKeeperLoop({ keeper, leadership, logger }: KeeperLoopOptions): KeeperLoop {
  const stopping = new AbortController();
  let running: Promise<void> | null = null;
  let wake: () => void = () => {};
  let wasWoken = false;

  /** How long to wait before the next round. */
  async function round(): Promise<number> {
    try {
      await keeper.round(stopping.signal);
    } catch (error) {
      if (stopping.signal.aborted) return 0;
      if (error instanceof KubeError && error.code === 'conflict') return CONFLICT_MS;
      logger.warn('the webhook certificates cannot be looked after; trying again', { error });
    }
    return INTERVAL_MS;
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const waitMs = await round();
      if (!wasWoken) await waitForWake(waitMs);
      wasWoken = false;
    }
  }

  function waitForWake(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function awake(): void {
    wasWoken = true;
    wake();
  }

  let unsubscribe = (): void => {};
  return {
    start: () => {
      if (running !== null) return;
      unsubscribe = leadership.onChange(awake);
      running = run();
    },
    stop: async () => {
      unsubscribe();
      stopping.abort();
      awake();
      await running;
    },
  };
}
