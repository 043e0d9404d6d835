import { isIP, isIPv4, isIPv6 } from 'node:net';

const DATE_TIME = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/** Checks by name of format (apiextensions: the formats that are enforced). Unknown ones are ignored, as there. */
const FORMATS: ReadonlyMap<string, (value: string) => boolean> = new Map([
  ['date-time', (value) => DATE_TIME.test(value) && !Number.isNaN(Date.parse(value))],
  ['date', (value) => /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value))],
  ['ipv4', (value) => isIPv4(value)],
  ['ipv6', (value) => isIPv6(value)],
  ['ip', (value) => isIP(value) !== 0],
  ['cidr', isCidr],
  ['mac', (value) => /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(value)],
  ['uuid', (value) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(value)],
  ['byte', (value) => /^[A-Za-z0-9+/]*={0,2}$/.test(value) && value.length % 4 === 0],
  ['hostname', (value) => value.length <= 253 && /^[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?$/.test(value)],
  ['uri', (value) => URL.canParse(value)],
  ['duration', (value) => /^-?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d|w))+$/.test(value)],
]);

/** Whether `value` has the format of that name; true for names that are not checked. */
export function hasFormat(value: string, format: string): boolean {
  return FORMATS.get(format)?.(value) ?? true;
}

/** Whether it is an address and a prefix length; bits beyond the prefix may be set. */
export function isCidr(value: string): boolean {
  const slash = value.lastIndexOf('/');
  if (slash < 0) return false;
  const prefix = value.slice(slash + 1);
  const family = isAddress(value.slice(0, slash)) ? isIP(value.slice(0, slash)) : 0;
  return family !== 0 && /^(0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

/** An address as CEL takes it: apiserver/pkg/cel/library/ip.go: neither zones nor IPv4 in the form of IPv6. */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%') && !/^::ffff:(?:\d+\.|[0-9a-f]{1,4}:[0-9a-f]{1,4}$)/i.test(text);
}
