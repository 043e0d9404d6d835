/** Time after which a measurement counts 1/e, ms: the figure of ingress-nginx's and Finagle's peak EWMA. */
export const LATENCY_DECAY_MS = 10_000;

/** Peak exponentially weighted moving average of latency. */
export interface Latency {
  /** Average at `atMs`; 0 before the first measurement. */
  averageMs: number;
  /** Clock reading of the last measurement; -Infinity before the first. */
  atMs: number;
}

/** The average of an endpoint nothing is known about. */
export function newLatency(): Latency {
  return { averageMs: 0, atMs: Number.NEGATIVE_INFINITY };
}

/** Takes in one measurement. A peak counts in full at once; what is faster is blended in by the time passed. */
export function noteLatency(latency: Latency, measuredMs: number, nowMs: number): void {
  const decayed = latency.averageMs * remainder(latency, nowMs);
  const blended = decayed + measuredMs * (1 - remainder(latency, nowMs));
  latency.averageMs = Math.max(measuredMs > latency.averageMs ? measuredMs : blended, 0);
  latency.atMs = nowMs;
}

/** The average as of now: it fades while nothing is measured, so that a slow endpoint is asked again. */
export function currentLatency(latency: Latency, nowMs: number): number {
  return latency.averageMs * remainder(latency, nowMs);
}

function remainder(latency: Latency, nowMs: number): number {
  return Math.exp(-Math.max(nowMs - latency.atMs, 0) / LATENCY_DECAY_MS);
}
