import { parseIpAddress, printIpAddress, type IpFamily } from '../../../core/net/ipAddress.ts';
import type { MemberState } from '../parts.ts';
import { MAX_STATE_OCTETS } from './message.ts';
import { OctetReader, OctetWriter } from './octets.ts';

// State: flags 1 (bit 0: serving) | count 2 of `unable`, each length 2 and UTF-8 | count 2 of `held`, each an address.
// Address: 4 or 6, and its 4 or 16 octets.
const SERVING_BIT = 1;
const MAX_COUNT = 65_535;
const ADDRESS_OCTETS: Readonly<Record<IpFamily, number>> = { IPv4: 4, IPv6: 16 };
const FAMILY_MARK: Readonly<Record<IpFamily, number>> = { IPv4: 4, IPv6: 6 };

/** Before a member has said anything, it serves nothing and holds nothing. */
export const UNKNOWN_STATE: MemberState = { serving: false, unable: [], held: [] };

/** A state in octets, and how many of its entries found no room (or, in `held`, are no addresses). */
export interface EncodedState {
  readonly octets: Buffer;
  readonly omitted: number;
}

/** Encodes a state into at most 16 KiB. What does not fit is left out from the end, `held` first. */
export function encodeState({ serving, unable, held }: MemberState): EncodedState {
  const writer = new OctetWriter(MAX_STATE_OCTETS);
  writer.integer(serving ? SERVING_BIT : 0, 1);
  // Room for the count of `held` stays.
  const wishes = fitting(unable.map(encodeText), MAX_STATE_OCTETS - 1 - 2 - 2);
  writeAll(writer, wishes);
  const addresses = fitting(held.flatMap(encodeAddress), MAX_STATE_OCTETS - writer.written().length - 2);
  writeAll(writer, addresses);
  return { octets: Buffer.from(writer.written()), omitted: unable.length + held.length - wishes.length - addresses.length };
}

/** Reads what a member says of itself; null when it is not a state. */
export function decodeState(octets: Uint8Array): MemberState | null {
  if (octets.length > MAX_STATE_OCTETS) return null;
  const reader = new OctetReader(Buffer.from(octets.buffer, octets.byteOffset, octets.length));
  const flags = reader.integer(1);
  const unable = readAll(reader, readText);
  const held = readAll(reader, readAddress);
  if (unable === null || held === null || reader.failed || reader.left > 0 || flags > SERVING_BIT) return null;
  return { serving: flags === SERVING_BIT, unable, held };
}

function fitting(items: readonly Buffer[], room: number): readonly Buffer[] {
  let used = 0;
  const end = items.findIndex((item) => {
    used += item.length;
    return used > room;
  });
  return items.slice(0, Math.min(end < 0 ? items.length : end, MAX_COUNT));
}

function writeAll(writer: OctetWriter, items: readonly Buffer[]): void {
  writer.integer(items.length, 2);
  for (const item of items) writer.octets(item);
}

/** Each item has at least one octet, so a count beyond what is left ends before anything is stored for it. */
function readAll(reader: OctetReader, readItem: (reader: OctetReader) => string | null): string[] | null {
  const count = reader.integer(2);
  if (count > reader.left) return null;
  const items: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const item = readItem(reader);
    if (item === null || reader.failed) return null;
    items.push(item);
  }
  return items;
}

function encodeText(text: string): Buffer {
  const octets = Buffer.from(text, 'utf8');
  const length = Buffer.alloc(2);
  // One that is longer than a whole state is left out anyway.
  length.writeUInt16BE(Math.min(octets.length, MAX_COUNT));
  return Buffer.concat([length, octets]);
}

function readText(reader: OctetReader): string {
  return reader.take(reader.integer(2)).toString('utf8');
}

function encodeAddress(text: string): readonly Buffer[] {
  const address = parseIpAddress(text);
  if (address === null) return [];
  const digits = address.value.toString(16).padStart(ADDRESS_OCTETS[address.family] * 2, '0');
  return [Buffer.concat([Buffer.from([FAMILY_MARK[address.family]]), Buffer.from(digits, 'hex')])];
}

function readAddress(reader: OctetReader): string | null {
  const mark = reader.integer(1);
  const family = mark === FAMILY_MARK.IPv4 ? 'IPv4' : mark === FAMILY_MARK.IPv6 ? 'IPv6' : null;
  if (family === null) return null;
  const octets = reader.take(ADDRESS_OCTETS[family]);
  return reader.failed ? null : printIpAddress({ family, value: BigInt(`0x${octets.toString('hex')}`) });
}
