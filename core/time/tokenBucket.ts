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

/** Sums of fractions may come a little short of one: who has waited as told must find a token. */
const WHOLE_TOKEN = 1 - 1e-6;

/** A bucket that nothing was taken from yet. */
export function fullBucket({ burst }: TokenRate, nowMs: number): TokenBucket {
  return { tokens: burst, atMs: nowMs };
}

/** The bucket with one token less; null when there is none. */
export function takeToken(bucket: TokenBucket, rate: TokenRate, nowMs: number): TokenBucket | null {
  const { tokens } = refill(bucket, rate, nowMs);
  return tokens < WHOLE_TOKEN ? null : { tokens: Math.max(0, tokens - 1), atMs: nowMs };
}

/** Time until there is a token, ms; 0: there is one. */
export function tokenWaitMs(bucket: TokenBucket, rate: TokenRate, nowMs: number): number {
  const { tokens } = refill(bucket, rate, nowMs);
  return tokens >= WHOLE_TOKEN ? 0 : (1 - tokens) * rate.refillMs;
}

/** True when it is as if nothing had ever been taken. */
export function isFull(bucket: TokenBucket, rate: TokenRate, nowMs: number): boolean {
  return refill(bucket, rate, nowMs).tokens >= rate.burst - 1 + WHOLE_TOKEN;
}

function refill({ tokens, atMs }: TokenBucket, { burst, refillMs }: TokenRate, nowMs: number): TokenBucket {
  return { tokens: Math.min(burst, tokens + Math.max(0, nowMs - atMs) / refillMs), atMs: nowMs };
}
