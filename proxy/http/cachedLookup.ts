import { lookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { LRUCache } from 'lru-cache';

/** Names of ExternalName endpoints kept at once. */
const MAX_NAMES = 1000;
/** getaddrinfo tells no TTL; short enough to follow a failover by DNS. */
const TTL_MS = 5000;

/** A `lookup` for `net.connect` that asks the resolver once per name and 5 s. Failures are not kept. */
export function createCachedLookup(): LookupFunction {
  const known = new LRUCache<string, readonly LookupAddress[]>({ max: MAX_NAMES, ttl: TTL_MS });
  return (hostname, options, callback) => {
    const answer = (addresses: readonly LookupAddress[]): void => {
      const [first] = addresses;
      if (options.all === true) callback(null, [...addresses]);
      else if (first !== undefined) callback(null, first.address, first.family);
    };
    const cached = known.get(hostname);
    // net.connect expects the answer later, never inside the call.
    if (cached !== undefined) return queueMicrotask(() => answer(cached));
    lookup(hostname, { all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0);
      known.set(hostname, addresses);
      answer(addresses);
    });
  };
}
