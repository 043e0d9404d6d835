import { lookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { LRUCache } from 'lru-cache';

/** Names of ExternalName endpoints kept at once. */
const MAX_NAMES = 1000;
/** getaddrinfo tells no TTL; short enough to follow a failover by DNS. */
const TTL_MS = 5000;

/** Addresses of a name, at least one, or why there are none. */
type Answer = (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void;

/** Asks the system; tests put their own here. */
export type Resolve = (hostname: string, answer: Answer) => void;

const resolveBySystem: Resolve = (hostname, answer) => lookup(hostname, { all: true }, answer);

/**
 * A `lookup` for `net.connect` that asks the resolver once per name and 5 s; whoever asks meanwhile waits for the same
 * answer, since getaddrinfo holds one of few threads. Failures are not kept.
 */
export function createCachedLookup(resolve: Resolve = resolveBySystem): LookupFunction {
  const known = new LRUCache<string, readonly LookupAddress[]>({ max: MAX_NAMES, ttl: TTL_MS });
  /** name → who waits for it. */
  const waiting = new Map<string, Answer[]>();
  return (hostname, options, callback) => {
    const answer: Answer = (error, addresses) => {
      const [first] = addresses;
      if (error !== null || first === undefined) callback(error ?? notFound(hostname), '', 0);
      else if (options.all === true) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    };
    const cached = known.get(hostname);
    // net.connect expects the answer later, never inside the call.
    if (cached !== undefined) return queueMicrotask(() => answer(null, cached));
    const others = waiting.get(hostname);
    if (others !== undefined) return void others.push(answer);
    const asking = [answer];
    waiting.set(hostname, asking);
    resolve(hostname, (error, addresses) => {
      waiting.delete(hostname);
      if (error === null && addresses.length > 0) known.set(hostname, addresses);
      for (const each of asking) each(error, addresses ?? []);
    });
  };
}

function notFound(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`no address for ${hostname}`), { code: 'ENOTFOUND' });
}
