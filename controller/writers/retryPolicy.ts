import type { KubeError } from '../cluster/kubeApi.ts';
import type { WorkOutcome } from './requestQueue.ts';

/** First wait after a failure; doubles with each in a row (ours). */
const FIRST_DELAY_MS = 500;
/** Longest wait for one object, and for an API server that is away (ours). */
const MAX_DELAY_MS = 60_000;
const MAX_PAUSE_MS = 15_000;
/** Only somebody's change of a role or an object helps; such a change is not always seen here (ours). */
const REFUSED_DELAY_MS = 300_000;
/** A server that asks for more is asked again after this (ours). */
const MAX_RETRY_AFTER_MS = 300_000;
/** The watch brings the newer object as a rule at once; else it is read after this (ours). */
const CONFLICT_DELAY_MS = 2_000;

/** Failures in a row, this one included, of one object and of the API server as a whole. */
export interface FailureCounts {
  readonly ofObject: number;
  readonly ofServer: number;
}

/** What follows from a failed request. `random`: 0 to 1, spreads what failed at once. */
export function planRetry(error: KubeError, { ofObject, ofServer }: FailureCounts, random: number): WorkOutcome {
  const jitter = (delayMs: number): number => Math.round(delayMs * (0.75 + random / 2));
  const askedMs = Math.min(MAX_RETRY_AFTER_MS, error.retryAfterMs ?? 0);
  switch (error.code) {
    case 'notFound':
      return null;
    case 'unreachable':
    case 'unauthorized':
      return { againInMs: jitter(backoff(FIRST_DELAY_MS, ofServer, MAX_PAUSE_MS)), pauseAll: true };
    case 'tooManyRequests':
      // Never sooner than asked.
      return { againInMs: askedMs + jitter(backoff(FIRST_DELAY_MS, ofServer, MAX_PAUSE_MS)), pauseAll: true };
    case 'timeout':
    case 'server':
    case 'gone':
      return { againInMs: askedMs + jitter(backoff(FIRST_DELAY_MS, ofObject, MAX_DELAY_MS)), pauseAll: false };
    case 'conflict':
      return { againInMs: jitter(backoff(CONFLICT_DELAY_MS, ofObject, MAX_DELAY_MS)), pauseAll: false };
    case 'forbidden':
    case 'invalid':
      return { againInMs: jitter(REFUSED_DELAY_MS), pauseAll: false };
  }
}

function backoff(firstMs: number, failures: number, maxMs: number): number {
  return Math.min(maxMs, firstMs * 2 ** Math.max(0, failures - 1));
}
