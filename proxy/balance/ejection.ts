/**
 * Passive ejection: an endpoint that cannot be connected to is left out for a while and then let in step by step.
 * Only failed connects count: what an application answers is its own business.
 */

/** Connect failures in a row that eject an endpoint. Ours: two may be one lost SYN and its retransmission. */
export const CONNECT_FAILURES_TO_EJECT = 3;
/** First ejection, ms. Ours: about the time a pod takes from crash to restart. */
export const FIRST_EJECTION_MS = 5_000;
/** Ejections double up to this, ms. */
export const LONGEST_EJECTION_MS = 60_000;
/** From the end of an ejection to full weight, ms. */
export const RETURN_MS = 10_000;
/** Part of the weight at the moment of return. */
export const RETURN_SHARE = 0.1;

/** Connect history of one endpoint. Times are Clock readings. */
export interface Health {
  /** Connect failures since the last success. */
  failures: number;
  /** Ejections since the endpoint last stood a whole return; each doubles the next. */
  ejections: number;
  /** End of the last ejection, and beginning of the return; -Infinity before the first. */
  ejectedUntilMs: number;
}

/** The history of an endpoint nothing is known about. */
export function newHealth(): Health {
  return { failures: 0, ejections: 0, ejectedUntilMs: Number.NEGATIVE_INFINITY };
}

/** True while the endpoint is to be left out. */
export function isEjected(health: Health, nowMs: number): boolean {
  return nowMs < health.ejectedUntilMs;
}

/** Part of its weight that an endpoint gets: 0 while ejected, then from `RETURN_SHARE` up to 1. */
export function healthShare(health: Health, nowMs: number): number {
  const sinceMs = nowMs - health.ejectedUntilMs;
  if (sinceMs < 0) return 0;
  return sinceMs >= RETURN_MS ? 1 : RETURN_SHARE + (1 - RETURN_SHARE) * (sinceMs / RETURN_MS);
}

/**
 * Counts a failed connect; true when it ejects the endpoint. After a return the first failure ejects again, since no
 * success has ended the row. Failures of connects begun before the ejection do not lengthen it.
 */
export function noteConnectFailure(health: Health, nowMs: number): boolean {
  health.failures += 1;
  if (health.failures < CONNECT_FAILURES_TO_EJECT || isEjected(health, nowMs)) return false;
  health.ejectedUntilMs = nowMs + Math.min(FIRST_EJECTION_MS * 2 ** health.ejections, LONGEST_EJECTION_MS);
  health.ejections += 1;
  return true;
}

/** Counts a successful connect; true when it ends an ejection early, which the gradual return then follows. */
export function noteConnectSuccess(health: Health, nowMs: number): boolean {
  health.failures = 0;
  if (isEjected(health, nowMs)) {
    health.ejectedUntilMs = nowMs;
    return true;
  }
  if (nowMs - health.ejectedUntilMs >= RETURN_MS) health.ejections = 0;
  return false;
}
