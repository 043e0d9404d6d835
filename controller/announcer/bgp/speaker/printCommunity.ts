import { WELL_KNOWN_COMMUNITIES } from '../wellKnownCommunities.ts';

const NAMES: ReadonlyMap<number, string> = new Map([...WELL_KNOWN_COMMUNITIES].map(([name, value]) => [value, name]));

/** `65001:100` (RFC 1997), or its name where it has one. */
export function printCommunity(value: number): string {
  return NAMES.get(value) ?? `${value >>> 16}:${value & 0xffff}`;
}

/** `large:64500:1:2` (RFC 8092). */
export function printLargeCommunity(parts: readonly [number, number, number]): string {
  return `large:${parts.join(':')}`;
}
