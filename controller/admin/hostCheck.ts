import { isIP } from 'node:net';

/**
 * Whether a request's Host names this machine in a way no web page can forge: an address literal or `localhost`. A page
 * whose own name was made to resolve to 127.0.0.1 (DNS rebinding) sends its own name and is refused.
 */
export function isLocalHost(host: string | undefined): boolean {
  if (host === undefined) return false;
  const name = host.replace(/:[0-9]{1,5}$/, '').toLowerCase();
  if (name.startsWith('[') && name.endsWith(']')) return isIP(name.slice(1, -1)) === 6;
  return name === 'localhost' || isIP(name) === 4;
}

/** True for 127.0.0.0/8 and ::1. */
export function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}
