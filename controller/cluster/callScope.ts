/** Ends one call for one of several reasons; the first counts. */
export interface CallScope {
  /** Aborts when the call is to end; its reason says why. */
  readonly signal: AbortSignal;
  /** Ends the call. */
  end(reason: unknown): void;
  /** The call ends with `makeReason()` unless `settle` or another `within` comes before. */
  within(timeoutMs: number, makeReason: () => unknown): void;
  /** The time that runs starts anew. */
  extend(): void;
  /** The call is over: no timer and no listener stays. */
  settle(): void;
}

/** Joins a caller's signal with time limits; one object per call, as listeners on long-lived signals must not pile up. */
export function openCallScope(outer: AbortSignal | undefined): CallScope {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | null = null;
  const end = (reason: unknown): void => controller.abort(reason);
  const onOuter = (): void => end(outer?.reason);
  const clear = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };
  if (outer?.aborted === true) onOuter();
  else outer?.addEventListener('abort', onOuter, { once: true });
  return {
    signal: controller.signal,
    end,
    within: (timeoutMs, makeReason) => {
      clear();
      timer = setTimeout(() => end(makeReason()), timeoutMs);
    },
    extend: () => timer?.refresh(),
    settle: () => {
      clear();
      outer?.removeEventListener('abort', onOuter);
    },
  };
}
