/** What to do on signals. */
export interface SignalHandlers {
  /** First SIGTERM or SIGINT. */
  stop(signal: NodeJS.Signals): void;
  /** SIGINT while stopping. */
  endNow(): void;
  hangUp(): void;
}

/** Where signals come from: `process`, or a fake. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
}

/**
 * One press of Ctrl-C can arrive twice: from the terminal, which signals the whole process group, and from npm, which
 * passes on what it gets. Only a SIGINT later than this is a second press.
 */
const SECOND_PRESS_MS = 500;

/** Listens for SIGTERM, SIGINT and SIGHUP until the returned function is called. `now` gives monotonic ms. */
export function listenForSignals(source: SignalSource, handlers: SignalHandlers, now: () => number): () => void {
  let stoppingSinceMs: number | null = null;
  const onStop = (signal: NodeJS.Signals): void => {
    if (stoppingSinceMs === null) {
      stoppingSinceMs = now();
      handlers.stop(signal);
    } else if (signal === 'SIGINT' && now() - stoppingSinceMs >= SECOND_PRESS_MS) {
      handlers.endNow();
    }
  };
  const onHangUp = (): void => handlers.hangUp();
  source.on('SIGTERM', onStop);
  source.on('SIGINT', onStop);
  source.on('SIGHUP', onHangUp);
  return () => {
    source.off('SIGTERM', onStop);
    source.off('SIGINT', onStop);
    source.off('SIGHUP', onHangUp);
  };
}
