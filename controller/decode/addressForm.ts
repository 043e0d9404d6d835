import { parseIpAddress } from '../../core/net/ipAddress.ts';
import { IP_ADDRESS, type TextForm } from './textForm.ts';

/** An IP address of which there is one meaning: neither a zone nor IPv4 in the form of IPv6, as CEL's isIP has it. */
export const ADDRESS: TextForm = { rule: IP_ADDRESS.rule, matches: (text) => parseIpAddress(text) !== null };

/** Four decimal octets. */
export const IPV4_ADDRESS: TextForm = {
  rule: 'must be written as an IPv4 address',
  matches: (text) => parseIpAddress(text)?.family === 'IPv4',
};
