import type { KubeError } from '../../cluster/kubeApi.ts';

/** A number in [0, 1): Math.random, or something exact in tests. */
export type Random = () => number;

/** All ours, ms. Changes are to appear within 2 s of the API server's return, so nothing that may be its absence waits longer. */
const FIRST_DELAY_MS = 50;
const MAX_UNREACHABLE_DELAY_MS = 1_000;
const MAX_SERVER_DELAY_MS = 1_500;
/** What the server itself asks for is followed up to here. */
const MAX_RETRY_AFTER_MS = 30_000;
/** Refusals beyond this many in a row are no start-up any more, and are asked about less and less often. */
const PATIENT_REFUSALS = 12;
const MAX_REFUSAL_DELAY_MS = 30_000;

/** How long to wait after the `failures`th failure in a row (from 1): exponential, with jitter so that nodes do not return as one. */
export function retryDelayMs(error: KubeError, failures: number, random: Random): number {
  switch (error.code) {
    case 'unreachable':
    case 'timeout':
      return jittered(growing(failures, MAX_UNREACHABLE_DELAY_MS), random);
    case 'tooManyRequests':
    case 'server':
    case 'conflict':
    case 'gone':
      return afterServerFault(error, failures, random);
    case 'unauthorized':
    case 'forbidden':
    case 'notFound':
    case 'invalid':
      return jittered(refusalMs(failures), random);
  }
}

/** How long to wait after a watch that ended too soon to be of use, though it was accepted. */
export function shortWatchDelayMs(failures: number, random: Random): number {
  return jittered(growing(failures, MAX_UNREACHABLE_DELAY_MS / 2), random);
}

function afterServerFault(error: KubeError, failures: number, random: Random): number {
  const ownMs = jittered(growing(failures, MAX_SERVER_DELAY_MS), random);
  if (error.retryAfterMs === null) return ownMs;
  // Never sooner than asked, and not all at once.
  const askedMs = Math.min(error.retryAfterMs, MAX_RETRY_AFTER_MS);
  return Math.max(ownMs, askedMs + Math.round((askedMs / 4) * random()));
}

function refusalMs(failures: number): number {
  if (failures <= PATIENT_REFUSALS) return growing(failures, MAX_SERVER_DELAY_MS);
  return Math.min(MAX_REFUSAL_DELAY_MS, MAX_SERVER_DELAY_MS * 2 ** Math.min(failures - PATIENT_REFUSALS, 10));
}

function growing(failures: number, maxMs: number): number {
  return Math.min(maxMs, FIRST_DELAY_MS * 2 ** Math.min(Math.max(0, failures - 1), 20));
}

/** From half of it to the whole. */
function jittered(ms: number, random: Random): number {
  return Math.round(ms * (0.5 + random() / 2));
}
