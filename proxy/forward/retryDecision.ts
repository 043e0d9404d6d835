import type { RetryPolicy } from '../../core/ir/virtualHost.ts';
import type { UpstreamError } from '../http/upstream.ts';

/** Methods whose repetition has the effect of one request (RFC 9110 section 9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']);

/** What a retry decision needs to know of the tries so far. */
export interface RetryState {
  readonly method: string;
  /** Tries begun, the failed one included. */
  readonly tries: number;
  /** Endpoints that could be tried. */
  readonly endpoints: number;
  /** ms since the first try began. */
  readonly elapsedMs: number;
  /** Body octets have been taken from the client: they are gone and cannot be sent again. */
  readonly bodyTaken: boolean;
}

/** Why a try did not do: an error, or a response status the policy wants replaced. */
export type FailedTry = { readonly type: 'error'; readonly error: UpstreamError } | { readonly type: 'status'; readonly status: number };

/**
 * Whether, and where, to try again (ingress-nginx `proxy-next-upstream*`, RFC 9110 section 9.2.2). A request that may have
 * reached a backend is repeated only when its method is idempotent or the policy says so for all methods.
 */
export function decideRetry(policy: RetryPolicy, failed: FailedTry, state: RetryState): 'sameEndpoint' | 'otherEndpoint' | 'no' {
  if (state.bodyTaken || (policy.totalMs !== null && state.elapsedMs >= policy.totalMs)) return 'no';
  const repeatable = policy.on.nonIdempotent || IDEMPOTENT.has(state.method);
  const stale = failed.type === 'error' && failed.error.code === 'stale';
  // The backend closed a kept connection: its own doing, no failure of the endpoint, and no try spent.
  if (stale) return repeatable || !failed.error.sent ? 'sameEndpoint' : 'no';
  const mostTries = policy.tries === 0 ? state.endpoints : Math.min(policy.tries, state.endpoints);
  if (state.tries >= mostTries) return 'no';
  const sent = failed.type === 'status' || failed.error.sent;
  if (sent && !repeatable) return 'no';
  return wanted(policy, failed) ? 'otherEndpoint' : 'no';
}

function wanted(policy: RetryPolicy, failed: FailedTry): boolean {
  if (failed.type === 'status') return policy.on.statuses.includes(failed.status);
  switch (failed.error.code) {
    case 'connectFailed':
    case 'tlsFailed':
    case 'stale':
    case 'reset':
      return policy.on.error;
    case 'connectTimeout':
    case 'readTimeout':
    case 'sendTimeout':
      return policy.on.timeout;
    case 'invalidResponse':
      return policy.on.invalidHeader;
  }
}
