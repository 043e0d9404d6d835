import { parseIpAddress, type IpAddress } from '../../core/net/ipAddress.ts';
import { IP_ADDRESS, type TextForm } from './textForm.ts';

/** An IP address of which there is one meaning: neither a zone nor IPv4 in the form of IPv6, as CEL's isIP has it. */
export const ADDRESS: TextForm = { rule: IP_ADDRESS.rule, matches: (text) => parseIpAddress(text) !== null };

/** An address that one host can have and that says all of where it is: not 0.0.0.0, ::, multicast, broadcast or fe80::/10. */
export const HOST_ADDRESS: TextForm = {
  rule: 'must be the IP address of one host, link-local IPv6 not among them',
  matches: (text) => {
    const address = parseIpAddress(text);
    return address !== null && isOneHost(address);
  },
};

/** BGP Identifier (RFC 6286 section 2.1): four octets, written as an IPv4 address, and not zero. */
export const ROUTER_ID: TextForm = {
  rule: 'must be written as an IPv4 address, and not be 0.0.0.0',
  matches: (text) => {
    const address = parseIpAddress(text);
    return address?.family === 'IPv4' && address.value !== 0n;
  },
};

/** 224.0.0.0/4 (RFC 1112 section 4): its first 4 bits. */
const MULTICAST_IPV4 = 0xen;
/** RFC 919 section 7. */
const BROADCAST = 0xffff_ffffn;
/** fe80::/10 (RFC 4291 section 2.5.6) and ff00::/8 (section 2.7): their first 10 and 8 bits. */
const LINK_LOCAL_IPV6 = 0xfe80n >> 6n;
const MULTICAST_IPV6 = 0xffn;

function isOneHost({ family, value }: IpAddress): boolean {
  if (value === 0n) return false;
  if (family === 'IPv4') return value >> 28n !== MULTICAST_IPV4 && value !== BROADCAST;
  return value >> 118n !== LINK_LOCAL_IPV6 && value >> 120n !== MULTICAST_IPV6;
}
