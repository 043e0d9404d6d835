import { isIPv4, isIPv6 } from 'node:net';
import { addressOctets, canonicalAddress, mappedOctets } from './ipAddress.ts';
import type { ProxyHeaderResult, SocketEnd } from './proxyHeader.ts';

/** Longest header with its CRLF (proxy-protocol.txt section 2.1). */
const V1_MAX_BYTES = 107;
const CR = 0x0d;
const LF = 0x0a;
const FIRST_PRINTABLE = 0x20;
const LAST_PRINTABLE = 0x7e;
const MAX_PORT = 65_535;

const INCOMPLETE: ProxyHeaderResult = { type: 'incomplete' };

/** Version 1, octets that begin with `PROXY `. */
export function decodeV1(bytes: Buffer): ProxyHeaderResult {
  const end = endOfLine(bytes);
  if (end === 'incomplete') return INCOMPLETE;
  if (typeof end === 'string') return invalid(end);
  const length = end + 2;
  const [, protocol, ...rest] = bytes.toString('latin1', 0, end).split(' ');
  if (protocol === 'UNKNOWN') {
    return { type: 'header', length, header: { version: 1, command: 'PROXY', source: null, destination: null } };
  }
  if (protocol !== 'TCP4' && protocol !== 'TCP6') return invalid('version 1: the protocol is none of TCP4, TCP6, UNKNOWN');
  return decodeEnds(protocol, rest, length);
}

export function encodeV1(source: SocketEnd | null, destination: SocketEnd | null): Buffer {
  if (source === null || destination === null) return Buffer.from('PROXY UNKNOWN\r\n', 'latin1');
  const from = plain(source.address);
  const to = plain(destination.address);
  const isWide = isIPv6(from) || isIPv6(to);
  const addresses = isWide ? `TCP6 ${wide(from)} ${wide(to)}` : `TCP4 ${from} ${to}`;
  return Buffer.from(`PROXY ${addresses} ${source.port} ${destination.port}\r\n`, 'latin1');
}

/** Where the CR of the first line stands, `incomplete`, or the rule that is broken. */
function endOfLine(bytes: Buffer): number | string {
  const limit = Math.min(bytes.length, V1_MAX_BYTES);
  for (let index = 0; index < limit; index += 1) {
    const octet = bytes[index] ?? 0;
    if (octet === CR) return afterReturn(bytes, index);
    if (octet < FIRST_PRINTABLE || octet > LAST_PRINTABLE) return 'version 1: an octet is no printable ASCII';
  }
  return limit === V1_MAX_BYTES ? 'version 1: no line end within 107 octets' : 'incomplete';
}

function afterReturn(bytes: Buffer, index: number): number | string {
  if (index + 2 > V1_MAX_BYTES) return 'version 1: no line end within 107 octets';
  if (index + 1 >= bytes.length) return 'incomplete';
  return bytes[index + 1] === LF ? index : 'version 1: a carriage return without line feed';
}

function decodeEnds(protocol: 'TCP4' | 'TCP6', words: readonly string[], length: number): ProxyHeaderResult {
  const [from, to, fromPort, toPort] = words;
  if (words.length !== 4 || from === undefined || to === undefined) return invalid('version 1: not two addresses and two ports');
  const isOfFamily = protocol === 'TCP4' ? isIPv4 : isIPv6;
  const sourceAddress = isOfFamily(from) ? canonicalAddress(from) : null;
  const destinationAddress = isOfFamily(to) ? canonicalAddress(to) : null;
  if (sourceAddress === null || destinationAddress === null) return invalid('version 1: an address is not of the family named');
  const sourcePort = decodePort(fromPort);
  const destinationPort = decodePort(toPort);
  if (sourcePort === null || destinationPort === null) return invalid('version 1: a port is no decimal number from 0 to 65535');
  const source = { address: sourceAddress, port: sourcePort };
  const destination = { address: destinationAddress, port: destinationPort };
  return { type: 'header', length, header: { version: 1, command: 'PROXY', source, destination } };
}

function decodePort(text: string | undefined): number | null {
  if (text === undefined || !/^(?:0|[1-9]\d{0,4})$/.test(text)) return null;
  const port = Number(text);
  return port <= MAX_PORT ? port : null;
}

function plain(address: string): string {
  const zone = address.indexOf('%');
  const canonical = canonicalAddress(zone === -1 ? address : address.slice(0, zone));
  if (canonical === null) throw new TypeError(`an end of a connection needs an IP address (got ${JSON.stringify(address)})`);
  return canonical;
}

function wide(address: string): string {
  if (isIPv6(address)) return address;
  const groups = mappedOctets(addressOctets(address) ?? []).slice(12);
  return `::ffff:${groups.join('.')}`;
}

function invalid(reason: string): ProxyHeaderResult {
  return { type: 'invalid', reason };
}
