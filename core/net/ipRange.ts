import { ADDRESS_BITS, parseIpAddress, type IpAddress, type IpFamily } from './ipAddress.ts';

/** Addresses next to each other, both ends included. Never enumerated: a /64 has 2^64 of them. */
export interface IpRange {
  readonly family: IpFamily;
  readonly first: bigint;
  readonly last: bigint;
}

/** A range, or the rule that its text breaks. */
export type ParsedIpRange =
  { readonly ok: true; readonly range: IpRange } | { readonly ok: false; readonly rule: string };

/** Reads `192.0.2.0/24` or `192.0.2.1-192.0.2.9`, of either family. Bits behind the prefix count as zero. */
export function parseIpRange(text: string): ParsedIpRange {
  if (text.includes('/')) return parseCidr(text);
  const ends = text.split('-');
  const first = parseIpAddress(ends[0]?.trim() ?? '');
  if (ends.length === 1 && first !== null) {
    return refuse(
      `must be a CIDR or a range; write the single address as ${text.trim()}/${ADDRESS_BITS[first.family]}`,
    );
  }
  const last = ends.length === 2 ? parseIpAddress(ends[1]?.trim() ?? '') : null;
  if (first === null || last === null)
    return refuse('must be a CIDR such as 192.0.2.0/24 or a range such as 192.0.2.1-192.0.2.9');
  if (first.family !== last.family) return refuse('must begin and end with addresses of one family');
  if (first.value > last.value) return refuse('must not end before it begins');
  return { ok: true, range: { family: first.family, first: first.value, last: last.value } };
}

/** Reads `address/prefix`. */
export function parseCidr(text: string): ParsedIpRange {
  const rule = 'must be a CIDR such as 192.0.2.0/24 or 2001:db8::/64';
  const slash = text.indexOf('/');
  const address = parseIpAddress(text.slice(0, Math.max(slash, 0)).trim());
  const prefix = text.slice(slash + 1).trim();
  if (slash === -1 || address === null || !/^[0-9]{1,3}$/.test(prefix)) return refuse(rule);
  const hostBits = ADDRESS_BITS[address.family] - Number(prefix);
  if (hostBits < 0) return refuse(`must have a prefix of at most ${ADDRESS_BITS[address.family]} bits`);
  const size = 1n << BigInt(hostBits);
  const first = address.value - (address.value % size);
  return { ok: true, range: { family: address.family, first, last: first + size - 1n } };
}

/** How many addresses a range has. */
export function rangeSize(range: IpRange): bigint {
  return range.last - range.first + 1n;
}

/** True when the address is in the range. */
export function inRange(range: IpRange, address: IpAddress): boolean {
  return range.family === address.family && address.value >= range.first && address.value <= range.last;
}

function refuse(rule: string): ParsedIpRange {
  return { ok: false, rule };
}
