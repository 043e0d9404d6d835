import { crc32c } from './crc32c.ts';
import { addressOctets, mappedOctets, printOctets } from './ipAddress.ts';
import type { ProxyHeaderResult, SocketEnd } from './proxyHeader.ts';

/** First octets of a version 2 header (proxy-protocol.txt section 2.2). */
export const V2_SIGNATURE: Buffer = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);

const FIXED_BYTES = 16;
/** Ours: addresses and TLVs together. Real senders stay below 600; the format would allow 65,535. */
const MAX_VARIABLE_BYTES = 4096;

const COMMAND_OFFSET = 12;
const FAMILY_OFFSET = 13;
const LENGTH_OFFSET = 14;
const LOCAL = 0x20;
const PROXY = 0x21;
const STREAM_IPV4 = 0x11;
const STREAM_IPV6 = 0x21;
/** Octets of the addresses by family; index: upper half of the family octet. */
const ADDRESS_BYTES = [0, 12, 36, 216] as const;
const LAST_TRANSPORT = 2;

const TLV_HEADER_BYTES = 3;
const TLV_CRC32C = 0x03;
const CRC_BYTES = 4;

const INCOMPLETE: ProxyHeaderResult = { type: 'incomplete' };

/** Version 2, octets that begin with the signature. */
export function decodeV2(bytes: Buffer): ProxyHeaderResult {
  if (bytes.length > COMMAND_OFFSET && !isCommand(bytes)) return invalid('version 2: neither LOCAL nor PROXY of version 2');
  if (bytes.length > FAMILY_OFFSET && !isFamily(bytes)) return invalid('version 2: a family or transport that is not assigned');
  if (bytes.length < FIXED_BYTES) return INCOMPLETE;
  const variableBytes = bytes.readUInt16BE(LENGTH_OFFSET);
  if (variableBytes > MAX_VARIABLE_BYTES) return invalid('version 2: longer than 4096 octets after its fixed part');
  const isLocal = bytes[COMMAND_OFFSET] === LOCAL;
  const family = isLocal ? 0 : familyOf(bytes);
  const addressBytes = ADDRESS_BYTES[family] ?? 0;
  if (variableBytes < addressBytes) return invalid('version 2: too short for the addresses of its family');
  const length = FIXED_BYTES + variableBytes;
  if (bytes.length < length) return INCOMPLETE;
  // LOCAL and UNSPEC: the rest is to be skipped unread (section 2.2), and where TLVs would begin is not defined.
  const fault = family === 0 ? null : tlvFault(bytes.subarray(0, length), FIXED_BYTES + addressBytes);
  if (fault !== null) return invalid(fault);
  const command = isLocal ? 'LOCAL' : 'PROXY';
  return { type: 'header', length, header: { version: 2, command, ...decodeEnds(bytes, family) } };
}

export function encodeV2(source: SocketEnd | null, destination: SocketEnd | null): Buffer {
  const from = source === null ? null : octetsOf(source.address);
  const to = destination === null ? null : octetsOf(destination.address);
  if (from === null || to === null) return fixedPart(LOCAL, 0, 0);
  const isWide = from.length === 16 || to.length === 16;
  const addresses = isWide ? [...mappedOctets(from), ...mappedOctets(to)] : [...from, ...to];
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source?.port ?? 0, 0);
  ports.writeUInt16BE(destination?.port ?? 0, 2);
  const fixed = fixedPart(PROXY, isWide ? STREAM_IPV6 : STREAM_IPV4, addresses.length + ports.length);
  return Buffer.concat([fixed, Buffer.from(addresses), ports]);
}

function isCommand(bytes: Buffer): boolean {
  return bytes[COMMAND_OFFSET] === LOCAL || bytes[COMMAND_OFFSET] === PROXY;
}

function familyOf(bytes: Buffer): number {
  return (bytes[FAMILY_OFFSET] ?? 0) >> 4;
}

/** The combinations of section 2.2; for LOCAL the octet is ignored. */
function isFamily(bytes: Buffer): boolean {
  if (bytes[COMMAND_OFFSET] === LOCAL) return true;
  const transport = (bytes[FAMILY_OFFSET] ?? 0) & 0x0f;
  if (familyOf(bytes) >= ADDRESS_BYTES.length || transport > LAST_TRANSPORT) return false;
  return familyOf(bytes) === 0 || transport !== 0;
}

function decodeEnds(bytes: Buffer, family: number): { readonly source: SocketEnd | null; readonly destination: SocketEnd | null } {
  if (family !== 1 && family !== 2) return { source: null, destination: null };
  const size = family === 1 ? 4 : 16;
  const ports = FIXED_BYTES + 2 * size;
  const addressAt = (offset: number): string => printOctets([...bytes.subarray(offset, offset + size)]);
  return {
    source: { address: addressAt(FIXED_BYTES), port: bytes.readUInt16BE(ports) },
    destination: { address: addressAt(FIXED_BYTES + size), port: bytes.readUInt16BE(ports + 2) },
  };
}

/** What is wrong with the TLVs from `offset` to the end of the header; null: nothing. Unknown types are skipped. */
function tlvFault(header: Buffer, start: number): string | null {
  let crcOffset: number | null = null;
  for (let offset = start; offset < header.length; ) {
    if (offset + TLV_HEADER_BYTES > header.length) return 'version 2: a TLV is cut off';
    const value = offset + TLV_HEADER_BYTES;
    const end = value + header.readUInt16BE(offset + 1);
    if (end > header.length) return 'version 2: a TLV is longer than the header';
    if (header[offset] === TLV_CRC32C) {
      if (crcOffset !== null || end - value !== CRC_BYTES) return 'version 2: more than one CRC32C, or one that is not 4 octets';
      crcOffset = value;
    }
    offset = end;
  }
  return crcOffset === null || crcMatches(header, crcOffset) ? null : 'version 2: the CRC32C is wrong';
}

/** The checksum covers the whole header with its own octets as zeros (section 2.2.3). */
function crcMatches(header: Buffer, offset: number): boolean {
  const sum = crc32c(header.subarray(0, offset), Buffer.alloc(CRC_BYTES), header.subarray(offset + CRC_BYTES));
  return sum === header.readUInt32BE(offset);
}

function fixedPart(command: number, family: number, variableBytes: number): Buffer {
  const fixed = Buffer.alloc(FIXED_BYTES);
  fixed.set(V2_SIGNATURE);
  fixed[COMMAND_OFFSET] = command;
  fixed[FAMILY_OFFSET] = family;
  fixed.writeUInt16BE(variableBytes, LENGTH_OFFSET);
  return fixed;
}

function octetsOf(address: string): readonly number[] {
  const zone = address.indexOf('%');
  const octets = addressOctets(zone === -1 ? address : address.slice(0, zone));
  if (octets === null) throw new TypeError(`an end of a connection needs an IP address (got ${JSON.stringify(address)})`);
  // An IPv4-mapped address is written as what it is.
  return addressOctets(printOctets(octets)) ?? octets;
}

function invalid(reason: string): ProxyHeaderResult {
  return { type: 'invalid', reason };
}
