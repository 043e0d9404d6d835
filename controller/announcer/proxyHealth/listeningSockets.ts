import { closeSync, openSync, readSync } from 'node:fs';
import ipaddr from 'ipaddr.js';

/** A TCP port of one address. */
export interface TcpPort {
  readonly address: string;
  readonly port: number;
}

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
const TCP_LISTEN = '0A';
const CHUNK_BYTES = 64 * 1024;

/** True when a socket of this network namespace listens on exactly one of `ports`. */
export function isListening(ports: readonly TcpPort[]): boolean {
  const wanted = new Set(ports.map(printLikeKernel));
  return TABLES.some((table) => readListening(table, (address) => wanted.has(address)));
}

/** `address:port` as /proc/net/tcp writes it: port in hexadecimal, the address in 32-bit words of this machine's octet order. */
export function printLikeKernel({ address, port }: TcpPort): string {
  const octets = Buffer.from(ipaddr.parse(address).toByteArray());
  // Both supported architectures (x64, arm64) are little-endian.
  return `${octets.swap32().toString('hex').toUpperCase()}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
}

/**
 * Hands the addresses of a table's listening sockets to `isWanted` until it answers true. They come before all connections, of
 * which there may be very many: reading ends at the first of those.
 */
function readListening(table: string, isWanted: (address: string) => boolean): boolean {
  for (const [address, state] of readRows(table)) {
    if (state !== TCP_LISTEN) return false;
    if (isWanted(address)) return true;
  }
  return false;
}

function* readRows(table: string): Generator<readonly [address: string, state: string]> {
  let descriptor: number;
  try {
    descriptor = openSync(table, 'r');
  } catch {
    // A kernel without IPv6 has no table of it.
    return;
  }
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let rest = '';
    let isHeading = true;
    for (let length = readSync(descriptor, chunk); length > 0; length = readSync(descriptor, chunk)) {
      const lines = (rest + chunk.toString('latin1', 0, length)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of isHeading ? lines.slice(1) : lines) {
        const [, address = '', , state = ''] = line.trim().split(/ +/);
        yield [address, state];
      }
      isHeading = false;
    }
  } finally {
    closeSync(descriptor);
  }
}
