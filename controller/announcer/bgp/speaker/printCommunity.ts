/** Well-known communities (IANA, BGP Well-known Communities), by value. */
const WELL_KNOWN: ReadonlyMap<number, string> = new Map([
  [0xffff_0000, 'graceful-shutdown'],
  [0xffff_0001, 'accept-own'],
  [0xffff_0006, 'llgr-stale'],
  [0xffff_0007, 'no-llgr'],
  [0xffff_029a, 'blackhole'],
  [0xffff_ff01, 'no-export'],
  [0xffff_ff02, 'no-advertise'],
  [0xffff_ff03, 'no-export-subconfed'],
  [0xffff_ff04, 'no-peer'],
]);

/** `65001:100` (RFC 1997), or its name where it has one. */
export function printCommunity(value: number): string {
  return WELL_KNOWN.get(value) ?? `${value >>> 16}:${value & 0xffff}`;
}

/** `large:64500:1:2` (RFC 8092). */
export function printLargeCommunity(parts: readonly [number, number, number]): string {
  return `large:${parts.join(':')}`;
}
