import ipaddr from 'ipaddr.js';
import { isIP } from 'node:net';
import { accept, refuse, type Parsed } from './parsed.ts';

const MAX_CIDRS = 1024;

/** IP addresses and CIDRs between commas, each as `address/prefix`; addresses stand for themselves alone. */
export function parseCidrList(text: string): Parsed<readonly string[]> {
  const items = text.split(',').map((item) => item.trim()).filter((item) => item !== '');
  if (items.length === 0 || items.length > MAX_CIDRS) {
    return refuse(`must be 1 to ${MAX_CIDRS} IP addresses or CIDRs between commas`);
  }
  const cidrs: string[] = [];
  for (const item of items) {
    const cidr = canonicalCidr(item);
    if (cidr === null) {
      return refuse(`must be IP addresses or CIDRs between commas; ${JSON.stringify(item.slice(0, 60))} is neither`);
    }
    cidrs.push(cidr);
  }
  return accept(cidrs);
}

function canonicalCidr(text: string): string | null {
  const slash = text.indexOf('/');
  const address = slash === -1 ? text : text.slice(0, slash);
  // node:net is the strict judge: ipaddr.js also takes octal, hexadecimal and shortened IPv4.
  const version = isIP(address);
  if (version === 0 || address.includes('%')) return null;
  const bits = version === 4 ? 32 : 128;
  const prefix = slash === -1 ? String(bits) : text.slice(slash + 1);
  if (!/^[0-9]{1,3}$/.test(prefix) || Number(prefix) > bits) return null;
  return `${ipaddr.parse(address).toString()}/${Number(prefix)}`;
}
