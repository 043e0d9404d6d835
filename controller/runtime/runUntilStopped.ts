import type { Logger } from '../../core/log/logger.ts';
import type { Gatehouse, GatehouseAddresses } from './gatehouse.ts';
import { listenForSignals, type SignalSource } from './stopSignals.ts';

/** Around one life of a Gatehouse. */
export interface Life {
  readonly signals: SignalSource;
  /** `ignore` logs that there is nothing to do, because files are watched; `stop` ends it as SIGTERM does. */
  readonly onHangUp: 'stop' | 'ignore';
  readonly logger: Logger;
  /** Called once everything serves; not when it was stopped before. */
  readonly onReady: (addresses: GatehouseAddresses) => void;
}

/**
 * Starts `gatehouse`, waits for SIGTERM or SIGINT, stops it. Resolves to true when every request could finish or be cut
 * in time, false when a second SIGINT ended it at once. Rejects when it cannot start.
 */
export async function runUntilStopped(gatehouse: Gatehouse, life: Life): Promise<boolean> {
  const { logger, onReady } = life;
  const asked = Promise.withResolvers<'asked'>();
  // Whoever presses Ctrl-C does not come back in a moment; SIGTERM is also what a restart begins with.
  let forGood = false;
  let endedAtOnce = false;
  const stop = (signal: string): void => {
    logger.info('stopping', { signal });
    forGood = signal === 'SIGINT';
    asked.resolve('asked');
  };
  const forget = listenForSignals(life.signals, {
    stop,
    hangUp: () => (life.onHangUp === 'stop' ? stop('SIGHUP') : logger.info('SIGHUP: nothing to do, manifests are watched')),
    endNow: () => {
      endedAtOnce = true;
      logger.warn('ended at once; open requests are cut');
      gatehouse.endNow();
    },
  }, () => performance.now());
  try {
    // A start may take for ever: an API server that is away is waited for.
    const addresses = await Promise.race([asked.promise, gatehouse.start()]);
    if (addresses !== 'asked') {
      const first = await Promise.race([asked.promise, gatehouse.ready().then(() => 'ready' as const)]);
      if (first === 'ready') onReady(addresses);
    }
    await asked.promise;
    await gatehouse.stop(forGood);
    logger.info('stopped');
    return !endedAtOnce;
  } finally {
    forget();
  }
}
