import ipaddr from 'ipaddr.js';

/** Ranges that lead to the proxy's own machine or network segment, where nothing is a backend of anybody (ipaddr.js's names). */
const FORBIDDEN_RANGES: ReadonlyMap<string, string> = new Map([
  ['loopback', 'a loopback address'],
  ['linkLocal', 'a link-local address'],
  ['unspecified', 'the unspecified address'],
  ['broadcast', 'a broadcast address'],
  ['multicast', 'a multicast address'],
]);
/** Metadata services outside link-local (AWS over IPv6, Alibaba Cloud). */
const METADATA_ADDRESSES: ReadonlySet<string> = new Set(['fd00:ec2::254', '100.100.100.200']);

/** What a forbidden address is, `a loopback address`; null: it may be a backend. */
export function forbiddenAddress(address: ipaddr.IPv4 | ipaddr.IPv6): string | null {
  if (METADATA_ADDRESSES.has(address.toString())) return 'the address of a metadata service';
  return FORBIDDEN_RANGES.get(address.range()) ?? null;
}

/** An address in any spelling the resolver would take for one: `127.1`, `0x7f000001` and `::ffff:127.0.0.1` included. */
export function readAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  const bare = text.endsWith('.') ? text.slice(0, -1) : text;
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : null;
}
