/** How often something may happen: `burst` times at once, then one time each `refillMs`. */
export interface TokenRate {
  readonly burst: number;
  readonly refillMs: number;
}

/** How full a bucket was, and when. */
export interface TokenBucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** A bucket that nothing was taken from yet. */
export function fullBucket({ burst }: TokenRate, nowMs: number): TokenBucket {
  return { tokens: burst, atMs: nowMs };
}

/** The bucket with one token less; null when there is none. */
export function takeToken(bucket: TokenBucket, rate: TokenRate, nowMs: number): TokenBucket | null {
  const { tokens } = refill(bucket, rate, nowMs);
  return tokens < 1 ? null : { tokens: tokens - 1, atMs: nowMs };
}

/** Time until there is a token, ms; 0: there is one. */
export function tokenWaitMs(bucket: TokenBucket, rate: TokenRate, nowMs: number): number {
  const { tokens } = refill(bucket, rate, nowMs);
  return tokens >= 1 ? 0 : (1 - tokens) * rate.refillMs;
}

function refill({ tokens, atMs }: TokenBucket, { burst, refillMs }: TokenRate, nowMs: number): TokenBucket {
  return { tokens: Math.min(burst, tokens + Math.max(0, nowMs - atMs) / refillMs), atMs: nowMs };
}
