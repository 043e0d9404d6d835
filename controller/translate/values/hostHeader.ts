import { normalizeHostName } from '../../../core/net/hostPattern.ts';
import { accept, refuse, type Parsed } from './parsed.ts';

const RULE = 'must be a literal host name with an optional port; nginx variables are not supported';
const MAX_PORT = 65_535;

/** Value of a Host header: a DNS name or IPv4 address with an optional port, folded to lower case. */
export function parseHostHeader(text: string): Parsed<string> {
  const match = /^([^:]{1,254})(?::([0-9]{1,5}))?$/.exec(text);
  const name = normalizeHostName(match?.[1] ?? '');
  if (match === null || name === null) return refuse(RULE);
  const port = match[2];
  if (port === undefined) return accept(name);
  return Number(port) >= 1 && Number(port) <= MAX_PORT ? accept(`${name}:${Number(port)}`) : refuse(RULE);
}
