import { isIP, isIPv6 } from 'node:net';

/** An IP address and a TCP port to listen on or to connect to. Port 0 lets the system choose one. */
export interface ListenAddress {
  /** IP address literal, IPv6 without brackets. */
  readonly address: string;
  readonly port: number;
}

/**
 * Reads `ADDR:PORT`: `127.0.0.1:8080`, `[::1]:8080`, `:8080` and `*:8080` (every IPv4 address), `localhost:8080`
 * (127.0.0.1). Null for anything else: names are not looked up, and IPv6 needs its brackets.
 */
export function parseListenAddress(text: string): ListenAddress | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^[\]:]*)):([0-9]{1,5})$/.exec(text);
  if (match === null) return null;
  const [, inBrackets, bare, portText] = match;
  const port = Number(portText);
  if (port > 65_535) return null;
  if (inBrackets !== undefined) return isIPv6(inBrackets) ? { address: inBrackets.toLowerCase(), port } : null;
  const address = namedAddress(bare ?? '');
  return isIP(address) === 4 ? { address, port } : null;
}

/** `127.0.0.1:8080`, `[::1]:8080`. */
export function printListenAddress(address: ListenAddress): string {
  return isIPv6(address.address) ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
}

function namedAddress(text: string): string {
  if (text === '' || text === '*') return '0.0.0.0';
  return text === 'localhost' ? '127.0.0.1' : text;
}
